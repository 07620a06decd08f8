// SPDX-License-Identifier: Apache-2.0
#include "nlp_bench.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "icl/base/text.h"
#include "icl/language/language_model.h"
#include "icl/runs/provenance.h"
#include "timer.h"
#include "tokenizer_bench.h"

namespace icl {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kPrompts = 8;
constexpr int64_t kTokens = 64;
constexpr double kSeconds = 20;  // for each contender

constexpr const char* kMamba130m = R"({
  "model_type": "mamba", "hidden_size": 768, "num_hidden_layers": 24, "vocab_size": 50280 })";
constexpr const char* kPythia160m = R"({
  "model_type": "gpt_neox", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
  "intermediate_size": 3072, "vocab_size": 50304, "max_position_embeddings": 2048 })";

// The linear maps of one prefill and nothing else: every weight of the blocks times as many tokens,
// the head times the last token of each prompt, into memory that is there already.
class Products {
 public:
  explicit Products(const LanguageModel& model) {
    at::Tensor head;
    for (const auto& item : model.named_parameters()) {
      const std::string& name = item.key();
      const bool matrix = item.value().dim() == 2 && name.ends_with("weight") &&
                          name.find("conv1d") == std::string::npos;
      if (!matrix) continue;
      if (name == "embedding.weight" || name == "head.weight") {
        head = item.value();  // the head comes last, or is the embedding
      } else {
        add(item.value(), kPrompts * kTokens);
      }
    }
    add(head, kPrompts);
  }
  void run() {
    for (Product& product : products_) at::mm_out(product.y, product.x, product.weight.t());
  }
  double flops() const {
    double total = 0;
    for (const Product& product : products_) {
      total += 2.0 * static_cast<double>(product.x.size(0) * product.weight.numel());
    }
    return total;
  }

 private:
  struct Product {
    at::Tensor x, weight, y;
  };
  void add(const at::Tensor& weight, int64_t rows) {
    products_.push_back({at::randn({rows, weight.size(1)}, weight.options()), weight,
                         at::empty({rows, weight.size(0)}, weight.options())});
  }

  std::vector<Product> products_;
};

// Bytes of memory that this process holds at most since reset_peak(); 0 where that is not known.
double peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return 1024.0 * std::stod(line.substr(6));
  }
  return 0;
}

void reset_peak() {
  std::ofstream("/proc/self/clear_refs") << "5";
}

Json measure(const char* name, const char* config, c10::Device device) {
  const at::NoGradGuard no_grad;
  at::manual_seed(1);
  const auto model = make_language_model(config);
  for (auto& parameter : model->parameters()) parameter.requires_grad_(false);
  model->to(device);
  model->eval();
  const at::Tensor ids = at::randint(model->vocab_size(), {kPrompts, kTokens}, at::kLong);
  const std::vector<int64_t> lengths(kPrompts, kTokens);
  reset_peak();
  model->last_logits(ids, lengths);
  wait_for(device);
  const double peak = peak_memory();

  State state = model->initial_state(kPrompts);
  model->next_logits(ids, state);
  const at::Tensor next = ids.narrow(1, 0, 1);
  Products products(*model);
  const std::vector<Timing> times = race({{"prefill", [&] { model->last_logits(ids, lengths); }},
                                          {"products", [&] { products.run(); }},
                                          {"decode",
                                           [&] {
                                             State branch =
                                                 state;  // always the token after the prompt
                                             model->next_logits(next, branch);
                                           }}},
                                         device, kSeconds, /*most_runs=*/20);
  double weights = 0;
  for (const auto& parameter : model->parameters()) {
    weights += static_cast<double>(parameter.nbytes());
  }
  const double prefill = times[0].median;
  return {{"model", name},
          {"parameters", model->parameter_count()},
          {"prompts", kPrompts},
          {"tokens", kTokens},
          {"prefill_seconds", prefill},
          {"prompts_per_s", kPrompts / prefill},
          {"prefill_tokens_per_s", kPrompts * kTokens / prefill},
          {"products_seconds", times[1].median},
          {"products_gflops", products.flops() / times[1].median * 1e-9},
          {"share_of_products_rate", times[1].median / prefill},
          {"decode_tokens_per_s", kPrompts / times[2].median},
          {"weight_bytes", weights},
          {"peak_bytes", peak},
          {"state_bytes", state.bytes()}};
}

void print_row(const Json& row) {
  const auto number = [&](const char* key) { return row[key].get<double>(); };
  std::printf("%-12s %10.1f %12.0f %12.1f %12.1f %9.0f %% %12.0f %11s %11s\n",
              row["model"].get<std::string>().c_str(), number("prompts_per_s"),
              number("prefill_tokens_per_s"), number("prefill_seconds") * 1e3,
              number("products_seconds") * 1e3, number("share_of_products_rate") * 100,
              number("decode_tokens_per_s"), human_bytes(number("weight_bytes")).c_str(),
              human_bytes(number("peak_bytes")).c_str());
  std::fflush(stdout);
}

}  // namespace

int bench_nlp(const CommonOptions& common) {
  const c10::Device device = prepare_device(common);
  Json results{{"schema", "icl.bench.nlp"},        {"version", 1},
               {"icl_version", version_text()},    {"device", device.str()},
               {"threads", at::get_num_threads()}, {"rows", Json::array()}};
  if (!common.json) {
    std::printf("%s, %d threads; float32, %lld prompts of %lld tokens\n", device.str().c_str(),
                at::get_num_threads(), static_cast<long long>(kPrompts),
                static_cast<long long>(kTokens));
    std::printf("%-12s %10s %12s %12s %12s %11s %12s %11s %11s\n", "model", "prompts/s",
                "prefill tok/s", "prefill ms", "products ms", "rate", "decode tok/s", "weights",
                "peak");
  }
  for (const auto& [name, config] :
       {std::pair{"mamba-130m", kMamba130m}, std::pair{"pythia-160m", kPythia160m}}) {
    const Json row = measure(name, config, device);
    if (!common.json) print_row(row);
    results["rows"].push_back(row);
  }
  results["tokenizer"] = bench_tokenizer();
  if (common.json) {
    std::printf("%s\n", results.dump(2).c_str());
    return 0;
  }
  std::printf("%-12s %14s %16s %8s\n", "split", "scanner MB/s", "Oniguruma MB/s", "ratio");
  for (const Json& row : results["tokenizer"]) {
    std::printf("%-12s %14.1f %16.1f %8.1f\n", row["split"].get<std::string>().c_str(),
                row["megabytes_per_s"].get<double>(),
                row["oniguruma_megabytes_per_s"].get<double>(), row["ratio"].get<double>());
  }
  return 0;
}

}  // namespace icl
