// SPDX-License-Identifier: Apache-2.0
#include "src/python_runs/python_tensors.h"

#include <ATen/ATen.h>

#include <set>

#include "icl/base/error.h"
#include "icl/base/shape.h"
#include "icl/base/text.h"
#include "icl/models/gpt2.h"
#include "icl/models/s4.h"
#include "icl/runs/loaded_run.h"

namespace icl {
namespace {

// How the original lays out what we keep as one matrix or vector.
enum class Layout {
  kSame,
  kTransposed,  // GPT-2 stores its linear maps as [in, out]
  kSqueezed,    // convolutions have one more dimension of size one
};

struct Row {
  const char* theirs;  // {i}: the block
  const char* shape;   // theirs, in the letters of sizes_of()
  const char* ours;    // "": not used by any prediction, left out
  Layout layout = Layout::kSame;
};

// clang-format off
constexpr Row kGpt2[] = {
    {"_read_in.weight",                     "M D",   "read_in.weight"},
    {"_read_in.bias",                       "M",     "read_in.bias"},
    {"_backbone.wpe.weight",                "P M",   "backbone.positions.weight"},
    {"_backbone.h.{i}.ln_1.weight",         "M",     "backbone.blocks.{i}.ln_1.weight"},
    {"_backbone.h.{i}.ln_1.bias",           "M",     "backbone.blocks.{i}.ln_1.bias"},
    {"_backbone.h.{i}.attn.c_attn.weight",  "M 3M",  "backbone.blocks.{i}.attn.c_attn.weight", Layout::kTransposed},
    {"_backbone.h.{i}.attn.c_attn.bias",    "3M",    "backbone.blocks.{i}.attn.c_attn.bias"},
    {"_backbone.h.{i}.attn.c_proj.weight",  "M M",   "backbone.blocks.{i}.attn.c_proj.weight", Layout::kTransposed},
    {"_backbone.h.{i}.attn.c_proj.bias",    "M",     "backbone.blocks.{i}.attn.c_proj.bias"},
    {"_backbone.h.{i}.ln_2.weight",         "M",     "backbone.blocks.{i}.ln_2.weight"},
    {"_backbone.h.{i}.ln_2.bias",           "M",     "backbone.blocks.{i}.ln_2.bias"},
    {"_backbone.h.{i}.mlp.c_fc.weight",     "M 4M",  "backbone.blocks.{i}.mlp.c_fc.weight", Layout::kTransposed},
    {"_backbone.h.{i}.mlp.c_fc.bias",       "4M",    "backbone.blocks.{i}.mlp.c_fc.bias"},
    {"_backbone.h.{i}.mlp.c_proj.weight",   "4M M",  "backbone.blocks.{i}.mlp.c_proj.weight", Layout::kTransposed},
    {"_backbone.h.{i}.mlp.c_proj.bias",     "M",     "backbone.blocks.{i}.mlp.c_proj.bias"},
    {"_backbone.ln_f.weight",               "M",     "backbone.norm.weight"},
    {"_backbone.ln_f.bias",                 "M",     "backbone.norm.bias"},
    {"_read_out.weight",                    "1 M",   "read_out.weight"},
    {"_read_out.bias",                      "1",     "read_out.bias"},
    // Token embeddings (the tokens are vectors) and the constants of the causal mask.
    {"_backbone.wte.weight",                "",      ""},
    {"_backbone.h.{i}.attn.bias",           "",      ""},
    {"_backbone.h.{i}.attn.masked_bias",    "",      ""},
};

constexpr Row kMamba[] = {
    {"_backbone.backbone.embedding.weight",               "M D",     "read_in.weight"},
    {"_backbone.backbone.embedding.bias",                 "M",       "read_in.bias"},
    {"_backbone.backbone.layers.{i}.norm.weight",         "M",       "backbone.blocks.{i}.norm.weight"},
    {"_backbone.backbone.layers.{i}.mixer.A_log",         "I N",     "backbone.blocks.{i}.mixer.A_log"},
    {"_backbone.backbone.layers.{i}.mixer.D",             "I",       "backbone.blocks.{i}.mixer.D"},
    {"_backbone.backbone.layers.{i}.mixer.in_proj.weight",  "2I M",  "backbone.blocks.{i}.mixer.in_proj.weight"},
    {"_backbone.backbone.layers.{i}.mixer.conv1d.weight",   "I 1 W", "backbone.blocks.{i}.mixer.conv1d.weight", Layout::kSqueezed},
    {"_backbone.backbone.layers.{i}.mixer.conv1d.bias",     "I",     "backbone.blocks.{i}.mixer.conv1d.bias"},
    {"_backbone.backbone.layers.{i}.mixer.x_proj.weight",   "X I",   "backbone.blocks.{i}.mixer.x_proj.weight"},
    {"_backbone.backbone.layers.{i}.mixer.dt_proj.weight",  "I R",   "backbone.blocks.{i}.mixer.dt_proj.weight"},
    {"_backbone.backbone.layers.{i}.mixer.dt_proj.bias",    "I",     "backbone.blocks.{i}.mixer.dt_proj.bias"},
    {"_backbone.backbone.layers.{i}.mixer.out_proj.weight", "M I",   "backbone.blocks.{i}.mixer.out_proj.weight"},
    {"_backbone.backbone.norm_f.weight",                  "M",       "backbone.norm.weight"},
    {"_backbone.lm_head.weight",                          "1 M",     "read_out.weight"},
    {"_backbone.lm_head.bias",                            "1",       "read_out.bias"},
};

constexpr Row kS4[] = {
    {"encoder.weight",                        "M D",     "read_in.weight"},
    {"encoder.bias",                          "M",       "read_in.bias"},
    {"s4_layers.{i}.D",                       "M",       "backbone.blocks.{i}.mixer.D"},
    {"s4_layers.{i}.kernel.C",                "M N/2 2", "backbone.blocks.{i}.mixer.kernel.C"},
    {"s4_layers.{i}.kernel.log_dt",           "M",       "backbone.blocks.{i}.mixer.kernel.log_dt"},
    {"s4_layers.{i}.kernel.log_A_real",       "M N/2",   "backbone.blocks.{i}.mixer.kernel.log_A_real"},
    {"s4_layers.{i}.kernel.A_imag",           "M N/2",   "backbone.blocks.{i}.mixer.kernel.A_imag"},
    {"s4_layers.{i}.output_linear.0.weight",  "2M M 1",  "backbone.blocks.{i}.mixer.output_linear.weight", Layout::kSqueezed},
    {"s4_layers.{i}.output_linear.0.bias",    "2M",      "backbone.blocks.{i}.mixer.output_linear.bias"},
    {"norms.{i}.weight",                      "M",       "backbone.blocks.{i}.norm.weight"},
    {"norms.{i}.bias",                        "M",       "backbone.blocks.{i}.norm.bias"},
    {"decoder.weight",                        "1 M",     "read_out.weight"},
    {"decoder.bias",                          "1",       "read_out.bias"},
};
// clang-format on

struct Table {
  const Row* begin;
  const Row* end;
};

Table table_of(const Family& family) {
  if (family.get_if<Gpt2Family>() != nullptr) return {std::begin(kGpt2), std::end(kGpt2)};
  if (family.get_if<MambaFamily>() != nullptr) return {std::begin(kMamba), std::end(kMamba)};
  ICL_ASSERT(family.get_if<S4Family>() != nullptr, "no table of names for ", family.name());
  return {std::begin(kS4), std::end(kS4)};
}

// Sizes by the letters that the tables use.
std::map<std::string, int64_t> sizes_of(const RunConfig& config) {
  const ModelConfig& model = config.model;
  const int64_t width = model.d_model;
  std::map<std::string, int64_t> sizes = {
      {"1", 1},          {"2", 2},          {"D", config.task.n_dims}, {"M", width},
      {"2M", 2 * width}, {"3M", 3 * width}, {"4M", 4 * width}};
  if (const auto* gpt2 = model.family.get_if<Gpt2Family>()) sizes["P"] = gpt2->n_positions;
  if (const auto* s4 = model.family.get_if<S4Family>()) sizes["N/2"] = s4->d_state / 2;
  if (const auto* mamba = model.family.get_if<MambaFamily>()) {
    const int64_t inner = mamba->expand * width;
    const int64_t rank = (width + 15) / 16;
    sizes.insert({{"I", inner},
                  {"2I", 2 * inner},
                  {"N", mamba->d_state},
                  {"R", rank},
                  {"X", rank + 2 * mamba->d_state},
                  {"W", mamba->d_conv}});
  }
  return sizes;
}

std::string in_block(const std::string& pattern, int64_t block) {
  const size_t at = pattern.find("{i}");
  return at == std::string::npos ? pattern
                                 : pattern.substr(0, at) + str(block) + pattern.substr(at + 3);
}

bool strip(std::string& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.erase(0, prefix.size());
  return true;
}

// One table applied to one state dict.
class Matching {
 public:
  Matching(const PythonTensors& tensors, const RunConfig& config,
           std::vector<std::string>& problems, std::vector<std::string>& unused)
      : tensors_(tensors),
        config_(config),
        sizes_(sizes_of(config)),
        problems_(problems),
        unused_(unused) {}

