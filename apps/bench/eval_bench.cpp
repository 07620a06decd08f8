// SPDX-License-Identifier: Apache-2.0
#include "eval_bench.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "icl/cli/signals.h"
#include "icl/evaluation/evaluate.h"
#include "icl/models/model_config.h"

namespace icl {
namespace {

constexpr int64_t kPoints = 200;
constexpr int64_t kPrompts = 4;

template <class Work>
double seconds(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// One forward pass of the whole prompt for each point, as the published code does; `shortest`: only
// of the points up to the query.
void one_by_one(RegressionModel& model, const Prompts& prompts, bool shortest) {
  for (int64_t i = 0; i < kPoints; ++i) {
    stop_if_asked();
    at::Tensor xs = prompts.xs_BKD.clone();
    xs.select(1, i).copy_(prompts.queries_BKD.select(1, i));
    const int64_t length = shortest ? i + 1 : kPoints;
    model.predict(xs.narrow(1, 0, length), prompts.ys_BK.narrow(1, 0, length));
  }
}

nlohmann::ordered_json measure(const std::string& family, const c10::Device& device) {
  const at::NoGradGuard no_grad;
  TaskConfig task;
  const ModelConfig config{.family = families().make(family), .d_model = 64, .n_layer = 4};
  at::manual_seed(1);
  RegressionModel model(config, task.n_dims);
  model.to(device);
  model.eval();
  const Setting& setting = *settings().find("random_quadrants");
  Prompts prompts = sample_prompts(setting, task, {.n_points = kPoints, .batch_size = kPrompts});
  for (at::Tensor* part : {&prompts.xs_BKD, &prompts.ys_BK, &prompts.queries_BKD}) {
    *part = part->to(device);
  }
  predict(model, prompts);  // warms up
  std::vector<double> passes;
  for (int i = 0; i < 5; ++i) passes.push_back(seconds([&] { predict(model, prompts); }));
  std::sort(passes.begin(), passes.end());
  const double one_pass = passes[2];
  const double whole = seconds([&] { one_by_one(model, prompts, false); });
  const double shortest = seconds([&] { one_by_one(model, prompts, true); });
  return {{"family", family},
          {"points", kPoints},
          {"prompts", kPrompts},
          {"one_pass_seconds", one_pass},
          {"whole_prompt_for_each_point_seconds", whole},
          {"shortest_prompt_for_each_point_seconds", shortest},
          {"ratio_whole", whole / one_pass},
          {"ratio_shortest", shortest / one_pass}};
}

}  // namespace

int bench_eval(const CommonOptions& common) {
  const c10::Device device = prepare_device(common);
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  for (const std::string& family : families().names()) results.push_back(measure(family, device));
  if (common.json) {
    std::printf("%s\n", results.dump(2).c_str());
    return 0;
  }
  std::printf("%-12s %12s %22s %8s %22s %8s\n", "family", "one pass", "whole prompt x 200", "ratio",
              "shortest prompt x 200", "ratio");
  for (const auto& row : results) {
    std::printf("%-12s %10.3f s %20.2f s %8.0f %20.2f s %8.0f\n",
                row["family"].get<std::string>().c_str(), row["one_pass_seconds"].get<double>(),
                row["whole_prompt_for_each_point_seconds"].get<double>(),
                row["ratio_whole"].get<double>(),
                row["shortest_prompt_for_each_point_seconds"].get<double>(),
                row["ratio_shortest"].get<double>());
  }
  return 0;
}

}  // namespace icl
