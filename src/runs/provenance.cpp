// SPDX-License-Identifier: Apache-2.0
#include "icl/runs/provenance.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include "icl/base/error.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

std::string text_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

int64_t integer_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

// The object under `key`, or an empty one.
Json object_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : Json::object();
}

}  // namespace

Json Provenance::run_json() const {
  return {{"name", name},
          {"path", path},
          {"family", family},
          {"parameters", parameters},
          {"seed", seed},
          {"checkpoint_step", checkpoint_step},
          {"checkpoint_checksum", checkpoint_checksum}};
}

Json Provenance::program_json() const {
  Json json = {{"icl_version", icl_version},
               {"git", git},
               {"torch", torch},
               {"device", device},
               {"threads", threads}};
  if (!libraries.empty()) json["libraries"] = libraries;
  return json;
}

Provenance Provenance::from_json(const Json& result) {
  if (!result.is_object()) return {};
  const Json run = object_at(result, "run");
  const Json program = object_at(result, "provenance");
  Provenance from;
  from.icl_version = text_at(program, "icl_version");
  from.git = text_at(program, "git");
  from.torch = text_at(program, "torch");
  from.device = text_at(program, "device");
  from.threads = integer_at(program, "threads");
  const Json libraries = object_at(program, "libraries");
  for (const auto& [library, version] : libraries.items()) {
    if (version.is_string()) from.libraries[library] = version.get<std::string>();
  }
  from.name = text_at(run, "name");
  from.path = text_at(run, "path");
  from.family = text_at(run, "family");
  from.parameters = integer_at(run, "parameters");
  from.seed = integer_at(run, "seed");
  from.checkpoint_step = integer_at(run, "checkpoint_step");
  from.checkpoint_checksum = text_at(run, "checkpoint_checksum");
  return from;
}

Provenance provenance_of_program(c10::Device device) {
  Provenance from;
  from.icl_version = icl_version();
  from.git = git_commit();
  from.torch = TORCH_VERSION;
  from.device = device.str();
  from.threads = at::get_num_threads();
  return from;
}

std::string icl_version() {
  return ICL_VERSION;
}

std::string git_commit() {
  return ICL_GIT_COMMIT;
}

std::string version_text() {
  return str("icl ", ICL_VERSION, " (git ", git_commit(), "), LibTorch ", TORCH_VERSION,
             ICL_WITH_CUDA ? ", with CUDA kernels" : ", CPU only");
}

}  // namespace icl