  // Our names with the tensors for them.
  std::map<std::string, at::Tensor> run() {
    const Table table = table_of(config_.model.family);
    for (const Row* row = table.begin; row != table.end; ++row) {
      const bool each = std::string_view(row->theirs).find("{i}") != std::string_view::npos;
      for (int64_t i = 0; i < (each ? config_.model.n_layer : 1); ++i) match(*row, i);
    }
    report();
    return std::move(found_);
  }

 private:
  void match(const Row& row, int64_t block) {
    const std::string name = in_block(row.theirs, block);
    known_.insert(name);
    const at::Tensor* tensor = tensors_.find(name);
    const auto* gpt2 = config_.model.family.get_if<Gpt2Family>();
    const bool no_positions =
        std::string_view(row.shape) == "P M" && gpt2 != nullptr && !gpt2->longest_sequence();
    if (*row.ours == '\0' || no_positions) {
      if (tensor != nullptr) unused_.push_back(tensors_.entries.at(name).name);
      return;
    }
    std::vector<int64_t> shape;
    for (const std::string& size : split(row.shape, ' ')) shape.push_back(sizes_.at(size));
    if (tensor == nullptr) {
      missing_.emplace_back(name, describe_shape(shape));
    } else if (tensor->sizes() != at::IntArrayRef(shape)) {
      problems_.push_back(str("misshapen: ", tensors_.entries.at(name).name, " is ",
                              describe_shape(tensor->sizes()), ", expected ", describe_shape(shape),
                              " (", meaning(row), ")"));
    } else if (!tensor->is_floating_point()) {
      problems_.push_back(str("wrong type: ", tensors_.entries.at(name).name, " holds ",
                              describe_type(tensor->scalar_type()),
                              ", expected floating-point numbers"));
    } else {
      found_[in_block(row.ours, block)] = arranged(*tensor, row.layout);
    }
  }

