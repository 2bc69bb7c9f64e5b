# Installs strata into a new folder, builds this project against it and runs its program.
#     cmake -DSTRATA_BUILD=build/release -DWORK=FOLDER -DOPTIONS=-D... -P run.cmake
cmake_minimum_required(VERSION 3.22)

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${STRATA_BUILD} --prefix ${WORK}/installed)
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${WORK}/build -DCMAKE_PREFIX_PATH=${WORK}/installed ${OPTIONS})
string(TIMESTAMP before "%s")
run(${CMAKE_COMMAND} --build ${WORK}/build)
string(TIMESTAMP after "%s")
math(EXPR seconds "${after} - ${before}")
run(${WORK}/build/small_vae)
message("built in ${seconds} s; it prints:\n${output}")

if(NOT output MATCHES "^gradients: right\nstep 0: elbo -([0-9.]+)\nstep 500: elbo -([0-9.]+)\n$")
  message(FATAL_ERROR "unexpected output")
endif()
# Coin tosses for pixels would give −12 ln 2 = −8.3.
if(NOT CMAKE_MATCH_2 LESS 4)
  message(FATAL_ERROR "the model did not learn")
endif()
