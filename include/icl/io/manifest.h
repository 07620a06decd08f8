// SPDX-License-Identifier: Apache-2.0
//
// A folder of files that is either complete and undamaged or not trusted: MANIFEST.json lists every
// file with its size and checksum and is written last; the folder gets its name only then.
//
//   write_sealed_folder("checkpoints/step_00001000", {{"model.safetensors", bytes}});
//   const std::string id = verify_sealed_folder("checkpoints/step_00001000");   // or throws
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace icl {

// Files are written under a temporary name in the same parent, synced, sealed and renamed. An older
// folder of that name is replaced. Throws DataError with the system's reason; nothing is left
// behind.
void write_sealed_folder(const std::filesystem::path& folder,
                         const std::vector<std::pair<std::string, std::string>>& files);

// Returns the checksum of the manifest, which identifies the contents. Throws DataError naming the
// first file that is missing, has another size or another checksum.
std::string verify_sealed_folder(const std::filesystem::path& folder);

// Removes what killed processes left half-written in `parent`.
void remove_unfinished_folders(const std::filesystem::path& parent);

}  // namespace icl
