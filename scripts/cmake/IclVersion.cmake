# SPDX-License-Identifier: Apache-2.0
# Tells src/runs/provenance.cpp what it was built from. The commit is read when CMake runs.
find_package(Git QUIET)
set(_commit unknown)
if(Git_FOUND)
  execute_process(COMMAND "${GIT_EXECUTABLE}" describe --always --dirty --abbrev=10
                  WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE _described
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE _failed)
  if(NOT _failed)
    set(_commit "${_described}")
  endif()
endif()
set_property(SOURCE "${PROJECT_SOURCE_DIR}/src/runs/provenance.cpp" APPEND PROPERTY COMPILE_DEFINITIONS
             ICL_VERSION="${PROJECT_VERSION}" ICL_GIT_COMMIT="${_commit}" ICL_WITH_CUDA=$<BOOL:${ICL_WITH_CUDA}>)
