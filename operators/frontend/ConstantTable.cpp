// The constants of a file. See ConstantTable.h.
#include "operators/frontend/ConstantTable.h"

using namespace lpgen;
using namespace lpgen::syntax;
using llvm::Twine;

/// Type and shape as declared.
static std::optional<ast::Tensor> declare(const TensorDecl &decl,
                                          ConstantEvaluator &constants,
                                          Diagnostics &diags) {
  ast::Tensor tensor;
  tensor.name = decl.name.text;
  tensor.role = ast::Role::Constant;
  tensor.loc = decl.name.range.Start;
  const std::optional<ElementType> type =
      resolveType(decl.type, constants, diags);
  bool ok = type && checkRank(decl.name, decl.shape.size(), diags);
  for (const Dimension &dim : decl.shape) {
    if (dim.symbol) {
      diags.error(dim.range, "constant '" + tensor.name +
                                 "' has a run-time size; its extents are "
                                 "known when it is compiled");
      ok = false;
      continue;
    }
    const std::optional<int64_t> size =
        resolveExtent(*dim.value, constants, diags);
    ok &= size.has_value();
    tensor.shape.push_back({size.value_or(1)});
  }
  if (!ok || !checkElements(tensor, decl.name.range, diags)) {
    return std::nullopt;
  }
  tensor.type = *type;
  return tensor;
}

static ast::IntRange rangeOf(const HostTensor &values) {
  ast::IntRange range{values.getInt(0), values.getInt(0)};
  for (int64_t i = 1; i < values.numElements(); ++i) {
    range.lo = std::min(range.lo, values.getInt(i));
    range.hi = std::max(range.hi, values.getInt(i));
  }
  return range;
}

/// Fills in the values.
static bool readValues(const ConstDecl &decl, const ConstantReader &reader,
                       llvm::StringRef path, ast::Tensor &tensor,
                       Diagnostics &diags) {
  const auto fail = [&](const Twine &reason) {
    diags.error(decl.sourceRange,
                "constant '" + tensor.name + "' has no values: " + reason);
    return false;
  };
  if (!reader) {
    return fail("no weights are read here");
  }
  std::vector<int64_t> shape;
  for (const ast::Extent &extent : tensor.shape) {
    shape.push_back(extent.size);
  }
  auto values = reader(path.str(), decl.source, tensor.type, shape);
  if (!values.ok()) {
    return fail(values.message());
  }
  tensor.values = std::move(*values);
  if (!tensor.type.isFloat()) {
    tensor.range = rangeOf(*tensor.values);
  }
  return true;
}

void ConstantTable::include(const ConstantTable &other, Diagnostics &diags) {
  for (const Entry &entry : other.table) {
    const Entry *known = find(entry.name.text);
    bool isSame = known && known->name.range.Start == entry.name.range.Start;
    if (!isSame && isNew(entry.name, diags)) {
      positions[entry.name.text] = table.size();
      table.push_back(entry);
    }
  }
}

bool ConstantTable::isNew(const Name &name, Diagnostics &diags) const {
  const Entry *earlier = find(name.text);
  if (earlier) {
    diags.error(name.range, "constant '" + name.text + "' is declared twice");
    diags.note(earlier->name.range, "first declared here");
  }
  return !earlier;
}

void ConstantTable::addConstants(const FileDecl &file, const ParamTable &params,
                                 const ConstantReader &reader,
                                 Diagnostics &diags) {
  for (const ConstDecl &decl : file.constants) {
    const Name &name = decl.tensor.name;
    if (!isNew(name, diags)) {
      continue;
    }
    if (const ParamTable::Entry *param = params.find(name.text)) {
      diags.error(name.range,
                  "constant '" + name.text + "' has the name of a parameter");
      diags.note(param->name.range, "first declared here");
      continue;
    }
    Entry entry{name, std::nullopt, {}};
    if (decl.isComplete) {
      ConstantEvaluator constants(params, entry.parameters, diags);
      entry.tensor = declare(decl.tensor, constants, diags);
    }
    if (entry.tensor &&
        !readValues(decl, reader, file.path, *entry.tensor, diags)) {
      entry.tensor.reset();
    }
    positions[name.text] = table.size();
    table.push_back(std::move(entry));
  }
}

const ConstantTable::Entry *ConstantTable::find(llvm::StringRef name) const {
  auto it = positions.find(name);
  return it == positions.end() ? nullptr : &table[it->second];
}
