// SPDX-License-Identifier: Apache-2.0
//
// Run folders as the paper's Python code leaves them, with random weights, and what that code
// predicts with them: the published formulas written down once more, plainly and in float64.
//
//   const PythonFolder original = python_mamba();
//   original.write(folder, /*step=*/7);
//   at::Tensor predictions_BK = original.predict(xs_BKD, ys_BK);
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <numbers>
#include <string>

#include "tests/support/torch_file.h"

namespace icl::testing {

using Weights = std::map<std::string, at::Tensor>;

struct PythonFolder {
  std::string config;  // config.yaml
  Weights weights;
  std::function<at::Tensor(const PythonFolder&, const at::Tensor&)> forward;  // tokens -> [B, T]
  std::string prefix;  // of the names in the file, as a wrapper adds it

  at::Tensor operator[](const std::string& name) const { return weights.at(name).to(at::kDouble); }

  PickleValue state_dict() const {
    PickleValue::Dict dict;
    for (const auto& [name, tensor] : weights) dict.emplace_back(prefix + name, tensor);
    return PickleValue::dict(dict);
  }

  void write_config(const std::filesystem::path& folder) const {
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "config.yaml") << config;
  }
  // config.yaml and state.pt with all that the original stores in it.
  void write(const std::filesystem::path& folder, int64_t step) const {
    write_config(folder);
    const PickleValue moments =
        PickleValue::dict({{"step", at::ones({})}, {"exp_avg", at::zeros({2})}});
    const PickleValue group = PickleValue::dict({{"lr", 1e-4},
                                                 {"betas", PickleValue::tuple({0.9, 0.999})},
                                                 {"maximize", false},
                                                 {"foreach", PickleValue()},
                                                 {"params", PickleValue::list({0})}});
    const PickleValue optimizer =
        PickleValue::dict({{"state", PickleValue::dict({{int64_t{0}, moments}})},
                           {"param_groups", PickleValue::list({group})}});
    write_torch_file(folder / "state.pt", PickleValue::dict({{"model_state_dict", state_dict()},
                                                             {"optimizer_state_dict", optimizer},
                                                             {"train_step", step}}));
  }
  // model_STEP.pt.
  void write_model(const std::filesystem::path& folder, int64_t step) const {
    write_config(folder);
    write_torch_file(folder / ("model_" + std::to_string(step) + ".pt"), state_dict());
  }

  // x_0, (y_0, 0, ...), x_1, ... through the model, read at the x tokens.
  at::Tensor predict(const at::Tensor& xs_BKD, const at::Tensor& ys_BK) const {
    const int64_t n_points = xs_BKD.size(1);
    at::Tensor tokens = at::zeros({xs_BKD.size(0), 2 * n_points, xs_BKD.size(2)}, at::kDouble);
    for (int64_t i = 0; i < n_points; ++i) {
      tokens.select(1, 2 * i).copy_(xs_BKD.select(1, i));
      tokens.select(1, 2 * i + 1).select(1, 0).copy_(ys_BK.select(1, i));
    }
    return forward(*this, tokens).slice(1, 0, 2 * n_points, 2);
  }
};

inline std::string python_config(const std::string& model, const std::string& training) {
  return "model:\n" + model +
         "  n_dims: 3\nout_dir: ../models/linear_regression/0a1b\ntest_run: false\ntraining:\n"
         "  batch_size: 64\n  curriculum:\n    dims:\n      end: 3\n      inc: 1\n"
         "      interval: 2000\n      start: 2\n    points:\n      end: 11\n      inc: 2\n"
         "      interval: 2000\n      start: 5\n  data: gaussian\n  keep_every_steps: 100000\n"
         "  learning_rate: 0.0001\n  num_tasks: null\n  num_training_examples: null\n"
         "  resume_id: null\n  save_every_steps: 1000\n  task: linear_regression\n"
         "  task_kwargs: {}\n  train_steps: 500001\n" +
         training +
         "wandb:\n  entity: in-context\n  log_every_steps: 100\n  name: linear\n  notes: ''\n"
         "  project: in-context-training\n";
}

// The keys that Grazzi et al. added.
inline const std::string kPaperTraining =
    "  data_kwargs: {}\n  learning_rate_schedule: cosine\n  seed: 2\n";

inline at::Tensor affine(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return at::matmul(x, weight.t()) + bias;
}

