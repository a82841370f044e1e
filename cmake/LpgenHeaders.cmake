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

# The path stands in an option that ccache knows and makes relative to its base folder: what
# one build compiled, another that compiles it alike finds. For that reason too ccache looks at
# the preprocessed text, which has no paths in it, instead of the headers that were compiled.
function(lpgen_use_headers target headers)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    return()
  endif()
  get_target_property(folder ${headers} BINARY_DIR)
  set(file ${folder}/CMakeFiles/${headers}.dir/cmake_pch.hxx)
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Winvalid-pch -include-pch ${file}.pch>")
  if(NOT TARGET ${headers}_text)
    set(folders "$<TARGET_PROPERTY:${headers},INCLUDE_DIRECTORIES>")
    add_custom_command(OUTPUT ${file}.pch.sum
      COMMAND ${CMAKE_CXX_COMPILER} -std=c++${CMAKE_CXX_STANDARD} -w -E -P -x c++
        "$<$<BOOL:${folders}>:-I$<JOIN:${folders},;-I>>" ${file} -o ${file}.pch.sum
      DEPENDS ${file}.pch COMMAND_EXPAND_LISTS VERBATIM)
    add_custom_target(${headers}_text DEPENDS ${file}.pch.sum)
    add_dependencies(${headers}_text ${headers})
  endif()
  add_dependencies(${target} ${headers}_text)
endfunction()
