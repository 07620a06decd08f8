# SPDX-License-Identifier: Apache-2.0
# Installs BUILD, moves the installed tree, then builds and runs the consumer in SOURCE against it.
set(work "${BUILD}/install_test")
file(REMOVE_RECURSE "${work}")
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGN}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${work}/first")
file(RENAME "${work}/first" "${work}/moved")
run("${CMAKE_COMMAND}" -S "${SOURCE}" -B "${work}/build" -G Ninja -D CMAKE_BUILD_TYPE=Release
    -D CMAKE_PREFIX_PATH=${work}/moved -D CMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
run("${CMAKE_COMMAND}" --build "${work}/build")
run("${work}/build/consumer")
message(STATUS "${output}")
file(GLOB programs "${work}/moved/bin/icl-*")
foreach(program IN LISTS programs)
  run("${program}" --version)
endforeach()
