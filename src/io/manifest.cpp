// SPDX-License-Identifier: Apache-2.0
#include "icl/io/manifest.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "icl/base/error.h"
#include "icl/io/files.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kManifest = "MANIFEST.json";
constexpr const char* kUnfinished = ".unfinished-";

}  // namespace

void write_sealed_folder(const std::filesystem::path& folder,
                         const std::vector<std::pair<std::string, std::string>>& files) {
  const std::filesystem::path parent = folder.parent_path();
  const std::filesystem::path beside =
      parent / str(kUnfinished, ::getpid(), "-", folder.filename().string());
  try {
    std::filesystem::create_directories(beside);
    Json entries = Json::object();
    for (const auto& [name, bytes] : files) {
      write_file_synced(beside / name, bytes);
      entries[name] = {{"bytes", bytes.size()}, {"xxh3_128", checksum(bytes)}};
    }
    const Json manifest = {{"schema", "icl.manifest"}, {"version", 1}, {"files", entries}};
    write_file_synced(beside / kManifest, manifest.dump(2) + "\n");
    sync_directory(beside);
    // rename() does not replace a folder that holds files.
    if (std::filesystem::exists(folder)) std::filesystem::remove_all(folder);
    std::filesystem::rename(beside, folder);
    sync_directory(parent);
  } catch (const std::filesystem::filesystem_error& error) {
    std::error_code ignored;
    std::filesystem::remove_all(beside, ignored);
    throw DataError(str("'", folder.string(), "': cannot write: ", error.code().message()));
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove_all(beside, ignored);
    throw;
  }
}

std::string verify_sealed_folder(const std::filesystem::path& folder) {
  const std::string text = read_file(folder / kManifest);
  const Json manifest = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const std::string where = "'" + (folder / kManifest).string() + "': ";
  if (!manifest.is_object() || manifest.value("schema", Json()) != "icl.manifest" ||
      !manifest.contains("files") || !manifest["files"].is_object()) {
    throw DataError(where + "damaged: not a manifest");
  }
  if (manifest.value("version", Json()) != 1) {
    throw DataError(where + "written by a newer version of this program");
  }
  for (const auto& [name, entry] : manifest["files"].items()) {
    if (std::filesystem::path(name).filename() != name || name == "..") {
      throw DataError(str(where, "damaged: '", name, "' is not a plain file name"));
    }
    const MappedFile file(folder / name);
    const std::string path = "'" + (folder / name).string() + "': damaged: ";
    const Json size = entry.is_object() ? entry.value("bytes", Json()) : Json();
    const Json sum = entry.is_object() ? entry.value("xxh3_128", Json()) : Json();
    if (!size.is_number_unsigned() || !sum.is_string()) {
      throw DataError(str(where, "damaged: '", name, "' has no size and checksum"));
    }
    const auto bytes = size.get<size_t>();
    if (file.size() != bytes) {
      throw DataError(str(path, "it has ", file.size(), " bytes, the manifest says ", bytes));
    }
    if (checksum(file.bytes()) != sum.get<std::string>()) {
      throw DataError(str(path, "its checksum is not the manifest's"));
    }
  }
  return checksum(text);
}

void remove_unfinished_folders(const std::filesystem::path& parent) {
  std::error_code missing;
  std::vector<std::filesystem::path> stale;
  for (const auto& entry : std::filesystem::directory_iterator(parent, missing)) {
    if (entry.path().filename().string().rfind(kUnfinished, 0) == 0) stale.push_back(entry.path());
  }
  for (const auto& path : stale) {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
}

}  // namespace icl
