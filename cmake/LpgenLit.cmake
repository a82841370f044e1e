# lit and FileCheck, from the LLVM that the compiler is built with.
#
# lpgen_add_lit(NAME TOOLS targets...): makes the ctest test NAME out of the lit
# suite in the calling folder. lit.site.cfg.py.in there carries the build's paths to
# lit.cfg.py, which holds the rules of the suite.

function(lpgen_add_lit name)
  cmake_parse_arguments(ARG "" "" "TOOLS" ${ARGN})
  foreach(program lit FileCheck not split-file count)
    if(NOT EXISTS ${LPGEN_LLVM_TOOLS}/${program})
      message(FATAL_ERROR "${LPGEN_LLVM_TOOLS}/${program} does not exist, and the lit tests "
        "need it; remedy: install the Debian package llvm-22-tools, or configure with "
        "-DLPGEN_BUILD_TESTS=OFF")
    endif()
  endforeach()
  set(LPGEN_LIT_TOOLS_DIR ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})
  configure_file(lit.site.cfg.py.in lit.site.cfg.py @ONLY)
  # A target that only gathers the tools, so that `ninja lit-tools` suffices to run
  # the suite by hand.
  add_custom_target(${name}-tools DEPENDS ${ARG_TOOLS})
  add_test(NAME ${name}
    COMMAND ${LPGEN_LLVM_TOOLS}/lit -s -v --no-progress-bar --order=lexical ${CMAKE_CURRENT_BINARY_DIR})
  set_tests_properties(${name} PROPERTIES LABELS lit TIMEOUT 1200 COST 90)
endfunction()
