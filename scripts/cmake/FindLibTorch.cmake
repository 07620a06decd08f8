# SPDX-License-Identifier: Apache-2.0
#
# Imported targets over an unpacked torch wheel (or a LibTorch archive), without torch's own
# TorchConfig.cmake: that one insists on a CUDA toolkit even where only the CPU is wanted, and leaks
# absolute paths of the build machine into everything exported.
#
#   LibTorch_ROOT   folder that holds torch/ (and nvidia/), or torch/'s own include/ and lib/
#
#   LibTorch::cpu   c10 and torch_cpu
#   LibTorch::cuda  the above with c10_cuda and torch_cuda (component "cuda")
set(LibTorch_ROOT "$ENV{ICL_LIBTORCH}" CACHE PATH "folder that holds LibTorch; scripts/setup.sh prints it")
if(NOT LibTorch_ROOT)  # where scripts/setup.sh puts it; a profile with CUDA first
  set(_cache "$ENV{XDG_CACHE_HOME}")
  if(NOT _cache)
    set(_cache "$ENV{HOME}/.cache")
  endif()
  file(GLOB _found "${_cache}/icl/libtorch-2.11.*")
  list(SORT _found ORDER DESCENDING)
  if(_found)
    list(GET _found 0 LibTorch_ROOT)
  endif()
endif()
set(_hints "${LibTorch_ROOT}/torch" "${LibTorch_ROOT}/libtorch" "${LibTorch_ROOT}")

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

if("cuda" IN_LIST LibTorch_FIND_COMPONENTS)
  find_path(LibTorch_CUDA_INCLUDE_DIR cuda_runtime_api.h
            PATHS ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES} "${LibTorch_ROOT}/nvidia/cu13/include"
            NO_DEFAULT_PATH)
  find_library(LibTorch_cudart_LIBRARY NAMES cudart libcudart.so.13
               PATHS "${LibTorch_ROOT}/nvidia/cu13/lib" ${CMAKE_CUDA_IMPLICIT_LINK_DIRECTORIES}
               NO_DEFAULT_PATH)
  if(LibTorch_torch_cuda_LIBRARY AND LibTorch_CUDA_INCLUDE_DIR AND LibTorch_cudart_LIBRARY)
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
mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_c10_LIBRARY LibTorch_torch_cpu_LIBRARY
                 LibTorch_torch_cuda_LIBRARY LibTorch_c10_cuda_LIBRARY LibTorch_CUDA_INCLUDE_DIR
                 LibTorch_cudart_LIBRARY)
