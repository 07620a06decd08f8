// SPDX-License-Identifier: Apache-2.0
#include "src/language/tensor_map.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/shape.h"
#include "icl/base/text.h"

namespace icl::language {
namespace {

constexpr size_t kListed = 20;  // problems of a kind that a message lists

struct Row {
  std::string file;
  std::string other;  // another name that files may have for the tensor, or ""
  at::Tensor parameter;
  Layout layout;
};

std::string with_index(std::string pattern, int64_t layer) {
  const size_t star = pattern.find('*');
  return star == std::string::npos ? pattern : pattern.replace(star, 1, std::to_string(layer));
}

// Calls `take` with the index of each block if the pattern has a star, else once with 0.
template <class Take>
void for_each_layer(const std::string& pattern, int64_t n_layer, const Take& take) {
  const int64_t count = pattern.find('*') == std::string::npos ? 1 : n_layer;
  for (int64_t layer = 0; layer < count; ++layer) take(layer);
}

// The table of names with a row for each parameter of this model.
std::vector<Row> rows_of(const LanguageModel& model, const Blueprint& blueprint) {
  const auto parameters = model.named_parameters();
  const int64_t n_layer = blueprint.parts.backbone->n_layer();
  std::vector<Row> rows;
  std::map<std::string, size_t> named;  // to its row
  for (const Name& name : blueprint.names) {
    for_each_layer(name.file, n_layer, [&](int64_t layer) {
      const std::string own = with_index(name.model, layer);
      const at::Tensor* parameter = parameters.find(own);
      if (parameter == nullptr) return;
      const auto [place, is_new] = named.emplace(own, rows.size());
      if (is_new) {
        rows.push_back({with_index(name.file, layer), "", *parameter, name.layout});
      } else {
        rows[place->second].other = with_index(name.file, layer);
      }
    });
  }
  for (const auto& item : parameters) {
    ICL_ASSERT(named.count(item.key()) == 1, "no name in a file for ", item.key());
  }
  return rows;
}

// Views, in either direction, of a contiguous parameter or of a file's tensor of the right shape.
at::Tensor to_file(const at::Tensor& parameter, Layout layout) {
  switch (layout) {
    case Layout::kSame:
      return parameter;
    case Layout::kTransposed:
      return parameter.t();
    case Layout::kFilter:
      return parameter.unsqueeze(1);
    case Layout::kToken:
      return parameter.view({1, 1, -1});
  }
  return parameter;
}

at::Tensor to_model(const at::Tensor& stored, Layout layout) {
  switch (layout) {
    case Layout::kSame:
      return stored;
    case Layout::kTransposed:
      return stored.t();
    case Layout::kFilter:
      return stored.squeeze(1);
    case Layout::kToken:
      return stored.view({-1});
  }
  return stored;
}

std::string listed(const char* what, const std::vector<std::string>& problems) {
  std::string text;
  for (size_t i = 0; i < std::min(kListed, problems.size()); ++i) {
    text += str("\n  ", what, ": ", problems[i]);
  }
  if (problems.size() > kListed) {
    text += str("\n  and ", problems.size() - kListed, " more ", what);
  }
  return text;
}

// The prefix that all names of the table have and none in the file, or "".
std::string dropped_prefix(const Blueprint& blueprint, const Weights& weights) {
  const std::string prefix = blueprint.prefix;
  for (const std::string& name : weights.names()) {
    if (name.starts_with(prefix)) return "";
  }
  return prefix;
}

std::string without(const std::string& prefix, std::string name) {
  return name.starts_with(prefix) ? name.erase(0, prefix.size()) : name;
}

// The name under which the file holds the parameter (one without an index), or "".
std::string held_name(const Blueprint& blueprint, const Weights& weights,
                      std::string_view parameter) {
  const std::string dropped = dropped_prefix(blueprint, weights);
  for (const Name& name : blueprint.names) {
    const std::string file = without(dropped, name.file);
    if (name.model == parameter && weights.contains(file)) return file;
  }
  return "";
}

// Constants that older releases of transformers and other libraries put into files: masks,
// positions. They follow from the config.
bool is_constant(std::string_view name) {
  constexpr std::string_view kConstants[] = {
      "attention.bias",        "attention.masked_bias",      "attn.bias",
      "attn.masked_bias",      "attn.embed_positions",       "attn.scale_attn",
      "rotary_emb.cos_cached", "rotary_emb.inv_freq",        "rotary_emb.original_inv_freq",
      "rotary_emb.sin_cached", "transformer.embed_positions"};
  return std::any_of(std::begin(kConstants), std::end(kConstants), [&](std::string_view constant) {
    if (!name.ends_with(constant)) return false;
    return name.size() == constant.size() || name[name.size() - constant.size() - 1] == '.';
  });
}

// Tensors of the file that are neither parameters nor constants.
std::vector<std::string> extra_names(const std::vector<Row>& rows, const Blueprint& blueprint,
                                     const Weights& weights) {
  std::set<std::string> known;
  for (const Row& row : rows) known.insert(row.file);
  if (blueprint.parts.tied) known.insert(held_name(blueprint, weights, "head.weight"));
  std::vector<std::string> extra;
  for (const std::string& name : weights.names()) {
    if (known.count(name) == 0 && !is_constant(name)) extra.push_back(name);
  }
  return extra;
}

// The rows by the names that this file has.
std::vector<Row> rows_in_file(const LanguageModel& model, const Blueprint& blueprint,
                              const Weights& weights) {
  const std::string dropped = dropped_prefix(blueprint, weights);
  const std::string head = held_name(blueprint, weights, "head.weight");
  const at::Tensor embedding = model.named_parameters()["embedding.weight"];
  std::vector<Row> rows = rows_of(model, blueprint);
  for (Row& row : rows) {
    row.file = without(dropped, row.file);
    row.other = without(dropped, row.other);
    if (weights.contains(row.file)) continue;
    if (weights.contains(row.other)) row.file = row.other;
    // A tied matrix that the file keeps under the head's name only.
    if (blueprint.parts.tied && !head.empty() && row.parameter.is_same(embedding)) row.file = head;
  }
  return rows;
}

// The tensors that hold the weights of linear maps, the embedding among them.
std::set<const at::TensorImpl*> matrices_of(const LanguageModel& model) {
  std::set<const at::TensorImpl*> matrices;
  for (const auto& module : model.modules()) {
    if (const auto* linear = module->as<Linear>()) {
      matrices.insert(linear->weight.unsafeGetTensorImpl());
    }
  }
  const auto parameters = model.named_parameters();
  for (const char* name : {"embedding.weight", "head.weight"}) {
    if (const at::Tensor* found = parameters.find(name)) {
      matrices.insert(found->unsafeGetTensorImpl());
    }
  }
  return matrices;
}

// NaN and infinity show in the smallest or the largest number.
bool is_finite(const at::Tensor& tensor) {
  if (tensor.numel() == 0) return true;
  const auto [low, high] = at::aminmax(tensor);
  return std::isfinite(low.item<double>()) && std::isfinite(high.item<double>());
}

std::string not_finite(const std::string& name, const at::Tensor& stored, at::ScalarType type) {
  if (is_finite(stored)) {
    return str(name, " has numbers that ", describe_type(type), " cannot hold");
  }
  const auto nans = at::isnan(stored).sum().item<int64_t>();
  const auto infinities = at::isinf(stored).sum().item<int64_t>();
  return str(name, " holds ", nans, " times NaN and ", infinities, " times infinity");
}

}  // namespace

void untie_if_file_does(Blueprint& blueprint, const Weights& weights) {
  if (!blueprint.parts.tied) return;
  const std::string head = held_name(blueprint, weights, "head.weight");
  const std::string embedding = held_name(blueprint, weights, "embedding.weight");
  if (head.empty() || embedding.empty()) return;
  const at::Tensor a = weights.tensor(head), b = weights.tensor(embedding);
  const bool alike = a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type();
  if (alike && (a.const_data_ptr() == b.const_data_ptr() || at::equal(a, b))) return;
  log_warning(str("'", weights.file().string(),
                  "': the config ties the head to the embedding, but '", head, "' differs from '",
                  embedding, "'; the file's head is used"));
  blueprint.parts.tied = false;
  nlohmann::json config = nlohmann::json::parse(blueprint.parts.config);
  config[blueprint.tie_key] = false;
  blueprint.parts.config = config.dump();
}

at::ScalarType type_of_file(const Blueprint& blueprint, const Weights& weights) {
  std::string name = held_name(blueprint, weights, "embedding.weight");
  if (name.empty()) name = held_name(blueprint, weights, "head.weight");
  if (name.empty()) return at::kFloat;
  const at::ScalarType type = weights.tensor(name).scalar_type();
  return type == at::kHalf || type == at::kBFloat16 ? type : at::kFloat;
}

void load_parameters(LanguageModel& model, const Blueprint& blueprint, const Weights& weights,
                     at::ScalarType type, c10::Device device) {
  std::vector<Row> rows = rows_in_file(model, blueprint, weights);
  const std::vector<std::string> extra = extra_names(rows, blueprint, weights);
  const bool reduced = type == at::kHalf || type == at::kBFloat16;
  const auto matrices = matrices_of(model);
  std::vector<std::string> missing, misshapen, infinite;
  for (Row& row : rows) {
    const std::vector<int64_t> shape = to_file(row.parameter, row.layout).sizes().vec();
    if (!weights.contains(row.file)) {
      const bool spelled = missing.size() < kListed;
      missing.push_back(
          str(row.file, " ", describe_shape(shape), spelled ? did_you_mean(row.file, extra) : ""));
      continue;
    }
    const at::Tensor stored = weights.tensor(row.file);
    if (stored.sizes() != at::IntArrayRef(shape) || !at::isFloatingType(stored.scalar_type())) {
      misshapen.push_back(str(row.file, " is ", describe_tensor(stored), ", expected ",
                              describe_shape(shape), " of floating point"));
      continue;
    }
    if (!missing.empty() || !misshapen.empty()) continue;
    const bool wide = reduced && matrices.count(row.parameter.unsafeGetTensorImpl()) == 0;
    const at::Tensor given = to_model(stored, row.layout).to(device, wide ? at::kFloat : type);
    if (!is_finite(given)) infinite.push_back(not_finite(row.file, stored, type));
    row.parameter.set_data(given);
  }
  std::string problems = listed("missing", missing) + listed("misshapen", misshapen) +
                         listed("extra", extra) + listed("not finite", infinite);
  if (problems.empty()) return;
  if (!misshapen.empty() && !blueprint.missing_sizes.empty()) {
    problems += str("\n  sizes that the config does not give, and what is taken for them: ",
                    join(blueprint.missing_sizes));
  }
  throw DataError(
      str("'", weights.file().string(), "' does not fit the model of its config:", problems));
}

NamedTensors file_tensors(const LanguageModel& model, const Blueprint& blueprint) {
  NamedTensors tensors;
  for (const Row& row : rows_of(model, blueprint)) {
    tensors.emplace_back(row.file, to_file(row.parameter.detach(), row.layout));
  }
  return tensors;
}

}  // namespace icl::language
