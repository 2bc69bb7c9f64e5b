# What other projects need: find_package(strata), then link strata::strata, strata::io, strata::tools; or pkg-config. And
# packages for Debian: cpack -G DEB --config build/release/CPackConfig.cmake.
include(CMakePackageConfigHelpers)
set(strata_cmake_folder ${CMAKE_INSTALL_LIBDIR}/cmake/strata)
set(strata_headers ${CMAKE_INSTALL_INCLUDEDIR}/strata)
install(DIRECTORY tensor autograd nn vae DESTINATION ${strata_headers} COMPONENT library FILES_MATCHING PATTERN *.hpp)
install(DIRECTORY tools/pictures DESTINATION ${strata_headers}/tools COMPONENT library FILES_MATCHING PATTERN *.hpp)
install(FILES tools/run/events.hpp tools/run/progress.hpp tools/run/metrics_csv.hpp DESTINATION ${strata_headers}/tools/run COMPONENT library)

function(strata_install target)
  if(TARGET ${target})
    set_target_properties(${target} PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
    install(TARGETS ${target} EXPORT ${target} DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library)
    install(EXPORT ${target} NAMESPACE strata:: FILE ${target}.cmake DESTINATION ${strata_cmake_folder} COMPONENT library)
  endif()
endfunction()
strata_install(strata)
strata_install(strata_io)
strata_install(strata_tools)

# The processor that tensors' types depend on, as flags.
set(strata_processor_flag "${strata_processor}")
if(STRATA_NATIVE)
  set(strata_processor_flag "-march=native")
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)  # see tensor/tensor.hpp
  set(strata_shape_flag "-fno-new-ttp-matching")
endif()
configure_file(cmake/strataConfig.cmake.in ${PROJECT_BINARY_DIR}/strataConfig.cmake @ONLY)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/strataConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/strataConfig.cmake ${PROJECT_BINARY_DIR}/strataConfigVersion.cmake
        DESTINATION ${strata_cmake_folder} COMPONENT library)

file(RELATIVE_PATH strata_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")  # from there
foreach(module strata strata-tools)
  if(module STREQUAL strata OR TARGET strata_tools)
    configure_file(cmake/${module}.pc.in ${PROJECT_BINARY_DIR}/${module}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${module}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library)
  endif()
endforeach()

# Programs have names of their own where all programs of a system lie together.
foreach(program train_mnist evaluate generate report)
  if(TARGET ${program} AND NOT BUILD_SHARED_LIBS)
    string(REPLACE _ - name strata-${program})
    install(PROGRAMS $<TARGET_FILE:${program}> DESTINATION ${CMAKE_INSTALL_BINDIR} RENAME ${name} COMPONENT programs)
  endif()
endforeach()

if(PROJECT_IS_TOP_LEVEL)
  set(CPACK_PACKAGE_VENDOR strata)
  set(CPACK_PACKAGE_CONTACT "the strata authors")
  set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "A small reverse-mode autodiff framework, and variational autoencoders on top of it")
  set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
  set(CPACK_DEB_COMPONENT_INSTALL ON)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libstrata-dev)
  set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS
      "g++, libxtensor-dev, libxsimd-dev, libopenblas-openmp-dev, libpng-dev, zlib1g-dev")
  set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME strata-tools)
  set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SHLIBDEPS ON)
  include(CPack)
endif()
