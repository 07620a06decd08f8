// SPDX-License-Identifier: Apache-2.0
#include "src/language/fit.h"

#include <ATen/ATen.h>

#include <map>
#include <set>

#include "icl/base/error.h"
#include "icl/base/shape.h"
#include "icl/base/text.h"

namespace icl::language {
namespace {

constexpr size_t kListed = 20;  // problems of a kind that are spelled out

struct Row {
  std::string file;
  std::string other;  // name, or ""
  at::Tensor parameter;
  Layout layout;
};

std::string with_index(std::string pattern, int64_t layer) {
  const size_t star = pattern.find('*');
  return star == std::string::npos ? pattern : pattern.replace(star, 1, std::to_string(layer));
}

// Calls `take` with a pattern's index, once for each block if it has a star.
template <class Take>
void for_each_layer(const std::string& pattern, int64_t n_layer, const Take& take) {
  const int64_t count = pattern.find('*') == std::string::npos ? 1 : n_layer;
  for (int64_t layer = 0; layer < count; ++layer) take(layer);
}

// The table written out for this model, in its order; every parameter is in it.
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

// Views, in either direction; of a contiguous parameter or a file's tensor of the right shape.
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

// What a file holds besides: not in the table, and not among the known constants.
std::vector<std::string> extra_names(const std::vector<Row>& rows, const Blueprint& blueprint,
                                     const Weights& weights, const std::string& dropped) {
  std::set<std::string> known;
  for (const Row& row : rows) known.insert(row.file);
  const auto ignore = [&](std::string pattern) {
    if (pattern.starts_with(dropped)) pattern.erase(0, dropped.size());
    for_each_layer(pattern, blueprint.parts.backbone->n_layer(),
                   [&](int64_t layer) { known.insert(with_index(pattern, layer)); });
  };
  for (const char* pattern : blueprint.ignored) ignore(pattern);
  if (blueprint.parts.tied) {  // files may repeat the embedding
    for (const Name& name : blueprint.names) {
      if (std::string(name.model) == "head.weight") ignore(name.file);
    }
  }
  std::vector<std::string> extra;
  for (const std::string& name : weights.names()) {
    if (known.count(name) == 0) extra.push_back(name);
  }
  return extra;
}

// The prefix that all names of the table have and none in the file, or "".
std::string dropped_prefix(const Blueprint& blueprint, const Weights& weights) {
  const std::string prefix = blueprint.prefix;
  for (const std::string& name : weights.names()) {
    if (name.starts_with(prefix)) return "";
  }
  return prefix;
}

}  // namespace

void fill(LanguageModel& model, const Blueprint& blueprint, const Weights& weights,
          const LoadOptions& options) {
  const at::ScalarType type = options.dtype.value_or(at::kFloat);
  const std::string dropped = dropped_prefix(blueprint, weights);
  std::vector<Row> rows = rows_of(model, blueprint);
  for (Row& row : rows) {
    if (row.file.starts_with(dropped)) row.file.erase(0, dropped.size());
    if (!weights.contains(row.file) && weights.contains(row.other)) row.file = row.other;
  }
  const std::vector<std::string> extra = extra_names(rows, blueprint, weights, dropped);
  std::vector<std::string> missing, misshapen;
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
    if (missing.empty() && misshapen.empty()) {
      row.parameter.set_data(to_model(stored, row.layout).to(options.device, type));
    }
  }
  const std::string problems =
      listed("missing", missing) + listed("misshapen", misshapen) + listed("extra", extra);
  if (!problems.empty()) {
    throw DataError(
        str("'", weights.file().string(), "' does not fit the model of its config:", problems));
  }
}

NamedTensors file_tensors(const LanguageModel& model, const Blueprint& blueprint) {
  NamedTensors tensors;
  for (const Row& row : rows_of(model, blueprint)) {
    tensors.emplace_back(row.file, to_file(row.parameter.detach(), row.layout));
  }
  return tensors;
}

}  // namespace icl::language
