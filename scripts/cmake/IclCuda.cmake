# SPDX-License-Identifier: Apache-2.0
# Decides whether the CUDA kernels are built and switches the language on. Sets ICL_WITH_CUDA.
#
# Kernels are C++17 for nvcc (CMake 3.25 knows no C++20 there) and see no torch header, so neither
# find_package(CUDAToolkit) nor torch's own CUDA detection is needed.
set(ICL_WITH_CUDA OFF)
if(NOT ICL_CUDA STREQUAL "OFF")
  if(NOT CMAKE_CUDA_COMPILER)
    find_program(ICL_NVCC nvcc PATHS "${LibTorch_ROOT}/nvidia/cu13/bin" "$ENV{CUDA_HOME}/bin" /usr/local/cuda/bin)
    mark_as_advanced(ICL_NVCC)
    if(ICL_NVCC)
      set(CMAKE_CUDA_COMPILER "${ICL_NVCC}")
    endif()
  endif()
  if(CMAKE_CUDA_COMPILER)
    set(ICL_WITH_CUDA ON)
  elseif(ICL_CUDA STREQUAL "ON")
    message(FATAL_ERROR "ICL_CUDA=ON, but there is no nvcc: install the CUDA toolkit, run 'scripts/setup.sh cuda', or use ICL_CUDA=OFF")
  endif()
endif()
if(ICL_WITH_CUDA)
  if(NOT CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90-real 120-virtual)
  endif()
  set(CMAKE_CUDA_STANDARD 17)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  enable_language(CUDA)
endif()