inline at::Tensor layer_normed(const at::Tensor& x, const at::Tensor& weight,
                               const at::Tensor& bias) {
  const at::Tensor centred = x - x.mean(-1, true);
  return centred / at::sqrt(centred.square().mean(-1, true) + 1e-5) * weight + bias;
}

// GPT-2 of width 8, 2 blocks, 2 heads, for up to 11 points.
inline at::Tensor gpt2_forward(const PythonFolder& w, const at::Tensor& tokens) {
  const int64_t length = tokens.size(1);
  at::Tensor h = affine(tokens, w["_read_in.weight"], w["_read_in.bias"]) +
                 w["_backbone.wpe.weight"].narrow(0, 0, length);
  for (const char* i : {"0", "1"}) {
    const auto at = [&](const char* name) {
      return w[std::string("_backbone.h.") + i + "." + name];
    };
    const at::Tensor normed = layer_normed(h, at("ln_1.weight"), at("ln_1.bias"));
    const auto qkv =
        (at::matmul(normed, at("attn.c_attn.weight")) + at("attn.c_attn.bias")).chunk(3, -1);
    std::vector<at::Tensor> heads;
    for (int64_t head = 0; head < 2; ++head) {
      const auto part = [&](int which) {
        return qkv[static_cast<size_t>(which)].narrow(-1, 4 * head, 4);
      };
      at::Tensor scores = at::matmul(part(0), part(1).transpose(1, 2)) / 2.0;
      const at::Tensor future = at::ones({length, length}, at::kBool).triu(1);
      scores = scores.masked_fill(future, -1e30);
      heads.push_back(at::matmul(at::softmax(scores, -1), part(2)));
    }
    h = h + at::matmul(at::cat(heads, -1), at("attn.c_proj.weight")) + at("attn.c_proj.bias");
    const at::Tensor x =
        at::matmul(layer_normed(h, at("ln_2.weight"), at("ln_2.bias")), at("mlp.c_fc.weight")) +
        at("mlp.c_fc.bias");
    const at::Tensor gelu =
        0.5 * x * (1 + at::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x.pow(3))));
    h = h + at::matmul(gelu, at("mlp.c_proj.weight")) + at("mlp.c_proj.bias");
  }
  h = layer_normed(h, w["_backbone.ln_f.weight"], w["_backbone.ln_f.bias"]);
  return affine(h, w["_read_out.weight"], w["_read_out.bias"]).squeeze(-1);
}

// `learned`: as Garg et al. leave it; else with the positions frozen at zero.
inline PythonFolder python_gpt2(bool learned) {
  at::manual_seed(11);
  PythonFolder folder;
  folder.forward = gpt2_forward;
  folder.config = python_config(
      std::string("  family: gpt2\n  n_embd: 8\n  n_head: 2\n  n_layer: 2\n  n_positions: 11\n") +
          (learned ? "" : "  remove_pos_embedding: true\n"),
      learned ? "" : kPaperTraining);
  Weights& w = folder.weights;
  const auto random = [](at::IntArrayRef shape) { return 0.4 * at::randn(shape); };
  w["_read_in.weight"] = random({8, 3});
  w["_read_in.bias"] = random({8});
  w["_backbone.wte.weight"] = random({50, 8});
  w["_backbone.wpe.weight"] = learned ? random({22, 8}) : at::zeros({22, 8});
  for (const char* i : {"0", "1"}) {
    const std::string h = std::string("_backbone.h.") + i + ".";
    for (const char* norm : {"ln_1", "ln_2"}) {
      w[h + norm + ".weight"] = 1 + random({8});
      w[h + norm + ".bias"] = random({8});
    }
    w[h + "attn.bias"] = at::ones({1, 1, 22, 22}, at::kBool).tril();
    w[h + "attn.masked_bias"] = at::full({}, -1e4);
    w[h + "attn.c_attn.weight"] = random({8, 24});
    w[h + "attn.c_attn.bias"] = random({24});
    w[h + "attn.c_proj.weight"] = random({8, 8});
    w[h + "attn.c_proj.bias"] = random({8});
    w[h + "mlp.c_fc.weight"] = random({8, 32});
    w[h + "mlp.c_fc.bias"] = random({32});
    w[h + "mlp.c_proj.weight"] = random({32, 8});
    w[h + "mlp.c_proj.bias"] = random({8});
  }
  w["_backbone.ln_f.weight"] = 1 + random({8});
  w["_backbone.ln_f.bias"] = random({8});
  w["_read_out.weight"] = random({1, 8});
  w["_read_out.bias"] = random({1});
  return folder;
}

