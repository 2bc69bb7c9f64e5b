# Compiles an example by what pkg-config says of an installed strata, and runs it.
#     cmake -DINSTALLED=PREFIX -DWORK=FOLDER -DCOMPILER=c++ -P pkg_config.cmake
cmake_minimum_required(VERSION 3.22)
include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)

file(MAKE_DIRECTORY ${WORK})
file(GLOB_RECURSE found ${INSTALLED}/strata-tools.pc)
get_filename_component(folder "${found}" DIRECTORY)
set(ENV{PKG_CONFIG_PATH} ${folder})
run(pkg-config --cflags --libs strata-tools)
separate_arguments(flags UNIX_COMMAND "${output}")
run(${COMPILER} -O1 ${CMAKE_CURRENT_LIST_DIR}/../../docs/examples/01_tape_and_gradients.cpp -o ${WORK}/example ${flags}
    -Wl,-rpath,${folder}/..)
run(${WORK}/example)
if(NOT output MATCHES "^y = 0.5 .* = 3.298\n")
  message(FATAL_ERROR "it prints\n${output}")
endif()
