// SPDX-License-Identifier: Apache-2.0
#include "icl/training/run_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <sstream>

#include "icl/base/error.h"
#include "icl/io/files.h"
#include "icl/io/manifest.h"
#include "icl/models/run_folder.h"

namespace icl {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string now() {
  const std::time_t time = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&time, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

std::string host() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

Json read_json(const fs::path& path) {
  const Json value = Json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) throw DataError(str("'", path.string(), "': damaged: not a JSON object"));
  return value;
}

// A list of run.json, whatever somebody left in its place.
Json& list_in(Json& record, const char* key) {
  Json& list = record[key];
  if (!list.is_array()) list = Json::array();
  return list;
}

// Lines up to and including `step`; a last line cut short by a crash goes too.
std::string metrics_until(const std::string& text, int64_t step) {
  std::istringstream in(text);
  std::string kept;
  for (std::string line; std::getline(in, line);) {
    const Json value = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    const bool told = value.is_object() && value.contains("step") && value["step"].is_number();
    if (told && value["step"].get<int64_t>() <= step) kept += line + "\n";
  }
  return kept;
}

// Whether a folder holds no more than a process leaves that is killed before the config is written.
bool only_begun(const fs::path& run) {
  for (const auto& entry : fs::directory_iterator(run)) {
    const std::string name = entry.path().filename().string();
    const bool ours = name.starts_with("config.json.tmp-") ||
                      (name == "checkpoints" && fs::is_directory(entry) && fs::is_empty(entry));
    if (!ours) return false;
  }
  return true;
}

// What a process leaves that is killed while it writes one of these.
void remove_unfinished_files(const fs::path& run) {
  std::vector<fs::path> left;
  for (const auto& entry : fs::directory_iterator(run)) {
    const std::string name = entry.path().filename().string();
    for (const char* whole : {"config.json", "run.json", "metrics.jsonl"}) {
      if (name.starts_with(std::string(whole) + ".tmp-")) left.push_back(entry.path());
    }
  }
  std::error_code ignored;
  for (const fs::path& file : left) fs::remove(file, ignored);
}

}  // namespace

RunWriter::RunWriter(fs::path run, const RunConfig& config, bool resume)
    : run_(std::move(run)), config_(config) {
  const bool there = fs::exists(run_);
  if (there && !fs::is_directory(run_)) {
    throw UsageError(str("--out '", run_.string(), "': is a file, expected a folder"));
  }
  const bool is_run = fs::exists(run_ / "config.json");
  if (is_run && !resume) {
    throw UsageError(
        str("'", run_.string(),
            "' already holds a run: continue it with --resume, or choose another --out"));
  }
  if (!is_run && there && !only_begun(run_)) {
    throw UsageError(
        str("'", run_.string(), "' is not empty and holds no run: choose another --out"));
  }
  if (is_run) {
    check_resumable(read_json(run_ / "config.json"), config_);
    const std::vector<int64_t> steps = checkpoint_steps(run_);
    if (!steps.empty() && steps.back() > config_.training.steps) {
      throw UsageError(str("training.steps: ", config_.training.steps, ", but '", run_.string(),
                           "' has done ", steps.back(), " already"));
    }
    resuming_ = true;
  }
  make_folders(run_ / "checkpoints");
  lock();
  remove_unfinished_folders(run_ / "checkpoints");
  remove_unfinished_files(run_);
  write_file_atomically(run_ / "config.json", run_config_text(config_));
}

// Two processes in one run would remove each other's unfinished checkpoints. A lock dies with its
// process; a file system that knows none goes without.
void RunWriter::lock() {
  const fs::path folder = run_ / "checkpoints";
  lock_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ >= 0 && ::flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(lock_);
    throw DataError(str("'", run_.string(), "': another process is training this run"));
  }
}

RunWriter::~RunWriter() {
  if (lock_ >= 0) ::close(lock_);
}

void RunWriter::begin(int64_t step, const Json& facts) {
  const fs::path path = run_ / "run.json";
  Json record = fs::exists(path) ? read_json(path) : Json{{"schema", "icl.run"}, {"version", 1}};
  for (const auto& [key, value] : facts.items()) record[key] = value;
  list_in(record, "starts").push_back({{"time", now()}, {"step", step}, {"host", host()}});
  list_in(record, "stops");
  write_file_atomically(path, record.dump(2) + "\n");
  const fs::path metrics = run_ / "metrics.jsonl";
  if (fs::exists(metrics)) {
    write_file_atomically(metrics, metrics_until(read_file(metrics), step));
  }
}

void RunWriter::end(int64_t step, const std::string& reason) {
  const fs::path path = run_ / "run.json";
  Json record = read_json(path);
  list_in(record, "stops").push_back({{"time", now()}, {"step", step}, {"reason", reason}});
  write_file_atomically(path, record.dump(2) + "\n");
}

void RunWriter::metrics(const Json& line) {
  append_line(run_ / "metrics.jsonl", line.dump());
}

void RunWriter::checkpoint(int64_t step,
                           const std::vector<std::pair<std::string, std::string>>& files) {
  write_sealed_folder(checkpoint_path(run_, step), files);
  point("latest", step);
  drop_old_checkpoints(step);
}

void RunWriter::mark_best(int64_t step) {
  point("best", step);
}

void RunWriter::point(const std::string& name, int64_t step) const {
  const fs::path folder = run_ / "checkpoints";
  const fs::path beside = folder / (".unfinished-" + name);
  std::error_code ignored;
  fs::remove(beside, ignored);
  try {
    fs::create_symlink(checkpoint_path(run_, step).filename(), beside);
    fs::rename(beside, folder / name);
  } catch (const fs::filesystem_error& error) {
    throw DataError(str("'", (folder / name).string(), "': cannot link: ", error.code().message()));
  }
  sync_directory(folder);
}

void RunWriter::drop_old_checkpoints(int64_t newest) const {
  std::error_code missing;
  const std::string best = fs::read_symlink(run_ / "checkpoints" / "best", missing).string();
  std::vector<int64_t> steps = checkpoint_steps(run_);
  std::erase_if(steps, [&](int64_t step) { return step > newest; });
  const int64_t keep_every = config_.training.keep_every;
  const auto drop_count = static_cast<int64_t>(steps.size()) - config_.training.keep_last;
  for (int64_t i = 0; i < drop_count; ++i) {
    const fs::path path = checkpoint_path(run_, steps[static_cast<size_t>(i)]);
    const bool milestone = keep_every > 0 && steps[static_cast<size_t>(i)] % keep_every == 0;
    if (!milestone && path.filename().string() != best) fs::remove_all(path);
  }
}

}  // namespace icl
