# Builds this project against an installed strata and runs its programs.
#     cmake -DINSTALLED=PREFIX -DWORK=FOLDER -DOPTIONS=-D... -P run.cmake
cmake_minimum_required(VERSION 3.22)

include(${CMAKE_CURRENT_LIST_DIR}/common.cmake)

# Builds one program and tells how long that took.
function(build program)
  string(TIMESTAMP before "%s")
  run(${CMAKE_COMMAND} --build ${WORK}/build --target ${program})
  string(TIMESTAMP after "%s")
  math(EXPR seconds "${after} - ${before}")
  message("${program}: built in ${seconds} s")
endfunction()

# The first program under a heading of a document, as it is printed there.
function(extract_program from heading to)
  file(READ ${from} text)
  foreach(mark "${heading}\n" "```cpp\n")
    string(FIND "${text}" "${mark}" place)
    if(place EQUAL -1)
      message(FATAL_ERROR "${from} lacks '${mark}'")
    endif()
    string(LENGTH "${mark}" length)
    math(EXPR place "${place} + ${length}")
    string(SUBSTRING "${text}" ${place} -1 text)
  endforeach()
  string(FIND "${text}" "```" end)
  string(SUBSTRING "${text}" 0 ${end} text)
  file(WRITE ${to} "${text}")
endfunction()

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
set(root ${CMAKE_CURRENT_LIST_DIR}/../..)
extract_program(${root}/README.md "## A model of your own" ${WORK}/small_vae.cpp)
extract_program(${root}/docs/model.md "## A distribution" ${WORK}/logistic.hpp)
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${WORK}/build -DCMAKE_PREFIX_PATH=${INSTALLED}
    -DPRINTED=${WORK} ${OPTIONS})

build(small_vae)
run(${WORK}/build/small_vae)
message("${output}")
if(NOT output MATCHES "^gradients: right\ntest ELBO -([0-9.]+), NLL ([0-9.]+) ± ")
  message(FATAL_ERROR "unexpected output")
endif()
# Coin tosses for pixels would give 12 ln 2 = 8.3; ln 2 and the entropy of the pixels' noise are 3.1.
if(NOT CMAKE_MATCH_1 LESS 6 OR NOT CMAKE_MATCH_2 LESS 5)
  message(FATAL_ERROR "the model did not learn")
endif()

build(vamp_prior)
run(${WORK}/build/vamp_prior)
message("${output}")
# 36 ln 2 = 25; ln 2 and the entropy of the pixels' noise are 12.4.
if(NOT output MATCHES "^ELBO -([0-9.]+), ln p of the first test image -[0-9.]+\n$" OR NOT CMAKE_MATCH_1 LESS 18)
  message(FATAL_ERROR "the model did not learn")
endif()
foreach(file small_vae.safetensors vamp.safetensors samples.png)
  if(NOT EXISTS ${WORK}/${file})
    message(FATAL_ERROR "${file} is missing")
  endif()
endforeach()

build(xtensor_first)
run(${WORK}/build/xtensor_first)
if(NOT output STREQUAL "x y + z = 44, sums (2)\n")
  message(FATAL_ERROR "unexpected output: ${output}")
endif()

build(own_distribution)
run(${WORK}/build/own_distribution)
if(NOT output STREQUAL "mass 1.000, mean 0.50, variance 13, the estimators agree\n")
  message(FATAL_ERROR "unexpected output: ${output}")
endif()

# Flags that name another processor are refused when strata is found, not by the linker.
execute_process(COMMAND ${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${WORK}/other -DCMAKE_PREFIX_PATH=${INSTALLED}
                        -DPRINTED=${WORK} ${OPTIONS} -DCMAKE_CXX_FLAGS=-march=nehalem RESULT_VARIABLE status
                OUTPUT_VARIABLE output ERROR_VARIABLE output)
string(REGEX REPLACE "[ \n]+" " " output "${output}")
if(status EQUAL 0 OR NOT output MATCHES "compiles with -march=nehalem, and strata was built with '")
  message(FATAL_ERROR "another processor is not refused: ${output}")
endif()
