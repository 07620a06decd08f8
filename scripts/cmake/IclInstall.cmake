# SPDX-License-Identifier: Apache-2.0
# cmake --install: programs, libraries, headers, configs, and what find_package(icl) needs.
include(CMakePackageConfigHelpers)
set(_package "${CMAKE_INSTALL_LIBDIR}/cmake/icl")
set_target_properties(icl_ops PROPERTIES EXPORT_NAME ops)
install(TARGETS icl icl_ops ${ICL_PROGRAMS} EXPORT icl)
if(ICL_WITH_CUDA)  # loaded by icl_ops, not linked: not exported
  install(TARGETS icl_ops_cuda)
endif()
install(DIRECTORY include/icl TYPE INCLUDE)
install(DIRECTORY configs DESTINATION "${CMAKE_INSTALL_DATADIR}/icl")

configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/iclConfig.cmake.in" "${PROJECT_BINARY_DIR}/iclConfig.cmake"
                              INSTALL_DESTINATION "${_package}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/iclConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(EXPORT icl NAMESPACE icl:: FILE iclTargets.cmake DESTINATION "${_package}")
install(FILES "${PROJECT_BINARY_DIR}/iclConfig.cmake" "${PROJECT_BINARY_DIR}/iclConfigVersion.cmake"
              "${CMAKE_CURRENT_LIST_DIR}/FindLibTorch.cmake" DESTINATION "${_package}")
