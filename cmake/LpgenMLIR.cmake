# The only file that names MLIR's and LLVM's libraries.
#
# Debian's packages: find_package(MLIR 22.1) (the version file accepts only a matching
# major.minor); the shared MLIR and LLVM libraries hold everything.
find_package(MLIR 22.1 REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)
set(LPGEN_LLVM_TOOLS ${LLVM_TOOLS_BINARY_DIR})

# lpgen_mlir_library(NAME SOURCES... [DEPS libs...]): a static library of compiler code.
function(lpgen_mlir_library name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_include_directories(${name} SYSTEM PUBLIC ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  target_compile_definitions(${name} PUBLIC ${LLVM_DEFINITIONS_LIST})
  target_compile_options(${name} PRIVATE -fno-exceptions)
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} MLIR LLVM)
endfunction()
