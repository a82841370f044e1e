// The checker's frame: files, operators and the order of the steps. See Sema.h.
#include "operators/frontend/Sema.h"
#include "operators/frontend/OpChecker.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/StringExtras.h"

using namespace lpgen;

OpChecker::OpChecker(const CallableOp &root, const CallableOps &operators,
                     Diagnostics &diags)
    : operators(operators), diags(diags), extents(op, diags) {
  instance = &addInstance(root);
  op.name = root.decl->name.text;
  op.loc = root.decl->name.range.Start;
}

Instance &OpChecker::addInstance(const CallableOp &callable) {
  instances.push_back(
      std::make_unique<Instance>(*callable.decl, *callable.params,
                                 *callable.constants, usedParams, diags));
  return *instances.back();
}

void OpChecker::enter(Instance *next) {
  instance = next;
  diags.enter(next->caller ? &next->call : nullptr);
}

std::optional<std::string>
OpChecker::findOpenParam(const std::map<std::string, int64_t> &defines) {
  for (const syntax::GenericParam &param : instance->decl.params) {
    auto define = defines.find(param.name.text);
    std::optional<int64_t> value;
    if (define != defines.end()) {
      value = define->second;
    } else if (param.value) {
      value = instance->constants.evaluate(*param.value);
    } else {
      return param.name.text;
    }
    instance->params.add({param.name, value}, diags);
  }
  return std::nullopt;
}

std::set<const syntax::OpDecl *> OpChecker::calledOps() const {
  std::set<const syntax::OpDecl *> called;
  for (const std::unique_ptr<Instance> &used : llvm::drop_begin(instances)) {
    called.insert(&used->decl);
  }
  return called;
}

std::optional<ast::Op> OpChecker::check() {
  if (!checkCounts() || !checkDeclarations() || !lowerBody() || !checkSizes() ||
      !resolveExtents() || !checkBounds() || !checkTypes()) {
    return std::nullopt;
  }
  warnUnused();
  const Instance &root = *instances[0];
  for (const ParamTable *table : {root.fileParams, &root.params}) {
    for (const ParamTable::Entry &entry : table->entries()) {
      if (auto it = usedParams.find(entry.name.text); it != usedParams.end()) {
        op.parameters.emplace_back(*it);
      }
    }
  }
  return std::move(op);
}

ast::ExprPtr OpChecker::makeExpr(ast::Expr::Kind kind, llvm::SMLoc loc,
                                 llvm::SMRange range) {
  auto expr = std::make_unique<ast::Expr>();
  expr->kind = kind;
  expr->loc = loc;
  // Assigned as a whole: the address may be that of a node already thrown away.
  sourceInfos[expr.get()] = {range, {}};
  return expr;
}

llvm::SMRange OpChecker::rangeOf(const ast::Expr &expr) const {
  auto it = sourceInfos.find(&expr);
  return it == sourceInfos.end() ? llvm::SMRange(expr.loc, expr.loc)
                                 : it->second.range;
}

void OpChecker::warnUnused() {
  for (const std::unique_ptr<Instance> &used : instances) {
    Entered guard(*this, used.get());
    for (const Binding &binding : used->bindings) {
      if (binding.role != ast::Role::Output && !binding.isRead) {
        const char *what =
            binding.role == ast::Role::Input ? "input" : "intermediate";
        diags.warning(binding.range.Start, binding.range,
                      llvm::Twine(what) + " '" + binding.name +
                          "' is never read");
      }
    }
  }
}

namespace {

/// Checks the files of a program one after the other.
class ProgramChecker {
public:
  ProgramChecker(const syntax::Program &program, const ParseOptions &options,
                 Diagnostics &diags)
      : program(program), options(options), defines(options.defines),
        diags(diags) {}

  ast::File check() {
    collectParams();
    checkDefines(program.back().path);
    collectConstants();
    collectOperators();
    // The file itself first: what it calls is not the subject.
    for (size_t file : llvm::reverse(llvm::seq(program.size()))) {
      checkOperators(file);
    }
    for (ast::GenericOp &generic : result.generic) {
      generic.isCalled = called.contains(operators[generic.name].decl);
    }
    return std::move(result);
  }

private:
  void collectParams() {
    for (const syntax::FileDecl &file : program) {
      ParamTable &table = tables.emplace_back();
      for (size_t included : file.includes) {
        table.include(tables[included], diags);
      }
      table.addParams(file, defines, diags);
    }
  }

  void collectConstants() {
    for (auto [file, params] : llvm::zip_equal(program, tables)) {
      ConstantTable &table = constants.emplace_back();
      for (size_t included : file.includes) {
        table.include(constants[included], diags);
      }
      table.addConstants(file, params, options.readConstant, diags);
    }
  }

  void collectOperators() {
    llvm::StringMap<llvm::SMRange> names;
    for (size_t file = 0; file != program.size(); ++file) {
      for (const syntax::Name &name : program[file].opNames) {
        auto [it, isNew] = names.try_emplace(name.text, name.range);
        if (!isNew) {
          diags.error(name.range,
                      "operator '" + name.text + "' is declared twice");
          diags.note(it->second, "first declared here");
        }
      }
      for (const syntax::OpDecl &decl : program[file].ops) {
        operators.try_emplace(
            decl.name.text, CallableOp{&decl, &tables[file], &constants[file]});
      }
    }
  }

  void checkDefines(llvm::StringRef fileName) {
    std::vector<std::string> declared;
    for (const ParamTable::Entry &entry : tables.back().entries()) {
      declared.push_back("'" + entry.name.text + "'");
    }
    for (const syntax::FileDecl &file : program) {
      for (const syntax::OpDecl &decl : file.ops) {
        for (const syntax::GenericParam &param : decl.params) {
          std::string quoted = "'" + param.name.text + "'";
          if (!llvm::is_contained(declared, quoted)) {
            declared.push_back(std::move(quoted));
          }
        }
      }
    }
    for (const auto &[name, value] : defines) {
      if (!llvm::is_contained(declared, "'" + name + "'")) {
        diags.error(
            "no parameter '" + llvm::Twine(name) + "' in '" + fileName +
            "'; it declares " +
            (declared.empty() ? "no parameters" : llvm::join(declared, ", ")));
      }
    }
  }

  void checkOperators(size_t file) {
    const bool isIncluded = file + 1 != program.size();
    for (const syntax::OpDecl &decl : program[file].ops) {
      if (diags.tooManyErrors() || hasTooMuch) {
        return;
      }
      OpChecker checker({&decl, &tables[file], &constants[file]}, operators,
                        diags);
      if (std::optional<std::string> open = checker.findOpenParam(defines)) {
        result.generic.push_back(
            {decl.name.text, *open, /*isCalled=*/false, isIncluded});
        continue;
      }
      std::optional<ast::Op> op = checker.check();
      called.merge(checker.calledOps());
      // Others that call it would take as long to say the same.
      hasTooMuch = checker.hasTooMuch();
      if (op) {
        op->isIncluded = isIncluded;
        result.ops.push_back(std::move(*op));
      }
    }
  }

  const syntax::Program &program;
  const ParseOptions &options;
  const std::map<std::string, int64_t> &defines;
  Diagnostics &diags;
  std::deque<ParamTable> tables;       ///< By file.
  std::deque<ConstantTable> constants; ///< By file.
  CallableOps operators;
  std::set<const syntax::OpDecl *> called;
  bool hasTooMuch = false;
  ast::File result;
};

} // namespace

ast::File lpgen::checkProgram(const syntax::Program &program,
                              const ParseOptions &options, Diagnostics &diags) {
  return ProgramChecker(program, options, diags).check();
}
