# SPDX-License-Identifier: Apache-2.0
# Options of the build and the flags that all of our own code is compiled with.
option(ICL_TESTS "build the tests" ${PROJECT_IS_TOP_LEVEL})
option(ICL_APPS "build the programs" ${PROJECT_IS_TOP_LEVEL})
option(ICL_INSTALL "offer the install target" ${PROJECT_IS_TOP_LEVEL})
option(ICL_WERROR "treat warnings in our own code as errors, as scripts/build.sh does where CI is set" OFF)
option(ICL_CCACHE "compile through ccache where it is installed" ON)
option(ICL_PCH "precompile LibTorch's headers: half the time of a first build" ON)
set(ICL_CUDA AUTO CACHE STRING "CUDA kernels: ON, OFF, or AUTO (ON where nvcc and LibTorch allow it)")
set(ICL_SANITIZE "" CACHE STRING "a sanitizer: address, undefined or thread")
set_property(CACHE ICL_CUDA PROPERTY STRINGS AUTO ON OFF)

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "type of build" FORCE)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
# An installed tree finds its own libraries wherever it is moved to, and LibTorch where it was built.
set(CMAKE_INSTALL_RPATH "$ORIGIN;$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)

if(ICL_CCACHE)
  find_program(ICL_CCACHE_PROGRAM ccache)
  mark_as_advanced(ICL_CCACHE_PROGRAM)
  if(ICL_CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # ccache takes no file that uses a precompiled header unless it is allowed this sloppiness.
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros
                                    "${ICL_CCACHE_PROGRAM}")
    set(CMAKE_CUDA_COMPILER_LAUNCHER "${ICL_CCACHE_PROGRAM}")
  endif()
endif()

# Warnings and sanitizers, for our own targets only: nothing of this is exported.
add_library(icl_flags INTERFACE)
target_compile_options(icl_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wshadow;-Wnon-virtual-dtor>")
# Fields left out of a designated initialiser have their defaults, on purpose.
target_compile_options(icl_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Wno-missing-field-initializers>")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlapping copies in plain std::string concatenation (its bug 105651).
  target_compile_options(icl_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>")
endif()
if(ICL_WERROR)
  target_compile_options(icl_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Werror>"
                                                   "$<$<COMPILE_LANGUAGE:CUDA>:--Werror=all-warnings>")
endif()
if(ICL_SANITIZE)
  # GCC sees uninitialised memory in LibTorch's std::optional where it instruments its copies.
  set(_sanitize -fsanitize=${ICL_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -Wno-maybe-uninitialized)
  target_compile_options(icl_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${_sanitize}>")
  target_link_options(icl_flags INTERFACE -fsanitize=${ICL_SANITIZE})
endif()

# icl_precompile(TARGET): LibTorch's headers, which most of the time of a build would go into, are read
# once and not by each file. Files still include all that they use: ICL_PCH=OFF builds too.
function(icl_precompile target)
  if(NOT ICL_PCH)
    return()
  endif()
  if(NOT TARGET icl_pch)
    file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/precompiled.cpp" CONTENT "// Owner of the precompiled header.\n")
    add_library(icl_pch OBJECT "${PROJECT_BINARY_DIR}/precompiled.cpp")
    target_link_libraries(icl_pch PRIVATE LibTorch::cpu icl_flags)
    target_compile_options(icl_pch PRIVATE "$<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>")  # for ccache
    # Each file instantiates again the templates that precompiled headers leave pending, which is most of the
    # time of a small file: what few files use (torch/library.h, the autograd functions) stays out.
    target_precompile_headers(icl_pch PRIVATE <torch/nn/module.h> <ATen/ATen.h> <nlohmann/json.hpp>)
  endif()
  target_precompile_headers(${target} REUSE_FROM icl_pch)
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # The bug named above, which from precompiled headers wears these names too.
    target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:-Wno-stringop-overflow;-Wno-array-bounds>")
  endif()
  # Files that know nothing of LibTorch are quicker without.
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "(kernels/cpu|src/config|src/tokenizer|tests/house|tests/config|\
tests/tokenizer)/|src/tasks/curriculum\\.|src/io/(files|manifest|yaml|zip|json)|src/runs/(run_folder|run_lock|training_config)|\
src/cli/(progress|signals|report)\\.|src/report/(axis|figure|heat_map|line_chart|line_chart_parts|markup|style|table)\\.|\
apps/icl_")
  set_source_files_properties(${sources} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  # Precompiled headers hold for equal flags only, so that programs are compiled as libraries are.
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
endfunction()
