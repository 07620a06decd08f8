// SPDX-License-Identifier: Apache-2.0
//
// Where a result comes from: the program, the machine, and the trained weights. Every result of
// every program holds it, and every key of a stored result is made from it.
//
//   icl::Provenance from = icl::provenance_of(run, device);
//   result["run"] = from.run_json();
//   result["provenance"] = from.program_json();
//
// As JSON, "run": {"name", "path", "family", "parameters", "seed", "checkpoint_step",
// "checkpoint_checksum"} and "provenance": {"icl_version", "git", "torch", "device", "threads",
// "libraries": {"xgboost": "1.7.4"}}.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace icl {

struct Provenance {
  // The program and where it ran.
  std::string icl_version;
  std::string git;    // commit of the sources that the program was built from, or "unknown"
  std::string torch;  // version of LibTorch
  std::string device;
  int64_t threads = 0;
  std::map<std::string, std::string>
      libraries;  // versions of others whose numbers are in the result
  // The trained weights.
  std::string name;
  std::string path;
  std::string family;
  int64_t parameters = 0;
  int64_t seed = 0;
  int64_t checkpoint_step = 0;
  std::string checkpoint_checksum;

  nlohmann::ordered_json run_json() const;
  nlohmann::ordered_json program_json() const;
  // Reads the two objects of a result; what is missing stays empty.
  static Provenance from_json(const nlohmann::ordered_json& result);
};

// This program on `device`, with the number of threads in use; the weights are left empty.
Provenance provenance_of_program(c10::Device device);

// "icl 0.1.0 (git 1a2b3c4), LibTorch 2.11.0, with CUDA kernels"
std::string version_text();
std::string icl_version();  // "0.1.0"
std::string git_commit();   // of the sources this program was built from, or "unknown"

}  // namespace icl
