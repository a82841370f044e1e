// The constants of a file, `const w: s4[8, 3] = "name"`: tensors whose values
// are known when the file is checked.
#ifndef LPGEN_OPERATORS_FRONTEND_CONSTANTTABLE_H
#define LPGEN_OPERATORS_FRONTEND_CONSTANTTABLE_H

#include "operators/frontend/ParseOptions.h"
#include "operators/frontend/SemaTensors.h"

namespace lpgen {

class ConstantTable {
public:
  struct Entry {
    syntax::Name name;
    /// With values, and their range; absent if the declaration was wrong.
    std::optional<ast::Tensor> tensor;
    /// The parameters that the declaration uses.
    UsedParams parameters;
  };

  /// Adds the constants of a file that is included. Those of a file that is
  /// included twice are there once.
  void include(const ConstantTable &other, Diagnostics &diags);
  /// Checks the declarations of `file` and reads all values.
  void addConstants(const syntax::FileDecl &file, const ParamTable &params,
                    const ConstantReader &reader, Diagnostics &diags);

  const Entry *find(llvm::StringRef name) const;

private:
  /// Reports the name if it is taken.
  bool isNew(const syntax::Name &name, Diagnostics &diags) const;

  std::vector<Entry> table;
  llvm::StringMap<size_t> positions;
};

} // namespace lpgen

#endif // LPGEN_OPERATORS_FRONTEND_CONSTANTTABLE_H
