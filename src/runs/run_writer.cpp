// SPDX-License-Identifier: Apache-2.0
#include "icl/runs/run_writer.h"

#include <unistd.h>

#include <array>
#include <ctime>
#include <sstream>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/io/files.h"
#include "icl/io/manifest.h"

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

// The list under `key` of the record; a value of another type is replaced by an empty list.
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
    const bool has_step = value.is_object() && value.contains("step") && value["step"].is_number();
    if (has_step && value["step"].get<int64_t>() <= step) kept += line + "\n";
  }
  return kept;
}

bool is_temporary(const std::string& name, const RunFolder& folder) {
  for (const fs::path& whole : {folder.config(), folder.record(), folder.metrics()}) {
    if (name.starts_with(whole.filename().string() + ".tmp-")) return true;
  }
  return false;
}

// Whether a folder holds no more than a start leaves that ends before the first checkpoint.
bool only_begun(const RunFolder& folder) {
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    const fs::path& path = entry.path();
    const bool ours = is_temporary(path.filename().string(), folder) || path == folder.config() ||
                      path == folder.record() || path == folder.metrics() ||
                      (path == folder.checkpoints() && fs::is_directory(entry));
    if (!ours) return false;
  }
  return folder.checkpoint_steps().empty();
}

// Removes the temporary files of a process that was killed while it wrote one of these.
void remove_unfinished_files(const RunFolder& folder) {
  std::vector<fs::path> left;
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    if (is_temporary(entry.path().filename().string(), folder)) left.push_back(entry.path());
  }
  std::error_code ignored;
  for (const fs::path& file : left) fs::remove(file, ignored);
}

RunConfig read_earlier_config(const RunFolder& folder) {
  try {
    return load_run_config(folder.config());
  } catch (const UsageError& error) {
    throw DataError(str("'", folder.path().string(),
                        "': cannot be resumed, its config cannot be used: ", error.what()));
  }
}

}  // namespace

RunWriter::RunWriter(const fs::path& run, const RunConfig& config, bool resume)
    : folder_(run), config_(config) {
  const bool there = fs::exists(run);
  if (there && !fs::is_directory(run)) {
    throw UsageError(str("--out '", run.string(), "': is a file, expected a folder"));
  }
  const bool holds_run = folder_.holds_run();
  if (holds_run && !resume) {
    throw UsageError(
        str("'", run.string(),
            "' already holds a run: continue it with --resume, or choose another --out"));
  }
  if (there && !holds_run && !only_begun(folder_)) {
    throw UsageError(
        str("'", run.string(), "' is not empty and holds no run: choose another --out"));
  }
  if (holds_run) {
    earlier_ = read_earlier_config(folder_);
    check_resumable(*earlier_, config_);
    const int64_t done = folder_.checkpoint_steps().back();
    if (done > config_.training.steps) {
      throw UsageError(str("training.steps: ", config_.training.steps, ", but '", run.string(),
                           "' has done ", done, " already"));
    }
    resuming_ = true;
  }
  make_folders(folder_.checkpoints());
  lock_.emplace(folder_);
  remove_unfinished_folders(folder_.checkpoints());
  remove_unfinished_files(folder_);
  write_file_atomically(folder_.config(), run_config_text(config_));
}

void RunWriter::begin(int64_t step, const Json& facts) {
  const fs::path path = folder_.record();
  const bool continues = resuming_ && fs::exists(path);
  Json record = continues ? read_json(path) : Json{{"schema", "icl.run"}, {"version", 1}};
  for (const auto& [key, value] : facts.items()) record[key] = value;
  list_in(record, "starts").push_back({{"time", now()}, {"step", step}, {"host", host()}});
  list_in(record, "stops");
  write_file_atomically(path, record.dump(2) + "\n");
  const fs::path metrics = folder_.metrics();
  if (fs::exists(metrics)) {
    write_file_atomically(metrics, metrics_until(read_file(metrics), step));
  }
}

void RunWriter::end(int64_t step, const std::string& reason) {
  try {
    const fs::path path = folder_.record();
    Json record = read_json(path);
    list_in(record, "stops").push_back({{"time", now()}, {"step", step}, {"reason", reason}});
    write_file_atomically(path, record.dump(2) + "\n");
  } catch (const std::exception& error) {
    log_warning(str("the end of the run could not be recorded: ", error.what()));
  }
}

void RunWriter::metrics(const Json& line) {
  append_line(folder_.metrics(), line.dump());
}

void RunWriter::checkpoint(const TrainingState& state, const std::string& weights,
                           const std::string& optimizer) {
  const Checkpoint names{};
  std::vector<std::pair<std::string, std::string>> files;
  files.emplace_back(names.weights().string(), weights);
  if (!optimizer.empty()) files.emplace_back(names.optimizer().string(), optimizer);
  files.emplace_back(names.state().string(), state.to_json().dump(2) + "\n");
  write_sealed_folder(folder_.checkpoint(state.step), files);
  point("latest", state.step);
  if (state.best && fs::exists(folder_.checkpoint(state.best->step))) {
    point("best", state.best->step);
  }
  drop_old_checkpoints(state);
}

void RunWriter::point(const std::string& name, int64_t step) {
  const fs::path beside = folder_.link(".unfinished-" + name);
  std::error_code ignored;
  fs::remove(beside, ignored);
  try {
    fs::create_symlink(folder_.checkpoint(step).filename(), beside);
    fs::rename(beside, folder_.link(name));
  } catch (const fs::filesystem_error& error) {
    if (!warned_of_links_) {
      log_warning(str("'", folder_.link(name).string(), "': cannot link (", error.code().message(),
                      "): the run goes on without links to its latest and best checkpoint"));
    }
    warned_of_links_ = true;
    return;
  }
  sync_directory(folder_.checkpoints());
}

void RunWriter::drop_old_checkpoints(const TrainingState& newest) const {
  std::vector<int64_t> steps = folder_.checkpoint_steps();
  std::erase_if(steps, [&](int64_t step) { return step > newest.step; });
  const int64_t keep_every = config_.training.keep_every;
  const auto drop_count = static_cast<int64_t>(steps.size()) - config_.training.keep_last;
  for (int64_t i = 0; i < drop_count; ++i) {
    const int64_t step = steps[static_cast<size_t>(i)];
    const bool milestone = keep_every > 0 && step % keep_every == 0;
    if (milestone || (newest.best && step == newest.best->step)) continue;
    std::error_code failed;
    fs::remove_all(folder_.checkpoint(step), failed);
    if (failed) {
      log_warning(str("'", folder_.checkpoint(step).string(),
                      "': the old checkpoint could not be removed: ", failed.message()));
    }
  }
}

}  // namespace icl
