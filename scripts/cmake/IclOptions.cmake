# SPDX-License-Identifier: Apache-2.0
# Options of the build and the flags that all of our own code is compiled with.
option(ICL_TESTS "build the tests" ${PROJECT_IS_TOP_LEVEL})
option(ICL_APPS "build the programs" ${PROJECT_IS_TOP_LEVEL})
option(ICL_INSTALL "offer the install target" ${PROJECT_IS_TOP_LEVEL})
option(ICL_WERROR "treat warnings in our own code as errors" ${PROJECT_IS_TOP_LEVEL})
option(ICL_CCACHE "compile through ccache where it is installed" ON)
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
    set(CMAKE_CXX_COMPILER_LAUNCHER "${ICL_CCACHE_PROGRAM}")
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
  set(_sanitize -fsanitize=${ICL_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(icl_flags INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${_sanitize}>")
  target_link_options(icl_flags INTERFACE -fsanitize=${ICL_SANITIZE})
endif()
