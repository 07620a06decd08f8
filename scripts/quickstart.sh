#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# From a fresh machine to two models that learned in context: sets up, builds, trains a Mamba and a
# GPT-2 on linear regression, evaluates and probes them, and writes one page that shows it all.
# What an earlier run finished is not done again; a training that was stopped goes on.
#
#   scripts/quickstart.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# -eq 0 ] || { sed -n '4,8s/^# \{0,1\}//p' scripts/quickstart.sh; exit 2; }
say() { printf '\n== %s\n' "$*" >&2; }

say "setting up and building"
ICL_TARGETS="icl-train icl-eval icl-probe icl-report" scripts/build.sh
bin=build/bin
runs=()
for family in mamba gpt2; do
  run="runs/quickstart_$family"
  runs+=("$run")
  say "training $family ($run)"
  "$bin/icl-train" --config "configs/quickstart/$family.json" --out "$run" --resume
  say "evaluating $family"
  if [ -z "$(ls "$run"/eval/*.json 2>/dev/null)" ] || [ "$run/checkpoints" -nt "$run/eval" ]; then
    "$bin/icl-eval" --run "$run" --suite standard
  fi
  if [ -z "$(ls "$run"/probe/*.json 2>/dev/null)" ] || [ "$run/checkpoints" -nt "$run/probe" ]; then
    say "probing $family"
    "$bin/icl-probe" --run "$run" --kind both
  fi
done
say "writing the report"
"$bin/icl-report" "${runs[@]}" --out runs/quickstart.html
say "done: open $PWD/runs/quickstart.html"
