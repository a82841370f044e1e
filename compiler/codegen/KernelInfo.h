// What a finished kernel tells the world: buffers, sizes, phases, choices.
//
// Read from the lp.kernel op at the end, which carries it through the stages,
// so that resuming at any of them gives the same object. The manifest is this
// plus names of files.
#ifndef LPGEN_COMPILER_CODEGEN_KERNELINFO_H
#define LPGEN_COMPILER_CODEGEN_KERNELINFO_H

#include "base/types/ComputedSize.h"
#include "base/types/ElementType.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/JSON.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lpgen {

struct BufferInfo {
  std::string name;
  ElementType type;
  std::vector<int64_t> shape; ///< Constants, or bounds of run-time sizes.
  /// Per dimension: index of its run-time size, computed ones behind those that
  /// are given, or -1.
  std::vector<int64_t> symbols;
  /// Of views, elements between neighbours, by dimension, in the same form;
  /// empty for dense tensors.
  std::vector<int64_t> strides;
  std::vector<int64_t> strideSymbols;
  bool isOutput = false;
  /// The least and the greatest value that an integer input promises to have,
  /// or that a constant has; empty for others.
  std::vector<int64_t> range;
  int64_t packedBytes = 0; ///< > 0 if the kernel takes it packed.
  std::string packer;      ///< Function of the module that packs it.
};

/// A buffer that the object brings. One constant has several, where it is
/// packed in several ways.
struct ConstantInfo {
  BufferInfo buffer;
  std::string digest;

  /// Bits of the narrowest type of the buffer's encoding that holds the values.
  unsigned usedBits() const;
  int64_t bytes() const; ///< In the object.
};

struct PhaseInfo {
  std::string op;    ///< Name of the op that it runs.
  std::string run;   ///< Function of a range of tasks.
  std::string tasks; ///< Function that counts them.
  /// Numbers of the sizes, buffers and workspace, in this order, that `run`
  /// takes.
  std::vector<int64_t> takes;
};

struct SizeInfo {
  std::string name;
  int64_t bound = 0;
};

struct ContractInfo {
  std::string label;
  std::string x, w, accumulator;
  std::string schedule;
  std::string templateName;
  std::string layout; ///< k4: groups of four; plain: not packed.
  std::string reason;
};

struct KernelInfo {
  std::string op;
  std::string target;
  std::vector<SizeInfo> sizes;             ///< That the caller gives.
  std::vector<ComputedSize> computedSizes; ///< That follow from them.
  std::vector<BufferInfo> buffers; ///< Of the caller: inputs, then outputs.
  std::vector<ConstantInfo> constants;
  std::vector<PhaseInfo> phases;
  std::vector<ContractInfo> contracts;
  int64_t scratchBytes = 0;
  int64_t workspaceBytes = 0; ///< For the bounds of run-time sizes.
  /// Function that gives the bytes for the sizes of a call; "" if there is
  /// none.
  std::string workspaceFunction;
  std::string hash; ///< Of the scheduled IR: identity of the layouts.

  llvm::json::Value toJson() const;
  /// Number `symbol` of a buffer's sizes: "m" or "floordiv(h + 1, 2)".
  std::string sizeText(int64_t symbol) const;

  /// lp_<op>_<x>x<w>_<acc>_<template>_<layout>_<target>_<hash>
  std::string symbol() const;
  /// The buffers that phases take: inputs, constants, outputs.
  std::vector<const BufferInfo *> arguments() const;
  /// 64 bits of `hash`.
  uint64_t layoutId() const;
};

/// Computed sizes in a manifest, behind `numGiven` others.
llvm::json::Array toJson(const std::vector<ComputedSize> &sizes,
                         size_t numGiven);

} // namespace lpgen

#endif // LPGEN_COMPILER_CODEGEN_KERNELINFO_H
