// Inputs of `lpgen run`: from NAME=PATH to checked tensors.
#include "workbench/run/TensorFiles.h"
#include "base/system/Text.h"
#include "base/tensor/Npy.h"
#include "llvm/ADT/Twine.h"
#include <optional>

namespace lpgen {

static const char *roleName(ast::Role role) {
  return role == ast::Role::Input ? "input" : "output";
}

/// "'x', 'w'": the tensors of a role.
static std::string tensorNames(const ast::Op &op, ast::Role role) {
  std::string text;
  for (const ast::Tensor &tensor : op.tensors) {
    if (tensor.role == role) {
      text += text.empty() ? "'" : ", '";
      text += tensor.name + "'";
    }
  }
  return text.empty() ? "none" : text;
}

/// The id of the tensor called `name` with this role, if there is one.
static std::optional<unsigned> findTensor(const ast::Op &op, ast::Role role,
                                          const std::string &name) {
  for (unsigned id = 0; id < op.tensors.size(); ++id) {
    if (op.tensors[id].name == name && op.tensors[id].role == role) {
      return id;
    }
  }
  return std::nullopt;
}

Result<TensorPaths> bindTensorPaths(const ast::Op &op, ast::Role role,
                                    llvm::ArrayRef<std::string> assignments,
                                    const std::string &option) {
  TensorPaths paths;
  const llvm::StringRef kind = roleName(role);
  const std::string existing = "; it has " + tensorNames(op, role);
  for (const std::string &text : assignments) {
    const auto failure = [&](const llvm::Twine &what) {
      return Status::error(
          (llvm::Twine(option) + " '" + text + "': " + what).str());
    };
    const auto assignment = splitAssignment(text);
    if (!assignment || assignment->second.empty()) {
      return failure("expected NAME=FILE.npy with the name of an " + kind +
                     " of '" + op.name + "'" + existing);
    }
    const auto &[name, path] = *assignment;
    const std::optional<unsigned> id = findTensor(op, role, name);
    if (!id) {
      return failure("operator '" + llvm::Twine(op.name) + "' has no " + kind +
                     " '" + name + "'" + existing);
    }
    if (!paths.insert({*id, path}).second) {
      return failure(kind + " '" + llvm::Twine(name) +
                     "' is given twice, first as '" + paths[*id] + "'");
    }
  }
  return paths;
}

/// "[?m <= 64, 3]": the declared shape.
static std::string declaredShape(const ast::Op &op, const ast::Tensor &tensor) {
  std::string text = "[";
  for (const ast::Extent &extent : tensor.shape) {
    text += text.size() == 1 ? "" : ", ";
    text += op.textOf(extent);
    if (!extent.isStatic() && *extent.id >= 0) {
      text += " <= " + std::to_string(extent.size);
    }
  }
  return text + "]";
}

namespace {
/// Finds the run-time sizes in the shapes of the inputs.
class SizeDeduction {
public:
  explicit SizeDeduction(const ast::Op &op)
      : op(op), sizes(op.symbols.size(), -1), sources(op.symbols.size()) {}

  /// Takes a size that was given by name.
  Status give(const std::string &name, int64_t size);
  /// Matches one input's shape with its declaration.
  Status match(const ast::Tensor &tensor, const NpyArray &array);
  /// The sizes, once all inputs are matched.
  Result<std::vector<int64_t>> take();

private:
  Status matchSymbol(size_t symbol, int64_t size, const std::string &place);

