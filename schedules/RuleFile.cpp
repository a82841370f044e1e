// Writing files of tuned rules. See RuleFile.h.
#include "schedules/RuleFile.h"
#include "ir/dialect/ParseText.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OwningOpRef.h"
#include "schedules/Schedules.h"
#include <map>

using namespace mlir;
using namespace lpgen;

/// The attribute that a complete schedule text says.
static lp::ScheduleAttr scheduleAttr(MLIRContext *context,
                                     const std::string &text) {
  std::string message;
  const auto request = parseScheduleRequest(text, message);
  assert(request && "the tuner writes schedules that parse");
  return lp::ScheduleAttr::get(
      context, request->templateName, request->cell, request->rows.value_or(1),
      request->vectors.value_or(1), request->unroll.value_or(1),
      request->block.value_or(1), request->prefetch);
}

static lp::TunedOp createRule(OpBuilder &builder, const TunedRule &rule) {
  const TunedKey &key = rule.key;
  return lp::TunedOp::create(
      builder, builder.getUnknownLoc(), builder.getStringAttr(key.target),
      builder.getStringAttr(key.x), builder.getStringAttr(key.w),
      builder.getI64IntegerAttr(key.rows),
      builder.getI64IntegerAttr(key.columns),
      builder.getI64IntegerAttr(key.reduction),
      scheduleAttr(builder.getContext(), rule.schedule),
      builder.getStringAttr(rule.source), builder.getStringAttr(rule.note));
}

/// The rules of a text; null, and the reason, if it is none.
static OwningOpRef<ModuleOp>
parseRules(MLIRContext &context, llvm::StringRef text, std::string &reason) {
  const ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (reason.empty()) {
      auto place = dyn_cast<FileLineColLoc>(diagnostic.getLocation());
      reason = (place ? "line " + std::to_string(place.getLine()) + ": " : "") +
               diagnostic.str();
    }
    return success();
  });
  return lp::parseModule(text, &context);
}

static bool isRanked(lp::TunedOp rule) {
  return rule.getSource().value_or("") == "mca";
}

Result<std::string> lpgen::mergeRules(llvm::StringRef oldText,
                                      llvm::ArrayRef<TunedRule> rules,
                                      llvm::StringRef cpu) {
  MLIRContext context;
  context.loadDialect<lp::LpDialect>();
  std::string reason;
  OwningOpRef<ModuleOp> module = parseRules(context, oldText, reason);
  if (!module) {
    return Status::error("no file of tuned rules: " + reason);
  }
  std::map<TunedKey, lp::TunedOp> merged;
  module->walk([&](lp::TunedOp rule) { merged[keyOf(rule)] = rule; });
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  for (const TunedRule &rule : rules) {
    lp::TunedOp &place = merged[rule.key];
    if (!place || isRanked(place) || rule.source != "mca") {
      place = createRule(builder, rule);
    }
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "// Tuned schedules for " << cpu
     << ". `lpgen tune` merges its rules into this file and\n"
        "// keeps no other comments; docs/reference/schedules.md says how "
        "rules are found.\n";
  for (const auto &[key, rule] : merged) {
    rule->print(os);
    os << "\n";
  }
  return text;
}
