// SPDX-License-Identifier: Apache-2.0
#include "tests/language/reference.h"

#include <ATen/ATen.h>

#include <cmath>
#include <functional>
#include <numbers>

namespace icl::testing {
namespace {

using at::Tensor;
using nlohmann::json;

// The tensors in double precision.
class Weights {
 public:
  explicit Weights(const TensorsByName& tensors) : tensors_(tensors) {}
  bool has(const std::string& name) const { return tensors_.count(name) != 0; }
  Tensor operator()(const std::string& name) const { return tensors_.at(name).to(at::kDouble); }
  // x W^T + b
  Tensor linear(const std::string& name, const Tensor& x) const {
    const Tensor y = at::matmul(x, (*this)(name + ".weight").t());
    return has(name + ".bias") ? y + (*this)(name + ".bias") : y;
  }
  Tensor layer_norm(const std::string& name, const Tensor& x, double eps) const {
    const Tensor centred = x - x.mean(-1, true);
    const Tensor variance = (centred * centred).mean(-1, true);
    return centred / at::sqrt(variance + eps) * (*this)(name + ".weight") + (*this)(name + ".bias");
  }
  Tensor rms_norm(const std::string& name, const Tensor& x, double eps) const {
    return x / at::sqrt((x * x).mean(-1, true) + eps) * (*this)(name + ".weight");
  }

