// SPDX-License-Identifier: Apache-2.0
//
// icl-bench nlp: how fast pre-trained language models answer, with random weights of the shapes of
// mamba-130m and Pythia-160m.
#pragma once

#include "icl/cli/program.h"

namespace icl {

// Times, in turns, the prefill of 8 prompts of 64 tokens (logits at the last position), its matrix
// products alone, and decoding one more token for each prompt; and measures peak memory. Then the
// splits of tokenizer_bench.h. Results go to stdout, as JSON with --json. Returns the exit code.
int bench_nlp(const CommonOptions& common);

}  // namespace icl
