# Headers that are compiled once for many sources.
#
#   lpgen_headers(NAME headers...)     a set of headers; options are those of target NAME
#   lpgen_use_headers(TARGET NAME)     compiles TARGET with them; clang wants the same
#                                      optimization, -fPIC and exceptions in both
include_guard(GLOBAL)

function(lpgen_headers name)
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp "")
  add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  target_precompile_headers(${name} PRIVATE ${ARGN})
endfunction()

# ccache takes the sum of precompiled headers instead of all their bytes, which would take it
# longer than to find what was compiled with them.
function(lpgen_use_headers target headers)
  target_precompile_headers(${target} REUSE_FROM ${headers})
  if(NOT TARGET ${headers}_sum)
    get_target_property(folder ${headers} BINARY_DIR)
    set(folder ${folder}/CMakeFiles/${headers}.dir)
    add_custom_command(OUTPUT ${folder}/cmake_pch.hxx.pch.sum
      COMMAND ${CMAKE_COMMAND} -E sha256sum cmake_pch.hxx.pch > cmake_pch.hxx.pch.sum
      DEPENDS ${folder}/cmake_pch.hxx.pch WORKING_DIRECTORY ${folder} VERBATIM)
    add_custom_target(${headers}_sum DEPENDS ${folder}/cmake_pch.hxx.pch.sum)
    add_dependencies(${headers}_sum ${headers})
  endif()
  add_dependencies(${target} ${headers}_sum)
endfunction()