 private:
  const TensorsByName& tensors_;
};

Tensor swish(const Tensor& x) {
  return x / (1 + at::exp(-x));
}

Tensor activate(const std::string& name, const Tensor& x) {
  if (name == "relu") return at::clamp_min(x, 0);
  if (name == "silu" || name == "swish") return swish(x);
  if (name == "gelu") return 0.5 * x * (1 + at::erf(x / std::numbers::sqrt2));
  return 0.5 * x * (1 + at::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

struct Rope {
  int64_t width = 0;  // 0: none
  bool neighbours = false;
  std::function<double(int64_t pair)> frequency;
  double scale = 1;
};

// One head's vector [d] at a position.
Tensor turned(const Tensor& x, int64_t position, const Rope& rope) {
  Tensor y = x.clone();
  for (int64_t j = 0; j < rope.width / 2; ++j) {
    const int64_t a = rope.neighbours ? 2 * j : j;
    const int64_t b = rope.neighbours ? 2 * j + 1 : j + rope.width / 2;
    const double angle = static_cast<double>(position) * rope.frequency(j);
    y[a] = (x[a] * std::cos(angle) - x[b] * std::sin(angle)) * rope.scale;
    y[b] = (x[b] * std::cos(angle) + x[a] * std::sin(angle)) * rope.scale;
  }
  return y;
}

// q [T, H, d], k and v [T, H', d] -> [T, H d]; head h looks at h / (H / H'), a token at the last
// `window` tokens (0: all).
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, double scale, const Rope& rope,
                 int64_t window = 0) {
  const int64_t length = q.size(0), n_head = q.size(1), shared = n_head / k.size(1);
  Tensor y = at::zeros_like(q);
  for (int64_t h = 0; h < n_head; ++h) {
    std::vector<Tensor> keys;
    for (int64_t t = 0; t < length; ++t) {
      keys.push_back(turned(k[t][h / shared], t, rope));
      const int64_t first = window > 0 ? std::max<int64_t>(0, t + 1 - window) : 0;
      const Tensor seen = at::stack(keys).narrow(0, first, t + 1 - first);
      const Tensor scores = at::mv(seen, turned(q[t][h], t, rope)) * scale;
      const Tensor weights = at::exp(scores - scores.max());
      const Tensor values = v.narrow(0, first, t + 1 - first).select(1, h / shared);
      y[t][h] = at::mv(values.t(), weights) / weights.sum();
    }
  }
  return y.flatten(1);
}

Tensor heads(const Tensor& x, int64_t n_head) {
  return x.view({x.size(0), n_head, -1});
}

double root_scale(int64_t width) {
  return 1 / std::sqrt(static_cast<double>(width));
}

Tensor head(const Weights& w, const Tensor& x, const std::string& own, const std::string& embedding,
            bool tied) {
  return tied ? at::matmul(x, w(embedding).t()) : w.linear(own, x);
}

Tensor gpt2(const json& config, const Weights& w, const Tensor& ids) {
  const int64_t width = get(config, "n_embd"), n_head = get(config, "n_head");
  const std::string act = config.value("activation_function", "gelu_new");
  const auto conv = [&](const std::string& name, const Tensor& x) {
    return at::matmul(x, w(name + ".weight")) + w(name + ".bias");
  };
  Tensor x = w("transformer.wte.weight").index_select(0, ids) +
             w("transformer.wpe.weight").narrow(0, 0, ids.numel());
  for (int64_t i = 0; i < get(config, "n_layer"); ++i) {
    const std::string block = "transformer.h." + std::to_string(i) + ".";
    const Tensor qkv = conv(block + "attn.c_attn", w.layer_norm(block + "ln_1", x, 1e-5));
    const auto part = [&](int64_t j) { return heads(qkv.narrow(1, j * width, width), n_head); };
    double scale = root_scale(width / n_head);
    if (flag(config, "scale_attn_by_inverse_layer_idx", false)) scale /= static_cast<double>(i + 1);
    x = x + conv(block + "attn.c_proj", attention(part(0), part(1), part(2), scale, {}));
    const Tensor normed = w.layer_norm(block + "ln_2", x, 1e-5);
    x = x + conv(block + "mlp.c_proj", activate(act, conv(block + "mlp.c_fc", normed)));
  }
  return head(w, w.layer_norm("transformer.ln_f", x, 1e-5), "lm_head", "transformer.wte.weight",
              flag(config, "tie_word_embeddings", true));
}

// A key of the object, else of the top level.
double setting(const json& rope, const char* key, const json& config, const char* top,
               double fallback) {
  if (rope.contains(key)) return rope[key];
  return config.contains(top) ? config[top].get<double>() : fallback;
}

// The scale and frequencies of a sequence of `length` tokens, by the papers' formulas.
Rope rope_of(const json& config, int64_t d_head, const char* theta_key, const char* share_key,
             double default_share, int64_t length) {
  const json older = config.value("rope_scaling", json::object());
  const json rope = older.empty() ? config.value("rope_parameters", json::object()) : older;
  const double theta = setting(rope, "rope_theta", config, theta_key, 1e4);
  const double share = setting(rope, "partial_rotary_factor", config, share_key, default_share);
  const auto width = static_cast<int64_t>(static_cast<double>(d_head) * share);
  const std::string type = rope.value("rope_type", rope.value("type", "default"));
  const double most = config.value("max_position_embeddings", 2048.0);
  const double old = setting(config, "original_max_position_embeddings", rope,
                             "original_max_position_embeddings", most);
  const double factor = rope.value("factor", most / old);
  const auto d = static_cast<double>(width), tokens = static_cast<double>(length);
  const auto plain = [=](double base, int64_t pair) {
    return std::pow(base, -2 * static_cast<double>(pair) / d);
  };
  Rope result{.width = width, .frequency = [=](int64_t j) { return plain(theta, j); }};
  if (type == "linear") {
    result.frequency = [=](int64_t j) { return plain(theta, j) / factor; };
  } else if (type == "dynamic" && tokens > most) {
    const double base = theta * std::pow(factor * tokens / most - factor + 1, d / (d - 2));
    result.frequency = [=](int64_t j) { return plain(base, j); };
  } else if (type == "longrope") {
    const std::vector<double> factors = rope[tokens > old ? "long_factor" : "short_factor"];
    result.frequency = [=](int64_t j) { return plain(theta, j) / factors[static_cast<size_t>(j)]; };
    result.scale = rope.value("attention_factor", std::sqrt(1 + std::log(factor) / std::log(old)));
  } else if (type == "yarn") {
    const bool whole = rope.value("truncate", true);
    const auto bound = [=](double rotations) {
      return d * std::log(old / (rotations * 2 * std::numbers::pi)) / (2 * std::log(theta));
    };
    double low = bound(rope.value("beta_fast", 32.0)), high = bound(rope.value("beta_slow", 1.0));
    if (whole) low = std::floor(low);
    if (whole) high = std::ceil(high);
    low = std::max(low, 0.0);
    high = std::min(high, d - 1);
    result.frequency = [=](int64_t j) {
      double kept = 1 - (static_cast<double>(j) - low) / (high - low);
      kept = std::min(1.0, std::max(0.0, kept));
      return plain(theta, j) * (kept + (1 - kept) / factor);
    };
    const auto size = [=](double scale) { return 0.1 * scale * std::log(factor) + 1; };
    result.scale = rope.contains("mscale") ? size(rope["mscale"]) / size(rope["mscale_all_dim"])
                                           : rope.value("attention_factor", size(1));
  } else if (type == "llama3") {
    const double low = rope["low_freq_factor"], high = rope["high_freq_factor"];
    result.frequency = [=](int64_t j) {
      const double frequency = plain(theta, j), wave = 2 * std::numbers::pi / frequency;
      if (wave > old / low) return frequency / factor;
      if (wave < old / high) return frequency;
      const double smooth = (old / wave - low) / (high - low);
      return (1 - smooth) * frequency / factor + smooth * frequency;
    };
  }
  return result;
}

Tensor gpt_neox(const json& config, const Weights& w, const Tensor& ids) {
  const int64_t width = get(config, "hidden_size"), n_head = get(config, "num_attention_heads");
  const int64_t d_head = width / n_head;
  const std::string act = config.value("hidden_act", "gelu");
  const Rope rope = rope_of(config, d_head, "rotary_emb_base", "rotary_pct", 0.25, ids.numel());
  Tensor x = w("gpt_neox.embed_in.weight").index_select(0, ids);
  for (int64_t i = 0; i < get(config, "num_hidden_layers"); ++i) {
    const std::string layer = "gpt_neox.layers." + std::to_string(i) + ".";
    const Tensor qkv = w.linear(layer + "attention.query_key_value",
                                w.layer_norm(layer + "input_layernorm", x, 1e-5));
    const Tensor by_head = qkv.view({ids.numel(), n_head, 3 * d_head});
    const auto part = [&](int64_t j) { return by_head.narrow(2, j * d_head, d_head); };
    const Tensor attended = w.linear(
        layer + "attention.dense", attention(part(0), part(1), part(2), root_scale(d_head), rope));
    const bool parallel = flag(config, "use_parallel_residual", true);
    const Tensor seen = parallel ? x : x + attended;
    const Tensor normed = w.layer_norm(layer + "post_attention_layernorm", seen, 1e-5);
    x = x + attended +
        w.linear(layer + "mlp.dense_4h_to_h",
                 activate(act, w.linear(layer + "mlp.dense_h_to_4h", normed)));
  }
  return head(w, w.layer_norm("gpt_neox.final_layer_norm", x, 1e-5), "embed_out",
              "gpt_neox.embed_in.weight", flag(config, "tie_word_embeddings", false));
}

Tensor gptj(const json& config, const Weights& w, const Tensor& ids) {
  const int64_t width = get(config, "n_embd"), n_head = get(config, "n_head");
  const int64_t turned_width = get(config, "rotary_dim");
  const Rope rope = {turned_width, true, [&](int64_t pair) {
                       return std::pow(
                           1e4, -2 * static_cast<double>(pair) / static_cast<double>(turned_width));
                     }};
  Tensor x = w("transformer.wte.weight").index_select(0, ids);
  for (int64_t i = 0; i < get(config, "n_layer"); ++i) {
    const std::string block = "transformer.h." + std::to_string(i) + ".";
    const Tensor normed = w.layer_norm(block + "ln_1", x, 1e-5);
    const auto part = [&](const char* name) {
      return heads(w.linear(block + "attn." + name, normed), n_head);
    };
    const Tensor attended =
        w.linear(block + "attn.out_proj", attention(part("q_proj"), part("k_proj"), part("v_proj"),
                                                    root_scale(width / n_head), rope));
    x = x + attended +
        w.linear(block + "mlp.fc_out", activate("gelu_new", w.linear(block + "mlp.fc_in", normed)));
  }
  return w.linear("lm_head", w.layer_norm("transformer.ln_f", x, 1e-5));
}

// Of Mistral's and Qwen's layers.
int64_t window_of(const json& config, int64_t layer) {
  const std::string type = config.at("model_type");
  if (type == "llama" || !config.contains("sliding_window")) return 0;
  if (type == "mistral") return get(config, "sliding_window", 0);
  if (!flag(config, "use_sliding_window", false)) return 0;
  const bool windowed =
      config.contains("layer_types")
          ? config["layer_types"][static_cast<size_t>(layer)] == "sliding_attention"
          : layer >= get(config, "max_window_layers", 28);
  return windowed ? get(config, "sliding_window") : 0;
}

Tensor llama(const json& config, const Weights& w, const Tensor& ids) {
  const int64_t width = get(config, "hidden_size"), n_head = get(config, "num_attention_heads");
  const int64_t n_kv_head = get(config, "num_key_value_heads", n_head);
  const int64_t d_head = get(config, "head_dim", width / n_head);
  const Rope rope = rope_of(config, d_head, "rope_theta", "partial_rotary_factor", 1, ids.numel());
  Tensor x = w("model.embed_tokens.weight").index_select(0, ids);
  for (int64_t i = 0; i < get(config, "num_hidden_layers"); ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    const Tensor normed = w.rms_norm(layer + "input_layernorm", x, 1e-5);
    const auto part = [&](const std::string& name, int64_t count) {
      const Tensor x_THd = heads(w.linear(layer + "self_attn." + name + "_proj", normed), count);
      const std::string norm = layer + "self_attn." + name + "_norm";
      return w.has(norm + ".weight") ? w.rms_norm(norm, x_THd, 1e-5) : x_THd;
    };
    x = x + w.linear(layer + "self_attn.o_proj",
                     attention(part("q", n_head), part("k", n_kv_head), part("v", n_kv_head),
                               root_scale(d_head), rope, window_of(config, i)));
    const Tensor again = w.rms_norm(layer + "post_attention_layernorm", x, 1e-5);
    x = x + w.linear(layer + "mlp.down_proj", swish(w.linear(layer + "mlp.gate_proj", again)) *
                                                  w.linear(layer + "mlp.up_proj", again));
  }
  return head(w, w.rms_norm("model.norm", x, 1e-5), "lm_head", "model.embed_tokens.weight",
              flag(config, "tie_word_embeddings", false));
}

// `norm_eps`: of Falcon Mamba's norms without weights; 0: none.
Tensor mamba_mixer(const Weights& w, const std::string& mixer, const Tensor& x_TM,
                   double norm_eps) {
  const auto normed = [&](const Tensor& x) {
    return norm_eps == 0 ? x : x / at::sqrt((x * x).mean() + norm_eps);
  };
  const Tensor a = -at::exp(w(mixer + "A_log")), d = w(mixer + "D");
  const Tensor filter = w(mixer + "conv1d.weight");  // [I, 1, W]
  const int64_t inner = a.size(0), n_state = a.size(1), window = filter.size(2);
  const int64_t rank = w(mixer + "dt_proj.weight").size(1);
  const Tensor xz = w.linear(mixer + "in_proj", x_TM);
  Tensor h = at::zeros({inner, n_state}, at::kDouble);
  std::vector<Tensor> outputs;
  for (int64_t t = 0; t < x_TM.size(0); ++t) {
    Tensor u = at::zeros({inner}, at::kDouble);
    if (w.has(mixer + "conv1d.bias")) u = w(mixer + "conv1d.bias");
    for (int64_t j = 0; j < window; ++j) {
      const int64_t from = t - (window - 1) + j;
      if (from >= 0) u = u + filter.select(1, 0).select(1, j) * xz[from].narrow(0, 0, inner);
    }
    u = swish(u);
    const Tensor parts = at::mv(w(mixer + "x_proj.weight"), u);
    const Tensor raw = at::mv(w(mixer + "dt_proj.weight"), normed(parts.narrow(0, 0, rank))) +
                       w(mixer + "dt_proj.bias");
    const Tensor dt = at::log1p(at::exp(raw));
    const Tensor b = normed(parts.narrow(0, rank, n_state));
    const Tensor c = normed(parts.narrow(0, rank + n_state, n_state));
    h = at::exp(dt.unsqueeze(1) * a) * h + at::outer(dt * u, b);
    outputs.push_back((at::mv(h, c) + d * u) * swish(xz[t].narrow(0, inner, inner)));
  }
  return w.linear(mixer + "out_proj", at::stack(outputs));
}

Tensor mamba(const json& config, const Weights& w, const Tensor& ids) {
  const bool falcon = config.value("model_type", "") == "falcon_mamba";
  const double norm_eps = falcon ? config.value("mixer_rms_eps", 1e-6) : 0;
  Tensor x = w("backbone.embeddings.weight").index_select(0, ids);
  for (int64_t i = 0; w.has("backbone.layers." + std::to_string(i) + ".norm.weight"); ++i) {
    const std::string layer = "backbone.layers." + std::to_string(i) + ".";
    x = x + mamba_mixer(w, layer + "mixer.", w.rms_norm(layer + "norm", x, 1e-5), norm_eps);
  }
  return head(w, w.rms_norm("backbone.norm_f", x, 1e-5), "lm_head", "backbone.embeddings.weight",
              flag(config, "tie_word_embeddings", true));
}

Tensor rwkv(const json& config, const Weights& w, const Tensor& ids) {
  const double eps = config.is_object() ? config.value("layer_norm_epsilon", 1e-5) : 1e-5;
  const auto shifted = [](const Tensor& x, const Tensor& mix) {
    const Tensor before =
        at::cat({at::zeros_like(x.narrow(0, 0, 1)), x.narrow(0, 0, x.size(0) - 1)});
    return mix.view({-1}) * x + (1 - mix.view({-1})) * before;
  };
  Tensor x =
      w.layer_norm("rwkv.blocks.0.pre_ln", w("rwkv.embeddings.weight").index_select(0, ids), eps);
  // Only folders with a config halve the stream.
  const int64_t period = config.is_object() ? get(config, "rescale_every", 6) : 0;
  for (int64_t i = 0; w.has("rwkv.blocks." + std::to_string(i) + ".ln1.weight"); ++i) {
    const auto rescaled = static_cast<double>(period > 0 ? i / period : 0);
    const std::string block = "rwkv.blocks." + std::to_string(i) + ".";
    const Tensor normed = w.layer_norm(block + "ln1", x, eps);
    const auto projected = [&](const std::string& layer, const std::string& part,
                               const Tensor& of) {
      return w.linear(layer + part, shifted(of, w(layer + "time_mix_" + part)));
    };
    const std::string att = block + "attention.", ffn = block + "feed_forward.";
    const Tensor k = projected(att, "key", normed), v = projected(att, "value", normed);
    const Tensor r = at::sigmoid(projected(att, "receptance", normed));
    const Tensor decay = -at::exp(w(att + "time_decay")), first = w(att + "time_first");
    std::vector<Tensor> sums;
    for (int64_t t = 0; t < ids.numel(); ++t) {
      Tensor below = at::exp(first + k[t]);
      Tensor above = below * v[t];
      for (int64_t s = 0; s < t; ++s) {
        const Tensor weight = at::exp(static_cast<double>(t - 1 - s) * decay + k[s]);
        above = above + weight * v[s];
        below = below + weight;
      }
      sums.push_back(above / below);
    }
    x = x + w.linear(att + "output", r * at::stack(sums)) / std::exp2(rescaled);
    const Tensor again = w.layer_norm(block + "ln2", x, eps);
    const Tensor key = at::clamp_min(projected(ffn, "key", again), 0);
    x = x + at::sigmoid(projected(ffn, "receptance", again)) * w.linear(ffn + "value", key * key) /
                std::exp2(rescaled);
    if (period > 0 && (i + 1) % period == 0) x = x / 2;
  }
  return head(w, w.layer_norm("rwkv.ln_out", x, 1e-5), "head", "rwkv.embeddings.weight",
              config.is_object() && flag(config, "tie_word_embeddings", false));
}

}  // namespace

Tensor reference_logits(const HubModel& model, const std::vector<int64_t>& ids) {
  const Weights weights(model.plain);
  const Tensor tokens = at::tensor(ids, at::kLong);
  if (weights.has("rwkv.embeddings.weight")) return rwkv(model.config, weights, tokens);
  if (weights.has("backbone.embeddings.weight")) return mamba(model.config, weights, tokens);
  const std::string type = model.config.at("model_type");
  if (type == "gpt2") return gpt2(model.config, weights, tokens);
  if (type == "gpt_neox") return gpt_neox(model.config, weights, tokens);
  if (type == "gptj") return gptj(model.config, weights, tokens);
  return llama(model.config, weights, tokens);
}

}  // namespace icl::testing
