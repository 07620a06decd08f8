# SPDX-License-Identifier: Apache-2.0
# Installs BUILD, moves the installed tree, builds the consumer in SOURCE against it, and does with the
# consumer's own family and task what icl's programs do: train, be killed, resume, evaluate, probe, report.
set(work "${BUILD}/install_test")
file(REMOVE_RECURSE "${work}")
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGN}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()
function(expect_file path)
  if(NOT EXISTS "${path}")
    message(FATAL_ERROR "${path}: missing")
  endif()
endfunction()

run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${work}/first")
file(RENAME "${work}/first" "${work}/moved")
run("${CMAKE_COMMAND}" -S "${SOURCE}" -B "${work}/build" -G Ninja -D CMAKE_BUILD_TYPE=Release
    -D CMAKE_PREFIX_PATH=${work}/moved -D CMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
run("${CMAKE_COMMAND}" --build "${work}/build")
set(consumer "${work}/build/consumer")

run("${consumer}" train --config "${SOURCE}/parity.json" --out "${work}/whole" --quiet)
# Killed at some moments, then left alone: the final weights are the same bytes.
foreach(seconds 0.4 0.8 1.2)
  execute_process(COMMAND timeout -s KILL ${seconds} "${consumer}" train --config "${SOURCE}/parity.json"
                          --out "${work}/killed" --resume --quiet OUTPUT_QUIET ERROR_QUIET)
endforeach()
run("${consumer}" train --config "${SOURCE}/parity.json" --out "${work}/killed" --resume --quiet)
run("${CMAKE_COMMAND}" -E compare_files "${work}/whole/checkpoints/step_00000120/model.safetensors"
    "${work}/killed/checkpoints/step_00000120/model.safetensors")

run("${consumer}" eval --run "${work}/whole" --suite all --prompts 64)
expect_file("${work}/whole/eval/standard_prompts64.json")
expect_file("${work}/whole/eval/extrapolation_prompts64.json")
run("${consumer}" probe --run "${work}/whole" --kind both --prompts 8 --train-prompts 64 --test-prompts 64)
run("${consumer}" report "${work}/whole")
expect_file("${work}/whole/report.html")

file(GLOB programs "${work}/moved/bin/icl-*")
foreach(program IN LISTS programs)
  run("${program}" --version)
endforeach()