  // "M x 3M, where M = 64": which sizes of the config a shape comes from.
  std::string meaning(const Row& row) const {
    const std::string sizes = join(split(row.shape, ' '), " x ");
    std::string where = str("M = model.n_embd = ", config_.model.d_model);
    if (sizes.find('D') != std::string::npos)
      where += str(", D = model.n_dims = ", config_.task.n_dims);
    if (sizes.find('P') != std::string::npos) where += ", P = 2 model.n_positions";
    if (sizes.find('I') != std::string::npos) where += ", I = 2 M";
    return sizes + ", " + where;
  }

  static at::Tensor arranged(const at::Tensor& tensor, Layout layout) {
    if (layout == Layout::kTransposed) return tensor.t();
    if (layout == Layout::kSqueezed) {
      return tensor.size(1) == 1 ? tensor.squeeze(1) : tensor.squeeze(2);
    }
    return tensor;
  }

  // What is missing and what nothing is known of, each with the nearest of the other.
  void report() {
    std::vector<std::string> unmatched, wanted;
    for (const auto& [name, entry] : tensors_.entries) {
      if (known_.count(name) == 0) unmatched.push_back(name);
    }
    for (const auto& [name, shape] : missing_) {
      wanted.push_back(name);
      const std::string near = nearest(name, unmatched);
      problems_.push_back(str("missing: ", name, " ", shape,
                              near.empty() ? "" : "; the nearest there is '" + near + "'"));
    }
    for (const std::string& name : unmatched) {
      const PythonTensors::Entry& entry = tensors_.entries.at(name);
      problems_.push_back(str("unknown: ", entry.name, " ", describe_shape(entry.tensor.sizes()),
                              did_you_mean(name, wanted)));
    }
  }

  const PythonTensors& tensors_;
  const RunConfig& config_;
  std::map<std::string, int64_t> sizes_;
  std::vector<std::string>& problems_;
  std::vector<std::string>& unused_;
  std::set<std::string> known_;
  std::vector<std::pair<std::string, std::string>> missing_;
  std::map<std::string, at::Tensor> found_;
};

}  // namespace

PythonTensors::PythonTensors(const NamedTensors& tensors, const Family& family) {
  for (const auto& [name, tensor] : tensors) {
    std::string plain = name;
    while (strip(plain, "module.") || strip(plain, "_orig_mod.")) {
    }
    if (family.get_if<S4Family>() != nullptr) strip(plain, "_backbone.");
    // Twice the same after stripping: the second keeps its name, and is reported as unknown.
    entries.insert({entries.count(plain) == 0 ? plain : name, {name, tensor}});
  }
}

const at::Tensor* PythonTensors::find(const std::string& name) const {
  const auto entry = entries.find(name);
  return entry == entries.end() ? nullptr : &entry->second.tensor;
}

std::shared_ptr<RegressionModel> make_python_model(const PythonTensors& tensors,
                                                   const RunConfig& config,
                                                   std::vector<std::string>& problems,
                                                   std::vector<std::string>& unused) {
  const size_t problems_before = problems.size();
  const std::map<std::string, at::Tensor> found = Matching(tensors, config, problems, unused).run();
  if (problems.size() > problems_before) return nullptr;

  auto model =
      std::make_shared<RegressionModel>(config.model, config.task.n_dims, Initialization::kNone);
  const at::NoGradGuard no_grad;
  for (auto& [name, parameter] : tensors_of(*model)) {
    const auto source = found.find(name);
    ICL_ASSERT(source != found.end() && source->second.sizes() == parameter.sizes(),
               "the table of names lacks ", name, " ", describe_shape(parameter.sizes()));
    parameter.copy_(source->second);
  }
  model->eval();
  return model;
}

}  // namespace icl
