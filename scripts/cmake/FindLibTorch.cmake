# SPDX-License-Identifier: Apache-2.0
#
# Imported targets over an unpacked torch wheel (or a LibTorch archive), without torch's own
# TorchConfig.cmake: that one insists on a CUDA toolkit even where only the CPU is wanted, and leaks
# absolute paths of the build machine into everything exported.
#
#   LibTorch::cpu   c10 and torch_cpu
#   LibTorch::cuda  the above with c10_cuda and torch_cuda (component "cuda")
#
# Looks in LibTorch_ROOT, the environment's ICL_LIBTORCH, LibTorch_FALLBACK, then where
# scripts/setup.sh puts it. The folder holds torch/ (and nvidia/), or libtorch/, or is one of these
# itself. Sets LibTorch_LOCATION to it, LibTorch_VERSION, and LibTorch_HAS_CUDA where the libraries
# that torch_cuda needs beside a CUDA toolkit are there.
set(LibTorch_ROOT "" CACHE PATH "folder that holds LibTorch; empty: where scripts/setup.sh put it")
set(LibTorch_LOCATION "${LibTorch_ROOT}")
if(NOT LibTorch_LOCATION)
  set(LibTorch_LOCATION "$ENV{ICL_LIBTORCH}")
endif()
if(NOT LibTorch_LOCATION AND EXISTS "${LibTorch_FALLBACK}")
  set(LibTorch_LOCATION "${LibTorch_FALLBACK}")
endif()
if(NOT LibTorch_LOCATION)  # a profile with CUDA before one without
  set(_cache "$ENV{XDG_CACHE_HOME}")
  if(NOT _cache)
    set(_cache "$ENV{HOME}/.cache")
  endif()
  file(GLOB _found "${_cache}/icl/libtorch-2.11.*")
  list(SORT _found ORDER DESCENDING)
  list(APPEND _found "")
  list(GET _found 0 LibTorch_LOCATION)
endif()
set(_variables LibTorch_INCLUDE_DIR LibTorch_CUDA_INCLUDE_DIR)
foreach(_name IN ITEMS c10 torch_cpu torch_cuda c10_cuda cudart)
  list(APPEND _variables LibTorch_${_name}_LIBRARY)
endforeach()
if(NOT LibTorch_LOCATION STREQUAL LibTorch_LAST_LOCATION)
  foreach(_variable IN LISTS _variables)
    unset(${_variable} CACHE)
  endforeach()
  set(LibTorch_LAST_LOCATION "${LibTorch_LOCATION}" CACHE INTERNAL "where the cached paths were found")
endif()

set(_hints "${LibTorch_LOCATION}/torch" "${LibTorch_LOCATION}/libtorch" "${LibTorch_LOCATION}")
find_path(LibTorch_INCLUDE_DIR ATen/ATen.h PATHS ${_hints} PATH_SUFFIXES include NO_DEFAULT_PATH)
foreach(_name IN ITEMS c10 torch_cpu torch_cuda c10_cuda)
  find_library(LibTorch_${_name}_LIBRARY ${_name} PATHS ${_hints} PATH_SUFFIXES lib NO_DEFAULT_PATH)
endforeach()
if(LibTorch_INCLUDE_DIR AND EXISTS "${LibTorch_INCLUDE_DIR}/../version.py")
  file(STRINGS "${LibTorch_INCLUDE_DIR}/../version.py" _line REGEX "^__version__")
  string(REGEX REPLACE ".*'([0-9.]+).*" "\\1" LibTorch_VERSION "${_line}")
elseif(LibTorch_INCLUDE_DIR AND EXISTS "${LibTorch_INCLUDE_DIR}/../build-version")
  file(STRINGS "${LibTorch_INCLUDE_DIR}/../build-version" _line LIMIT_COUNT 1)
  string(REGEX REPLACE "^([0-9.]+).*" "\\1" LibTorch_VERSION "${_line}")
endif()
# A wheel keeps these in packages of their own; an archive brings them in its lib/.
set(LibTorch_HAS_CUDA FALSE)
if(LibTorch_torch_cuda_LIBRARY
   AND (NOT EXISTS "${LibTorch_LOCATION}/torch" OR EXISTS "${LibTorch_LOCATION}/nvidia/cusparselt/lib"))
  set(LibTorch_HAS_CUDA TRUE)
endif()

if("cuda" IN_LIST LibTorch_FIND_COMPONENTS)
  find_path(LibTorch_CUDA_INCLUDE_DIR cuda_runtime_api.h
            PATHS ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES} "${LibTorch_LOCATION}/nvidia/cu13/include"
            NO_DEFAULT_PATH)
  find_library(LibTorch_cudart_LIBRARY NAMES cudart libcudart.so.13
               PATHS "${LibTorch_LOCATION}/nvidia/cu13/lib" ${CMAKE_CUDA_IMPLICIT_LINK_DIRECTORIES}
               NO_DEFAULT_PATH)
  if(LibTorch_HAS_CUDA AND LibTorch_CUDA_INCLUDE_DIR AND LibTorch_cudart_LIBRARY)
    set(LibTorch_cuda_FOUND TRUE)
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  LibTorch
  REQUIRED_VARS LibTorch_INCLUDE_DIR LibTorch_c10_LIBRARY LibTorch_torch_cpu_LIBRARY
  VERSION_VAR LibTorch_VERSION
  HANDLE_COMPONENTS
  REASON_FAILURE_MESSAGE "run scripts/setup.sh, or set ICL_LIBTORCH to the folder that holds LibTorch")
mark_as_advanced(LibTorch_ROOT ${_variables})

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
  foreach(_name IN ITEMS c10 torch_cpu)
    add_library(LibTorch::${_name} SHARED IMPORTED)
    set_target_properties(LibTorch::${_name} PROPERTIES IMPORTED_LOCATION "${LibTorch_${_name}_LIBRARY}")
  endforeach()
  add_library(LibTorch::cpu INTERFACE IMPORTED)
  target_link_libraries(LibTorch::cpu INTERFACE LibTorch::torch_cpu LibTorch::c10)
  # -idirafter keeps these system headers (no warnings) and behind Debian's own: torch/include ships
  # an fmt of another version, which would break spdlog.
  target_compile_options(
    LibTorch::cpu
    INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-idirafter ${LibTorch_INCLUDE_DIR}>"
              "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-idirafter ${LibTorch_INCLUDE_DIR}/torch/csrc/api/include>")
  # What libtorch_cpu itself needs (cudart, cupti) is found at run time through its own RPATH.
  target_link_options(LibTorch::cpu INTERFACE "LINKER:--allow-shlib-undefined")
endif()

if(LibTorch_cuda_FOUND AND NOT TARGET LibTorch::cuda)
  foreach(_name IN ITEMS torch_cuda c10_cuda cudart)
    add_library(LibTorch::${_name} SHARED IMPORTED)
    set_target_properties(LibTorch::${_name} PROPERTIES IMPORTED_LOCATION "${LibTorch_${_name}_LIBRARY}")
  endforeach()
  target_include_directories(LibTorch::cudart SYSTEM INTERFACE "${LibTorch_CUDA_INCLUDE_DIR}")
  add_library(LibTorch::cuda INTERFACE IMPORTED)
  # torch_cuda registers its kernels in static constructors: keep it although no symbol asks for it.
  target_link_libraries(LibTorch::cuda INTERFACE LibTorch::cpu LibTorch::c10_cuda LibTorch::cudart
                        "-Wl,--push-state,--no-as-needed" LibTorch::torch_cuda "-Wl,--pop-state")
endif()