inline at::Tensor rms_normed(const at::Tensor& x, const at::Tensor& weight) {
  return x / at::sqrt(x.square().mean(-1, true) + 1e-5) * weight;
}

inline at::Tensor swish(const at::Tensor& x) {
  return x / (1 + at::exp(-x));
}

// One Mamba mixer, token by token: inner width 16, 16 states, window of 4, rank 1.
inline at::Tensor mamba_mixer(const Weights& w, const at::Tensor& u) {
  const at::Tensor xz = at::matmul(u, w.at("in_proj.weight").t());
  const at::Tensor raw = xz.narrow(-1, 0, 16);
  const at::Tensor gate = swish(xz.narrow(-1, 16, 16));
  const at::Tensor a = -at::exp(w.at("A_log"));
  const at::Tensor taps = w.at("conv1d.weight").squeeze(1);  // [16, 4]
  at::Tensor state = at::zeros({u.size(0), 16, 16}, at::kDouble);
  std::vector<at::Tensor> outputs;
  for (int64_t t = 0; t < u.size(1); ++t) {
    at::Tensor x = w.at("conv1d.bias").expand({u.size(0), 16}).clone();
    for (int64_t back = 0; back < 4 && back <= t; ++back) {
      x = x + raw.select(1, t - back) * taps.select(1, 3 - back);
    }
    x = swish(x);
    const at::Tensor parts = at::matmul(x, w.at("x_proj.weight").t());  // rank, B, C
    const at::Tensor dt = at::log1p(
        at::exp(affine(parts.narrow(1, 0, 1), w.at("dt_proj.weight"), w.at("dt_proj.bias"))));
    const at::Tensor b = parts.narrow(1, 1, 16).unsqueeze(1);
    const at::Tensor c = parts.narrow(1, 17, 16).unsqueeze(1);
    state = at::exp(dt.unsqueeze(2) * a) * state + (dt * x).unsqueeze(2) * b;
    const at::Tensor y = (state * c).sum(2) + w.at("D") * x;
    outputs.push_back(at::matmul(y * gate.select(1, t), w.at("out_proj.weight").t()));
  }
  return at::stack(outputs, 1);
}

inline at::Tensor mamba_forward(const PythonFolder& w, const at::Tensor& tokens) {
  const std::string root = "_backbone.backbone.";
  at::Tensor h = affine(tokens, w[root + "embedding.weight"], w[root + "embedding.bias"]);
  for (const char* i : {"0", "1"}) {
    const std::string layer = root + "layers." + i + ".";
    Weights mixer;
    for (const auto& [name, tensor] : w.weights) {
      if (name.starts_with(layer + "mixer.")) {
        mixer[name.substr(layer.size() + 6)] = tensor.to(at::kDouble);
      }
    }
    h = h + mamba_mixer(mixer, rms_normed(h, w[layer + "norm.weight"]));
  }
  h = rms_normed(h, w[root + "norm_f.weight"]);
  return affine(h, w["_backbone.lm_head.weight"], w["_backbone.lm_head.bias"]).squeeze(-1);
}

// Mamba of width 8 and 2 blocks.
inline PythonFolder python_mamba() {
  at::manual_seed(12);
  PythonFolder folder;
  folder.forward = mamba_forward;
  folder.config = python_config(
      "  family: mamba\n  n_embd: 8\n  n_head: 0\n  n_layer: 2\n  n_positions: 11\n"
      "  remove_pos_embedding: true\n",
      kPaperTraining);
  Weights& w = folder.weights;
  const auto random = [](at::IntArrayRef shape) { return 0.4 * at::randn(shape); };
  const std::string root = "_backbone.backbone.";
  w[root + "embedding.weight"] = random({8, 3});
  w[root + "embedding.bias"] = random({8});
  for (const char* i : {"0", "1"}) {
    const std::string layer = root + "layers." + i + ".";
    w[layer + "norm.weight"] = 1 + random({8});
    w[layer + "mixer.A_log"] = at::log(at::arange(1, 17)).expand({16, 16}) + random({16, 16});
    w[layer + "mixer.D"] = 1 + random({16});
    w[layer + "mixer.in_proj.weight"] = random({32, 8});
    w[layer + "mixer.conv1d.weight"] = random({16, 1, 4});
    w[layer + "mixer.conv1d.bias"] = random({16});
    w[layer + "mixer.x_proj.weight"] = random({33, 16});
    w[layer + "mixer.dt_proj.weight"] = random({16, 1});
    w[layer + "mixer.dt_proj.bias"] = random({16}) - 3;
    w[layer + "mixer.out_proj.weight"] = random({8, 16});
  }
  w[root + "norm_f.weight"] = 1 + random({8});
  w["_backbone.lm_head.weight"] = random({1, 8});
  w["_backbone.lm_head.bias"] = random({1});
  return folder;
}

