# Installs a build into an empty prefix, then configures, builds and runs the project beside
# this file against it: what a user of the package does.
#
#   cmake -DBUILD=... -DPROJECT=... -DWORK=... -DGENERATOR=... -DC_COMPILER=...
#     -DCXX_COMPILER=... -DHOST_TOOL=... -P try-package.cmake
#
# HOST_TOOL is empty if the package has the compiler itself.
function(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status)
  if(status)
    message(FATAL_ERROR "${what}: expected status 0, found ${status}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
run("install" ${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
run("configure" ${CMAKE_COMMAND} -S ${PROJECT} -B ${WORK}/build -G ${GENERATOR}
  -DCMAKE_PREFIX_PATH=${WORK}/prefix -DCMAKE_C_COMPILER=${C_COMPILER}
  -DCMAKE_CXX_COMPILER=${CXX_COMPILER} -DLPGEN_HOST_TOOL=${HOST_TOOL})
run("build" ${CMAKE_COMMAND} --build ${WORK}/build)
run("one-target" ${WORK}/build/one-target)
run("several-targets" ${WORK}/build/several-targets)
# Nothing changed, so nothing is compiled again.
execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build OUTPUT_VARIABLE again)
if(GENERATOR STREQUAL "Ninja" AND NOT again MATCHES "no work to do")
  message(FATAL_ERROR "second build: expected no work, found\n${again}")
endif()