  const ast::Op &op;
  std::vector<int64_t> sizes;
  std::vector<std::string> sources; ///< Where a size was seen first.
  /// What was found where the size follows from others.
  struct Computed {
    ast::Extent extent;
    int64_t found;
    std::string place;
  };
  std::vector<Computed> computed;
};
} // namespace

Status SizeDeduction::give(const std::string &name, int64_t size) {
  const auto found = llvm::find_if(op.symbols, [&](const ast::Symbol &symbol) {
    return symbol.name == name;
  });
  if (found == op.symbols.end()) {
    return Status::error("--size " + name + ": operator '" + op.name +
                         "' has no run-time size ?" + name);
  }
  return matchSymbol(size_t(found - op.symbols.begin()), size,
                     "--size " + name);
}

Status SizeDeduction::match(const ast::Tensor &tensor, const NpyArray &array) {
  const std::vector<int64_t> &shape = array.elements.shape();
  bool matches = shape.size() == tensor.shape.size();
  for (size_t i = 0; matches && i < shape.size(); ++i) {
    const ast::Extent &extent = tensor.shape[i];
    matches = !extent.isStatic() || extent.size == shape[i];
  }
  if (!matches) {
    return Status::error("'" + array.path + "': expected shape " +
                         declaredShape(op, tensor) + " for input '" +
                         tensor.name + "', found " + shapeToString(shape));
  }
  for (size_t i = 0; i < shape.size(); ++i) {
    const ast::Extent &extent = tensor.shape[i];
    const std::string place =
        "dimension " + std::to_string(i) + " of '" + array.path + "'";
    if (extent.isStatic()) {
      continue;
    }
    if (*extent.id < 0) {
      computed.push_back({extent, shape[i], place});
      continue;
    }
    LPGEN_RETURN_IF_ERROR(matchSymbol(size_t(*extent.id), shape[i], place));
  }
  return Status::success();
}

Status SizeDeduction::matchSymbol(size_t symbol, int64_t size,
                                  const std::string &place) {
  const ast::Symbol &declared = op.symbols[symbol];
  if (size > declared.bound) {
    return Status::error(place + ": size ?" + declared.name + " is " +
                         std::to_string(size) + ", above its bound " +
                         std::to_string(declared.bound));
  }
  if (sizes[symbol] >= 0 && sizes[symbol] != size) {
    return Status::error(place + ": size ?" + declared.name + " is " +
                         std::to_string(size) + " here but " +
                         std::to_string(sizes[symbol]) + " in " +
                         sources[symbol]);
  }
  sizes[symbol] = size;
  sources[symbol] = place;
  return Status::success();
}

Result<std::vector<int64_t>> SizeDeduction::take() {
  const std::vector<bool> isStride = op.strideSymbols();
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 0 && !isStride[i]) {
      return Status::error("size ?" + op.symbols[i].name + " of operator '" +
                           op.name +
                           "' is in no input's shape, so the files do not say "
                           "what it is; give --size " +
                           op.symbols[i].name + "=VALUE");
    }
  }
  sizes = op.withStrides(std::move(sizes));
  if (std::string fault = op.whyNotSizes(sizes); !fault.empty()) {
    return Status::error("the files do not fit operator '" + op.name +
                         "': " + fault);
  }
  for (const auto &[extent, found, place] : computed) {
    if (const int64_t size = op.sizeOf(extent, sizes); found != size) {
      return Status::error(place + ": expected " + op.textOf(extent) + " = " +
                           std::to_string(size) + ", found " +
                           std::to_string(found));
    }
  }
  return sizes;
}

Result<GivenSizes> parseSizes(llvm::ArrayRef<std::string> texts) {
  GivenSizes sizes;
  for (const std::string &text : texts) {
    const auto assignment = splitAssignment(text);
    int64_t value = 0;
    if (!assignment ||
        llvm::StringRef(assignment->second).getAsInteger(0, value) ||
        value < 1) {
      return Status::error("--size '" + text +
                           "': expected NAME=VALUE with a value of 1 or more, "
                           "as in --size m=128");
    }
    sizes[assignment->first] = value;
  }
  return sizes;
}

Result<LoadedInputs> loadInputs(const ast::Op &op, const TensorPaths &paths,
                                const GivenSizes &given) {
  LoadedInputs inputs;
  SizeDeduction deduction(op);
  for (const auto &[name, size] : given) {
    LPGEN_RETURN_IF_ERROR(deduction.give(name, size));
  }
  for (const auto &[id, path] : paths) {
    const ast::Tensor &tensor = op.tensors[id];
    const Result<NpyArray> array = readNpy(path);
    LPGEN_RETURN_IF_ERROR(array.status());
    LPGEN_RETURN_IF_ERROR(deduction.match(tensor, *array));
    Result<HostTensor> values = array->convertTo(tensor.type);
    LPGEN_RETURN_IF_ERROR(values.status());
    if (tensor.hasDeclaredRange) {
      if (const auto illegal =
              values->firstValueOutside(tensor.range.lo, tensor.range.hi)) {
        return Status::error("'" + path + "', input '" + tensor.name +
                             "': " + *illegal);
      }
    }
    inputs.tensors.push_back(std::move(*values));
  }
  Result<std::vector<int64_t>> sizes = deduction.take();
  LPGEN_RETURN_IF_ERROR(sizes.status());
  inputs.sizes = std::move(*sizes);
  return inputs;
}

} // namespace lpgen
