# SPDX-License-Identifier: Apache-2.0
# icl_add_tests(): one executable for each room under tests/, one CTest entry for each test file.
#
# tests/<room>/<thing>_test.cpp becomes the entry "<room>.<thing>"; its label is "unit", or
# "integration" in tests/integration, "slow" for *_slow_test.cpp, "gpu" for *_gpu_test.cpp. Every
# suite is named at the start of a line, TEST(Suite, ...), so that CMake sees it.

# A GoogleTest filter for the suites of one file.
function(_icl_suites_of source result)
  file(STRINGS "${source}" lines REGEX "^(TEST|TEST_F|TEST_P|TYPED_TEST|TYPED_TEST_P)\\(")
  set(filters "")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^[A-Z_]+\\(([A-Za-z0-9_]+),.*" "\\1" suite "${line}")
    list(APPEND filters "${suite}.*" "*/${suite}.*" "${suite}/*.*" "*/${suite}/*.*")
  endforeach()
  if(NOT filters)
    message(FATAL_ERROR "${source}: no line begins with TEST(")
  endif()
  list(REMOVE_DUPLICATES filters)
  list(JOIN filters ":" joined)
  set(${result} "${joined}" PARENT_SCOPE)
endfunction()

# Paths of this machine go only to the sources that ask for them: the others stay the same for ccache
# in every clone.
function(_icl_define_paths)
  foreach(source IN LISTS ARGN)
    file(STRINGS "${source}" uses REGEX "ICL_(SOURCE|BIN)_DIR|tests/support/program\\.h")
    if(uses)
      set_property(SOURCE "${source}" APPEND PROPERTY COMPILE_DEFINITIONS ICL_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                                      ICL_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
    endif()
  endforeach()
endfunction()

function(icl_add_room_tests room)
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${room}/*.cpp")
  if(NOT sources)
    return()
  endif()
  set(target "test_${room}")
  add_executable(${target} ${sources})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
  # The operators' library stands alone, and so do its tests.
  set(library icl)
  if(room STREQUAL "ops")
    set(library icl_ops)
  endif()
  target_link_libraries(${target} PRIVATE ${library} icl_flags icl_test_main)
  icl_precompile(${target})
  _icl_define_paths(${sources})
  if(room STREQUAL "integration" AND ICL_PROGRAMS)
    add_dependencies(${target} ${ICL_PROGRAMS})
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${sources})
  foreach(source IN LISTS sources)
    get_filename_component(thing "${source}" NAME_WE)
    if(NOT thing MATCHES "_test$")
      continue()
    endif()
    _icl_suites_of("${source}" filter)
    string(REGEX REPLACE "_test$" "" thing "${thing}")
    set(label unit)
    if(thing MATCHES "_slow$")
      set(label slow)
    elseif(thing MATCHES "_gpu$")
      set(label gpu)
    elseif(room STREQUAL "integration")
      set(label integration)
    endif()
    add_test(NAME ${room}.${thing} COMMAND ${target} --gtest_filter=${filter} --gtest_brief=1)
    # One thread each: CTest runs the entries side by side, and idle OpenMP threads would spin.
    set_tests_properties(${room}.${thing} PROPERTIES LABELS ${label} SKIP_RETURN_CODE 77 TIMEOUT 1500
                         ENVIRONMENT "OMP_NUM_THREADS=1;MKL_NUM_THREADS=1")
  endforeach()
endfunction()

# The CUDA kernels' sources compiled for the host, with AddressSanitizer, so that they are tested where
# there is neither GPU nor CUDA toolkit: by tests/emulation kernel by kernel, without torch; by
# tests/emulated_ops as operators, with the tests/ops/*_gpu_test.cpp that otherwise need a GPU.
function(icl_add_emulation_tests)
  file(GLOB engine CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/emulation/*.cpp")
  set(sources ${engine})
  list(FILTER sources INCLUDE REGEX "_test\\.cpp$")
  list(FILTER engine EXCLUDE REGEX "_test\\.cpp$")
  file(GLOB kernels CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/cuda/*.cu")
  file(GLOB plans CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/cuda/*.cpp")
  # A .cu file belongs to nvcc where CUDA is on: the host compiler gets a source that includes it.
  foreach(kernel IN LISTS kernels)
    get_filename_component(name "${kernel}" NAME_WE)
    set(wrapper "${PROJECT_BINARY_DIR}/emulation/${name}.cpp")
    file(CONFIGURE OUTPUT "${wrapper}" CONTENT "#include \"kernels/cuda/${name}.cu\"\n")
    list(APPEND wrappers "${wrapper}")
  endforeach()
  add_library(emulated_kernels OBJECT ${engine} ${wrappers} ${plans})
  target_include_directories(emulated_kernels PUBLIC "${PROJECT_SOURCE_DIR}")
  # A GPU refuses vector reads that are not aligned: so does the sanitizer.
  # Arithmetic on a null pointer is undefined, though most compilers make nothing of it.
  set(sanitizers alignment,pointer-overflow)
  target_compile_options(emulated_kernels PRIVATE -O1 -g1 -fsanitize=address,${sanitizers}
                                                  -fno-sanitize-recover=${sanitizers} -Wno-unknown-pragmas)
  target_compile_options(emulated_kernels PRIVATE "SHELL:-include tests/emulation/cuda_emulation.h")
  target_link_options(emulated_kernels PUBLIC -fsanitize=address,${sanitizers})
  target_link_libraries(emulated_kernels PRIVATE icl_flags)

  add_executable(test_emulation ${sources})
  target_compile_options(test_emulation PRIVATE -O1 -g1 -fsanitize=address -Wno-unknown-pragmas)
  target_compile_options(test_emulation PRIVATE "SHELL:-include tests/emulation/cuda_emulation.h")
  target_link_libraries(test_emulation PRIVATE emulated_kernels icl_flags GTest::gmock GTest::gtest_main)
  _icl_add_emulated_entries(test_emulation emulation ${sources})

  file(GLOB operators CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/ops/*/cuda.cpp")
  file(GLOB stand_ins CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/emulated_ops/*.cpp")
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/ops/*_gpu_test.cpp")
  add_executable(test_emulated_ops ${sources} "${PROJECT_SOURCE_DIR}/tests/ops/kernel_case.cpp" ${operators}
                                   ${stand_ins})
  # In the place of the CPU kernels, in this program alone.
  target_compile_definitions(test_emulated_ops PRIVATE ICL_KERNEL_KEY=CPU)
  target_link_libraries(test_emulated_ops PRIVATE emulated_kernels icl_ops icl_flags icl_test_main)
  _icl_add_emulated_entries(test_emulated_ops emulated_ops ${sources})
endfunction()

function(_icl_add_emulated_entries target room)
  foreach(source IN LISTS ARGN)
    get_filename_component(thing "${source}" NAME_WE)
    _icl_suites_of("${source}" filter)
    string(REGEX REPLACE "(_gpu)?_test$" "" thing "${thing}")
    add_test(NAME ${room}.${thing} COMMAND ${target} --gtest_filter=${filter} --gtest_brief=1)
    set_tests_properties(${room}.${thing} PROPERTIES LABELS unit TIMEOUT 1500
                         ENVIRONMENT "OMP_NUM_THREADS=1;MKL_NUM_THREADS=1;ASAN_OPTIONS=detect_leaks=0")
  endforeach()
endfunction()

# Builds tests/install_consumer against an installed and then moved tree.
function(_icl_add_install_test)
  add_test(NAME integration.install
           COMMAND ${CMAKE_COMMAND} -D BUILD=${PROJECT_BINARY_DIR} -D SOURCE=${PROJECT_SOURCE_DIR}/tests/install_consumer
                   -D LAUNCHER=${ICL_CCACHE_PROGRAM}
                   -P ${PROJECT_SOURCE_DIR}/tests/install_consumer/run.cmake)
  set_tests_properties(integration.install PROPERTIES LABELS integration TIMEOUT 1500 ENVIRONMENT OMP_NUM_THREADS=1)
endfunction()

# Loads the library of operators into a program that knows nothing of it.
function(_icl_add_load_test)
  add_executable(load_operators "${PROJECT_SOURCE_DIR}/tests/stand_alone/load_operators.cpp")
  target_link_libraries(load_operators PRIVATE LibTorch::cpu icl_flags)
  add_dependencies(load_operators icl_ops)
  add_test(NAME integration.load_operators COMMAND load_operators $<TARGET_FILE:icl_ops>)
  set_tests_properties(integration.load_operators PROPERTIES LABELS integration ENVIRONMENT OMP_NUM_THREADS=1)
endfunction()

# The operators in Python's PyTorch, where there is one of the version that they are built for (the
# test skips itself elsewhere). -DICL_PYTHON=... names an interpreter.
function(_icl_add_pytorch_test)
  find_program(ICL_PYTHON python3)
  mark_as_advanced(ICL_PYTHON)
  if(NOT ICL_PYTHON)
    return()
  endif()
  add_test(NAME integration.operators_in_pytorch
           COMMAND ${ICL_PYTHON} ${PROJECT_SOURCE_DIR}/tests/stand_alone/operators_in_pytorch.py $<TARGET_FILE:icl_ops>)
  set_tests_properties(integration.operators_in_pytorch PROPERTIES LABELS integration SKIP_RETURN_CODE 77 TIMEOUT 1500
                       ENVIRONMENT OMP_NUM_THREADS=1)
endfunction()

# All public headers in one source: two of them that define one name differently do not compile. And, as a
# slow test, each header alone.
function(_icl_add_header_tests)
  file(GLOB_RECURSE headers RELATIVE "${PROJECT_SOURCE_DIR}/include" CONFIGURE_DEPENDS
       "${PROJECT_SOURCE_DIR}/include/icl/*.h")
  set(together "")
  set(alone "")
  foreach(header IN LISTS headers)
    string(APPEND together "#include \"${header}\"\n")
    string(MAKE_C_IDENTIFIER "${header}" name)
    set(source "${PROJECT_BINARY_DIR}/headers/${name}.cpp")
    file(CONFIGURE OUTPUT "${source}" CONTENT "#include \"${header}\"\n")
    list(APPEND alone "${source}")
  endforeach()
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/headers/together.cpp" CONTENT "${together}")
  add_library(public_headers_together OBJECT "${PROJECT_BINARY_DIR}/headers/together.cpp")
  target_link_libraries(public_headers_together PRIVATE icl icl_flags)
  add_library(public_headers_alone OBJECT EXCLUDE_FROM_ALL ${alone})
  target_link_libraries(public_headers_alone PRIVATE icl icl_flags)
  add_test(NAME house.public_headers_slow
           COMMAND ${CMAKE_COMMAND} --build ${PROJECT_BINARY_DIR} --target public_headers_alone)
  set_tests_properties(house.public_headers_slow PROPERTIES LABELS slow TIMEOUT 3000)
endfunction()

function(icl_add_tests)
  find_package(GTest REQUIRED)
  add_library(icl_test_main STATIC "${PROJECT_SOURCE_DIR}/tests/support/main.cpp")
  target_link_libraries(icl_test_main PUBLIC GTest::gmock PRIVATE icl_flags)
  file(GLOB rooms RELATIVE "${PROJECT_SOURCE_DIR}/tests" CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/*")
  list(REMOVE_ITEM rooms support results emulation emulated_ops install_consumer stand_alone)
  foreach(room IN LISTS rooms)
    if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/tests/${room}")
      icl_add_room_tests(${room})
    endif()
  endforeach()
  if(NOT ICL_SANITIZE STREQUAL "thread")  # which cannot be had beside AddressSanitizer
    icl_add_emulation_tests()
  endif()
  _icl_add_load_test()
  _icl_add_header_tests()
  if(NOT ICL_SANITIZE)
    _icl_add_pytorch_test()
  endif()
  if(ICL_INSTALL AND NOT ICL_SANITIZE)
    _icl_add_install_test()
  endif()
endfunction()
