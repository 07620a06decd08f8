// SPDX-License-Identifier: Apache-2.0
//
// The rules of the house, as functions of a source file: each answers with one line for each
// breach, "path:line: what is wrong".
#pragma once

#include <string>
#include <vector>

namespace icl::house {

struct SourceFile {
  std::string path;  // relative to the source tree, e.g. "src/models/mamba.cpp"
  std::string text;
};

using Breaches = std::vector<std::string>;

// A room includes only rooms below it; kernels see neither a room nor torch; public headers see no
// private one; spdlog and torch never meet.
Breaches room_breaches(const SourceFile& file);

// Public headers, sources, kernels and mains stay small enough to be read at once.
// `limit_of` is 0 for files without a limit.
int line_limit_of(const std::string& path);
Breaches size_breaches(const SourceFile& file);

// Words that belong to one machine or to unfinished work.
Breaches word_breaches(const SourceFile& file);

// The first lines name the licence; headers are guarded by #pragma once.
Breaches preamble_breaches(const SourceFile& file);

// No room knows a family, a function class, an input distribution or a setting by its name.
Breaches name_breaches(const SourceFile& file);

// A public header's stem is its source's stem, in the same room.
Breaches stem_breaches(const std::vector<SourceFile>& files);

// Every source, header, script, config and document of the tree.
std::vector<SourceFile> source_tree(const std::string& root);

}  // namespace icl::house
