// SPDX-License-Identifier: Apache-2.0
#include "ops_bench.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "icl/base/error.h"
#include "icl/ops/gpu.h"
#include "icl/runs/provenance.h"
#include "kernels/cpu/kernels.h"
#include "kernels/cpu/long_conv.h"
#include "operator_cases.h"
#include "timer.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

std::function<void()> forward_work(const OperatorForm& form,
                                   const std::vector<at::Tensor>& inputs) {
  return [form, inputs] {
    const at::NoGradGuard no_grad;
    form(inputs);
  };
}

std::function<void()> both_work(const OperatorForm& form, const std::vector<at::Tensor>& inputs) {
  std::vector<at::Tensor> leaves;
  for (const at::Tensor& input : inputs) {
    leaves.push_back(input.detach().clone().set_requires_grad(true));
  }
  const at::Tensor incoming = at::randn_like(form(inputs)[0]);
  return [leaves, form, incoming] {
    const at::Tensor result = form(leaves)[0];
    result.backward(incoming);
    for (const at::Tensor& leaf : leaves) leaf.mutable_grad().reset();
  };
}

// A ratio to something that computes another function would say nothing.
void check_forms(const OperatorCase& work) {
  const at::NoGradGuard no_grad;
  const at::Tensor expected = work.fast(work.inputs)[0];
  for (const auto& [name, form, inputs, equal] : work.alternatives) {
    if (!equal) continue;
    const double error = ((form(inputs)[0] - expected).norm() / expected.norm()).item<double>();
    if (error < 1e-4) continue;
    throw Error(ExitCode::kDefect,
                str("icl-bench ops: the \"", name, "\" form of ", work.name, " (", work.shape,
                    ") is not the operator: relative error ", error, ", at most 1e-4 expected"));
  }
}

// The least time that the GPU allows a pass, and what it is that allows no less.
Json bound_of(const Demand& demand, const GpuLimits& limits, double seconds) {
  const std::pair<double, const char*> least =
      std::max({std::pair{demand.bytes / limits.bytes_per_s, "memory"},
                std::pair{demand.exponentials / limits.exponentials_per_s, "exp"},
                std::pair{demand.instructions / limits.instructions_per_s, "issue"}});
  return {{"by", least.second}, {"seconds", least.first}, {"reached", least.first / seconds}};
}

Demand demand_of(const OperatorCase& work, bool backward) {
  Demand demand = work.forward;
  if (backward) {
    demand.bytes += work.backward.bytes;
    demand.exponentials += work.backward.exponentials;
    demand.instructions += work.backward.instructions;
  }
  return demand;
}

// One row: the operator and its alternatives, forward or with the backward pass.
Json measure(const OperatorCase& work, bool backward, c10::Device device) {
  const auto make = backward ? both_work : forward_work;
  std::vector<Contender> contenders{{work.name, make(work.fast, work.inputs)}};
  for (const auto& [name, form, inputs, equal] : work.alternatives) {
    contenders.push_back({name, make(form, inputs)});
  }
  const std::vector<Timing> times = race(contenders, device);
  const Demand demand = demand_of(work, backward);
  Json row{{"operator", work.name},
           {"shape", work.shape},
           {"pass", backward ? "forward+backward" : "forward"},
           {"seconds", times[0].median},
           {"minimum_seconds", times[0].minimum},
           {"ns_per_element", times[0].median / work.elements * 1e9},
           {"minimum_ns_per_element", times[0].minimum / work.elements * 1e9},
           {"gb_per_s", demand.bytes / times[0].median / 1e9},
           {"page_faults", times[0].page_faults},
           {"alternatives", Json::object()}};
  if (device.is_cuda()) {
    if (const auto limits = gpu_limits(device.has_index() ? device.index() : 0)) {
      row["bound"] = bound_of(demand, *limits, times[0].median);
    }
  }
  for (size_t i = 1; i < times.size(); ++i) {
    row["alternatives"][times[i].name] = {{"seconds", times[i].median},
                                          {"minimum_seconds", times[i].minimum},
                                          {"runs", times[i].runs},
                                          {"page_faults", times[i].page_faults},
                                          {"ratio", times[i].median / times[0].median},
                                          {"ratio_of_minima", times[i].minimum / times[0].minimum}};
  }
  return row;
}

void print_header() {
  std::printf("%-15s %-23s %-17s %9s %9s %8s %7s  %s\n", "operator", "shape", "pass", "median",
              "least", "ns/elem", "GB/s", "times slower: median (least; faults)");
}

void print_row(const Json& row) {
  std::string slower;
  for (const auto& [name, times] : row["alternatives"].items()) {
    char text[128];
    std::snprintf(text, sizeof text, "%s %.1f (%.1f; %.0f faults)  ", name.c_str(),
                  times["ratio"].get<double>(), times["ratio_of_minima"].get<double>(),
                  times["page_faults"].get<double>());
    slower += text;
  }
  if (row.contains("bound")) {
    char text[64];
    std::snprintf(text, sizeof text, "  %.0f %% of the bound (%s)",
                  100 * row["bound"]["reached"].get<double>(),
                  row["bound"]["by"].get<std::string>().c_str());
    slower += text;
  }
  std::printf("%-15s %-23s %-17s %6.3f ms %6.3f ms %8.3f %7.1f  %s\n",
              row["operator"].get<std::string>().c_str(), row["shape"].get<std::string>().c_str(),
              row["pass"].get<std::string>().c_str(), row["seconds"].get<double>() * 1e3,
              row["minimum_seconds"].get<double>() * 1e3, row["ns_per_element"].get<double>(),
              row["gb_per_s"].get<double>(), slower.c_str());
  std::fflush(stdout);
}

}  // namespace

int bench_ops(const CommonOptions& common) {
  const c10::Device device = prepare_device(common);
  Json results{{"schema", "icl.bench.ops"},
               {"version", 1},
               {"icl_version", version_text()},
               {"device", device.str()},
               {"threads", at::get_num_threads()},
               {"simd", kernels::cpu::simd_target()},
               {"long_conv_direct_up_to", kernels::cpu::kDirectLength},
               {"rows", Json::array()}};
  if (!common.json) {
    std::printf("%s, %d threads, SIMD on the CPU: %s; float32\n", device.str().c_str(),
                at::get_num_threads(), kernels::cpu::simd_target());
    std::printf(
        "An element is one (b, l, i, n) of the scan, else one output. On the CPU long_conv "
        "is direct up to L=%lld, then by Fourier transforms. Faults: pages of memory that a run "
        "waited for.\n",
        static_cast<long long>(kernels::cpu::kDirectLength));
    print_header();
  }
  for (const OperatorCase& work : operator_cases(device)) {
    check_forms(work);
    for (const bool backward : {false, true}) {
      const Json row = measure(work, backward, device);
      if (!common.json) print_row(row);
      results["rows"].push_back(row);
    }
  }
  if (common.json) std::printf("%s\n", results.dump(2).c_str());
  return 0;
}

}  // namespace icl
