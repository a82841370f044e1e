# The only file that names MLIR's and LLVM's libraries.
#
# Debian's packages: find_package(MLIR 22.1) (the version file accepts only a matching
# major.minor); the shared MLIR and LLVM libraries hold everything.
find_package(MLIR 22.1 REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
include(LpgenHeaders)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)
include(AddLLVM)
include(AddMLIR)
set(LPGEN_LLVM_TOOLS ${LLVM_TOOLS_BINARY_DIR})

# MLIR's headers take three quarters of the time of a file that includes them: they are
# compiled once, for libraries, and once for programs, which may throw exceptions; beside
# them the headers that are given. Both are optimized less: the time of a compilation is
# spent in LLVM's and MLIR's own libraries.
function(_lpgen_mlir_headers name optimization)
  lpgen_headers(${name}
    <mlir/Dialect/Affine/IR/AffineOps.h> <mlir/Dialect/Arith/IR/Arith.h>
    <mlir/Dialect/Func/IR/FuncOps.h> <mlir/Dialect/LLVMIR/LLVMDialect.h>
    <mlir/Dialect/Math/IR/Math.h> <mlir/Dialect/MemRef/IR/MemRef.h>
    <mlir/Dialect/SCF/IR/SCF.h> <mlir/Dialect/Vector/IR/VectorOps.h> <mlir/Pass/Pass.h>
    <llvm/Support/JSON.h> <llvm/Support/VirtualFileSystem.h> ${LPGEN_STANDARD_HEADERS} ${ARGN})
  target_include_directories(${name} SYSTEM PRIVATE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  target_compile_options(${name} PRIVATE ${optimization})
endfunction()
_lpgen_mlir_headers(lpgen_mlir_headers ${LPGEN_LESS_OPTIMIZED})
target_compile_options(lpgen_mlir_headers PRIVATE -fno-exceptions)
_lpgen_mlir_headers(lpgen_mlir_headers_of_programs ${LPGEN_PROGRAM_OPTIMIZED} <CLI/CLI.hpp>)

# lpgen_mlir_library(NAME SOURCES... [COMPUTES] [DEPS libs...]): a static library of compiler
# code, which throws no exceptions; COMPUTES if its own code takes the time.
function(lpgen_mlir_library name)
  cmake_parse_arguments(ARG "COMPUTES" "" "DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_include_directories(${name} SYSTEM PUBLIC ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  target_compile_options(${name} PRIVATE -fno-exceptions)
  # Under sanitizers there are few, and of those that include little of MLIR.
  if(NOT ARG_COMPUTES AND NOT LPGEN_SANITIZE)
    target_compile_options(${name} PRIVATE ${LPGEN_LESS_OPTIMIZED})
    lpgen_use_headers(${name} lpgen_mlir_headers)
  endif()
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} MLIR LLVM)
endfunction()

# lpgen_mlir_program(NAME): a target beyond those libraries whose sources include MLIR.
# The headers were compiled for libraries, -fPIC and less optimized; clang takes no others.
function(lpgen_mlir_program name)
  target_compile_options(${name} PRIVATE -fPIC ${LPGEN_PROGRAM_OPTIMIZED})
  lpgen_use_headers(${name} lpgen_mlir_headers_of_programs)
endfunction()
