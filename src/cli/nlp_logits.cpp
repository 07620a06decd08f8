// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>

#include <CLI/CLI.hpp>

#include "icl/base/error.h"
#include "icl/base/log.h"
#include "icl/base/text.h"
#include "icl/cli/nlp.h"
#include "icl/cli/progress.h"
#include "icl/cli/signals.h"
#include "icl/io/files.h"
#include "icl/io/safetensors.h"
#include "src/cli/nlp_model.h"

namespace icl {

void add_logits_options(CLI::App& app, LogitsOptions& options) {
  add_model_options(app, options.model);
  app.add_option("--ids", options.ids, "JSON file of token ids: {\"name\": [ids], ...}")
      ->required();
  app.add_option("--out", options.out,
                 "safetensors file: under each name the logits of every position, float32 [T, V], "
                 "V the rows of the model's head (those that pad its vocabulary included)")
      ->required();
}

int run_logits(const LogitsOptions& options, const CommonOptions& common) {
  check_writable(options.out);
  const LoadedModel loaded = load_chosen_model(options.model, common);
  const NamedIds sequences = read_ids(options.ids, *loaded.model, /*extra=*/0);
  const at::NoGradGuard no_grad;
  Progress progress("sequence", static_cast<int64_t>(sequences.size()), common.show_progress());
  NamedTensors logits;
  for (const auto& [name, ids] : sequences) {
    progress.update(static_cast<int64_t>(logits.size()), name);
    stop_if_asked();
    const at::Tensor row = at::tensor(ids, at::kLong).unsqueeze(0);
    logits.emplace_back(name, loaded.model->logits(row).squeeze(0).cpu());
    if (!at::isfinite(logits.back().second).all().item<bool>()) {
      log_warning(str("the logits of '", name, "' hold NaN or infinity"));
    }
  }
  progress.finish();
  write_safetensors(options.out, logits);
  log_info(str("wrote the logits of ", with_commas(static_cast<int64_t>(logits.size())),
               " sequences to '", options.out, "'"));
  return 0;
}

}  // namespace icl
