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

# MLIR's headers take three quarters of the time of a file that includes them: they are
# compiled once, for libraries, and once for programs, which may throw exceptions; beside
# them the headers that `name` is followed by. Programs call libraries and read command
# lines: they are optimized less, which halves what CLI11 costs in each of their files.
function(_lpgen_mlir_headers name)
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp "")
  add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  target_include_directories(${name} SYSTEM PRIVATE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  target_precompile_headers(${name} PRIVATE
    <mlir/Dialect/Affine/IR/AffineOps.h> <mlir/Dialect/Arith/IR/Arith.h>
    <mlir/Dialect/Func/IR/FuncOps.h> <mlir/Dialect/LLVMIR/LLVMDialect.h>
    <mlir/Dialect/Math/IR/Math.h> <mlir/Dialect/MemRef/IR/MemRef.h>
    <mlir/Dialect/SCF/IR/SCF.h> <mlir/Dialect/Vector/IR/VectorOps.h> <mlir/Pass/Pass.h>
    ${ARGN})
endfunction()
_lpgen_mlir_headers(lpgen_mlir_headers)
target_compile_options(lpgen_mlir_headers PRIVATE -fno-exceptions)
_lpgen_mlir_headers(lpgen_mlir_headers_of_programs <CLI/CLI.hpp>)
target_compile_options(lpgen_mlir_headers_of_programs PRIVATE -O1)

# lpgen_mlir_library(NAME SOURCES... [DEPS libs...]): a static library of compiler code,
# which throws no exceptions.
function(lpgen_mlir_library name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_include_directories(${name} SYSTEM PUBLIC ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  target_compile_options(${name} PRIVATE -fno-exceptions)
  target_precompile_headers(${name} REUSE_FROM lpgen_mlir_headers)
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} MLIR LLVM)
endfunction()

# lpgen_mlir_program(NAME): a target beyond those libraries whose sources include MLIR.
# The headers were compiled for libraries, -fPIC -O1; clang takes no others.
function(lpgen_mlir_program name)
  target_compile_options(${name} PRIVATE -fPIC -O1)
  target_precompile_headers(${name} REUSE_FROM lpgen_mlir_headers_of_programs)
endfunction()