inline at::Tensor s4_forward(const PythonFolder& w, const at::Tensor& tokens) {
  const int64_t length = tokens.size(1);
  at::Tensor h = affine(tokens, w["encoder.weight"], w["encoder.bias"]);
  for (const char* i : {"0", "1"}) {
    const auto at = [&](const char* name) { return w[std::string("s4_layers.") + i + "." + name]; };
    const at::Tensor a = at::complex(-at::exp(at("kernel.log_A_real")), at("kernel.A_imag"));
    const at::Tensor dta = a * at::exp(at("kernel.log_dt")).unsqueeze(1);
    const at::Tensor c = at::view_as_complex(at("kernel.C").contiguous()) * (at::exp(dta) - 1) / a;
    std::vector<at::Tensor> kernel;  // [8] for each lag
    for (int64_t lag = 0; lag < length; ++lag) {
      kernel.push_back(2 * at::real(c * at::exp(dta * lag)).sum(1));
    }
    std::vector<at::Tensor> ys;
    for (int64_t t = 0; t < length; ++t) {
      at::Tensor y = at("D") * h.select(1, t);
      for (int64_t s = 0; s <= t; ++s) y = y + kernel[static_cast<size_t>(t - s)] * h.select(1, s);
      ys.push_back(y);
    }
    const at::Tensor y = at::stack(ys, 1);
    const at::Tensor gelu = 0.5 * y * (1 + at::erf(y / std::sqrt(2.0)));
    const at::Tensor both =
        affine(gelu, at("output_linear.0.weight").squeeze(2), at("output_linear.0.bias"));
    const at::Tensor z = both.narrow(-1, 0, 8) / (1 + at::exp(-both.narrow(-1, 8, 8)));
    h = layer_normed(z + h, w[std::string("norms.") + i + ".weight"],
                     w[std::string("norms.") + i + ".bias"]);
  }
  return affine(h, w["decoder.weight"], w["decoder.bias"]).squeeze(-1);
}

// S4D of width 8 and 2 blocks.
inline PythonFolder python_s4() {
  at::manual_seed(13);
  PythonFolder folder;
  folder.forward = s4_forward;
  folder.config = python_config(
      "  family: s4\n  n_embd: 8\n  n_head: 0\n  n_layer: 2\n  n_positions: 11\n"
      "  remove_pos_embedding: true\n",
      kPaperTraining);
  Weights& w = folder.weights;
  const auto random = [](at::IntArrayRef shape) { return 0.4 * at::randn(shape); };
  w["encoder.weight"] = random({8, 3});
  w["encoder.bias"] = random({8});
  for (const char* i : {"0", "1"}) {
    const std::string layer = std::string("s4_layers.") + i + ".";
    w[layer + "D"] = at::randn({8});
    w[layer + "kernel.C"] = random({8, 32, 2});
    w[layer + "kernel.log_dt"] = at::rand({8}) * 4 - 7;
    w[layer + "kernel.log_A_real"] = std::log(0.5) + random({8, 32});
    w[layer + "kernel.A_imag"] =
        std::numbers::pi * at::arange(32).expand({8, 32}) + random({8, 32});
    w[layer + "output_linear.0.weight"] = random({16, 8, 1});
    w[layer + "output_linear.0.bias"] = random({16});
    w[std::string("norms.") + i + ".weight"] = 1 + random({8});
    w[std::string("norms.") + i + ".bias"] = random({8});
  }
  w["decoder.weight"] = random({1, 8});
  w["decoder.bias"] = random({1});
  return folder;
}

}  // namespace icl::testing
