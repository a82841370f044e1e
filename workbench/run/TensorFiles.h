// The .npy files that `lpgen run` reads and writes: which tensor is in which
// file, and which run-time sizes follow from the shapes.
#ifndef LPGEN_WORKBENCH_RUN_TENSORFILES_H
#define LPGEN_WORKBENCH_RUN_TENSORFILES_H

#include "base/system/Status.h"
#include "base/tensor/Tensor.h"
#include "operators/frontend/Ast.h"
#include "llvm/ADT/ArrayRef.h"
#include <map>
#include <string>
#include <vector>

namespace lpgen {

/// Paths by tensor id.
using TensorPaths = std::map<unsigned, std::string>;

/// Reads `NAME=PATH` options for the tensors of one role; `option` is their
/// name in messages. Errors: no such tensor (says which there are), given
/// twice, malformed.
Result<TensorPaths> bindTensorPaths(const ast::Op &op, ast::Role role,
                                    llvm::ArrayRef<std::string> assignments,
                                    const std::string &option);

/// Run-time sizes by name.
using GivenSizes = std::map<std::string, int64_t>;

/// Reads NAME=VALUE, the values of option --size.
Result<GivenSizes> parseSizes(llvm::ArrayRef<std::string> texts);

/// The inputs of a run, at the places of their ids, and the run-time sizes.
struct LoadedInputs {
  std::vector<HostTensor> tensors;
  std::vector<int64_t> sizes;
};

/// Reads all inputs. Every shape must be the declared one, one name one size,
/// every value one that the declaration allows. `paths` has all inputs, `given`
/// sizes that no shape needs to say.
Result<LoadedInputs> loadInputs(const ast::Op &op, const TensorPaths &paths,
                                const GivenSizes &given = {});

} // namespace lpgen

#endif // LPGEN_WORKBENCH_RUN_TENSORFILES_H
