// The one place that chooses schedules. See Schedules.h.
#include "base/system/NearestName.h"
#include "ir/analysis/LaneForm.h"
#include "ir/dialect/ScheduleLimits.h"
#include "schedules/Schedules.h"
#include "schedules/Tuned.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace lpgen;

llvm::ArrayRef<const Template *> lpgen::allTemplates() {
  static const Template *const list[] = {&widenTemplate(), &lutTemplate(),
                                         &bitserialTemplate(), &lanesTemplate(),
                                         &directTemplate()};
  return list;
}

static const Template *findTemplate(llvm::StringRef name) {
  for (const Template *t : allTemplates()) {
    if (t->name() == name) {
      return t;
    }
  }
  return nullptr;
}

std::string lpgen::scheduleText(lp::ScheduleAttr schedule) {
  if (schedule.getCell().empty()) {
    return schedule.getTemplateName().str();
  }
  const std::string prefetch =
      schedule.getPrefetch()
          ? ",prefetch=" + std::to_string(*schedule.getPrefetch())
          : "";
  return llvm::formatv("{0}<cell={1},tile=[{2},{3}],unroll={4},block={5}{6}>",
                       schedule.getTemplateName(), schedule.getCell(),
                       schedule.getTileRows(), schedule.getTileVectors(),
                       schedule.getUnroll(), schedule.getBlock(), prefetch);
}

/// `key=value` fields, values perhaps in brackets.
static bool parseField(llvm::StringRef field, ScheduleRequest &request) {
  auto [key, value] = field.split('=');
  key = key.trim();
  value = value.trim();
  auto number = [](llvm::StringRef text, std::optional<int64_t> &to,
                   int64_t least = 1) {
    int64_t parsed = 0;
    if (text.trim().getAsInteger(10, parsed) || parsed < least) {
      return false;
    }
    to = parsed;
    return true;
  };
  if (key == "cell") {
    request.cell = value.str();
    return !value.empty();
  }
  if (key == "tile") {
    if (!value.consume_front("[") || !value.consume_back("]")) {
      return false;
    }
    auto [rows, vectors] = value.split(',');
    return number(rows, request.rows) && number(vectors, request.vectors);
  }
  if (key == "unroll") {
    return number(value, request.unroll);
  }
  if (key == "prefetch") {
    return number(value, request.prefetch, 0) &&
           *request.prefetch <= lp::kMostPrefetch;
  }
  return key == "block" && number(value, request.block);
}

std::optional<ScheduleRequest>
lpgen::parseScheduleRequest(llvm::StringRef text, std::string &message) {
  ScheduleRequest request;
  if (text == kSmallestSchedule) {
    request.isSmallest = true;
    return request;
  }
  auto [name, rest] = text.split('<');
  request.templateName = name.trim().str();
  if (!findTemplate(request.templateName)) {
    std::vector<std::string> known = {kSmallestSchedule.str()};
    for (const Template *t : allTemplates()) {
      known.push_back(t->name().str());
    }
    message = "unknown schedule template " +
              quoteWithNearest(request.templateName, known);
    return std::nullopt;
  }
  bool hasFields = text.contains('<');
  if (hasFields && !rest.consume_back(">")) {
    message = "schedule '" + text.str() + "' lacks the closing '>'";
    return std::nullopt;
  }
  // Commas separate fields except within brackets.
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; hasFields && i <= rest.size(); ++i) {
    if (i < rest.size() && rest[i] == '[') {
      ++depth;
    } else if (i < rest.size() && rest[i] == ']') {
      --depth;
    }
    if (i == rest.size() || (rest[i] == ',' && depth == 0)) {
      llvm::StringRef field = rest.slice(begin, i);
      if (!parseField(field, request)) {
        message = "malformed schedule field '" + field.str() +
                  "'; expected cell=NAME, tile=[ROWS,VECTORS], unroll=N, "
                  "block=N or prefetch=BYTES";
        return std::nullopt;
      }
      begin = i + 1;
    }
  }
  std::string fault = lp::faultOfSchedule(
      request.rows.value_or(1), request.vectors.value_or(1),
      request.unroll.value_or(1), request.block.value_or(1));
  if (!fault.empty()) {
    message = "schedule '" + text.str() + "': " + fault;
    return std::nullopt;
  }
  return request;
}

std::vector<Candidate> lpgen::rankedCandidates(lp::ContractOp contract,
                                               const Machine &machine) {
  const auto cheaper = [](const Candidate &l, const Candidate &r) {
    return l.cyclesPerMac < r.cyclesPerMac;
  };
  std::vector<Candidate> all;
  for (const Template *t : allTemplates()) {
    std::string whyNot;
    for (const Candidate &candidate :
         t->candidates(contract, machine, {}, whyNot)) {
      all.insert(llvm::upper_bound(all, candidate, cheaper), candidate);
    }
  }
  return all;
}

/// Why no cell of the target has a packed form for `contract`.
static std::string whyNotPacked(lp::ContractOp contract,
                                const Machine &machine) {
  std::string reason;
  for (const Cell *cell : machine.target.cells()) {
    planPackedForm(contract, *cell, 1, reason);
  }
  return reason;
}

/// The cheapest candidate of all templates, and the runner-up in the reason.
static Candidate cheapest(lp::ContractOp contract, const Machine &machine,
                          std::string &reason) {
  std::vector<Candidate> all = rankedCandidates(contract, machine);
  const Candidate &best = all.front();
  reason = llvm::formatv("cost model: {0:f2} MAC/cycle expected",
                         1.0 / best.cyclesPerMac);
  if (all.size() == 1) {
    reason += ", there is no packed layout: " + whyNotPacked(contract, machine);
  }
  const auto next = llvm::find_if(all, [&](const Candidate &other) {
    return other.schedule.getCell() != best.schedule.getCell();
  });
  if (next != all.end()) {
    reason +=
        llvm::formatv(", next {0} with {1:f2}", scheduleText(next->schedule),
                      1.0 / next->cyclesPerMac);
  }
  return best;
}

/// Bytes of w as `schedule` reads it.
static int64_t weightBytes(lp::ContractOp contract, lp::ScheduleAttr schedule) {
  std::string whyNot;
  const int64_t vectors = schedule.getTileVectors();
  const Cell *cell = findCell(contract, schedule.getCell());
  if (cell && schedule.getTemplateName() == kLanesTemplate) {
    return planLaneForm(contract, *cell, vectors, whyNot)
        ->unfolded.geometry.wBytes;
  }
  if (cell) {
    return planPackedForm(contract, *cell, vectors, whyNot)->geometry.wBytes;
  }
  const mlir::Type storage = lp::getStorageType(contract.getWElement());
  return ShapedType::getNumElements(ContractShape::of(contract).wShape) *
         storage.getIntOrFloatBitWidth() / 8;
}

/// The cheapest of the candidates whose w is within 1/32 of the least bytes.
static Candidate smallest(lp::ContractOp contract, const Machine &machine,
                          std::string &reason) {
  std::vector<Candidate> all = rankedCandidates(contract, machine);
  const auto bytes = llvm::map_to_vector(all, [&](const Candidate &candidate) {
    return weightBytes(contract, candidate.schedule);
  });
  const int64_t least = *llvm::min_element(bytes);
  const auto *const found = llvm::find_if(
      bytes, [&](int64_t of) { return of <= least + least / 32; });
  const Candidate &best = all[size_t(found - bytes.begin())];
  reason = llvm::formatv("smallest weights: {0} bytes, {1:f2} MAC/cycle "
                         "expected",
                         *found, 1.0 / best.cyclesPerMac);
  return best;
}

lp::ScheduleAttr lpgen::applicableSchedule(lp::ContractOp contract,
                                           const Machine &machine,
                                           const ScheduleRequest &request,
                                           std::string &whyNot) {
  const Template *found = findTemplate(request.templateName);
  if (!found) {
    whyNot = "there is no such template";
    return {};
  }
  std::vector<Candidate> fits =
      found->candidates(contract, machine, request, whyNot);
  if (fits.empty()) {
    return {};
  }
  return llvm::min_element(fits,
                           [](const Candidate &l, const Candidate &r) {
                             return l.cyclesPerMac < r.cyclesPerMac;
                           })
      ->schedule;
}

ScheduleRequest lpgen::requestFor(lp::ScheduleAttr schedule) {
  return {schedule.getTemplateName().str(),
          schedule.getCell().str(),
          schedule.getTileRows(),
          schedule.getTileVectors(),
          schedule.getUnroll(),
          schedule.getBlock(),
          schedule.getPrefetch(),
          /*isSmallest=*/false};
}

static LogicalResult applyRequest(lp::ContractOp contract,
                                  const Machine &machine,
                                  const ScheduleRequest &request) {
  std::string whyNot;
  if (request.isSmallest) {
    contract.setScheduleAttr(smallest(contract, machine, whyNot).schedule);
    contract.setChoice(whyNot);
    return success();
  }
  const lp::ScheduleAttr schedule =
      applicableSchedule(contract, machine, request, whyNot);
  if (!schedule) {
    return contract.emitError("schedule '")
           << request.templateName << "' cannot be applied: " << whyNot;
  }
  contract.setScheduleAttr(schedule);
  contract.setChoice("--schedule");
  return success();
}

/// The first list of rules with one for `contract` decides; null if none has.
static lp::ScheduleAttr chooseByRules(lp::ContractOp contract,
                                      const Machine &machine,
                                      llvm::ArrayRef<TunedRules> tuned,
                                      std::string &reason) {
  for (const TunedRules &rules : tuned) {
    if (auto schedule = findTuned(contract, machine, rules, reason)) {
      return schedule;
    }
  }
  return {};
}

LogicalResult
lpgen::selectSchedules(lp::KernelOp kernel, const Machine &machine,
                       const std::optional<ScheduleRequest> &request,
                       llvm::ArrayRef<TunedRules> tuned) {
  bool hasContractions = false;
  auto result = kernel.walk([&](lp::ContractOp contract) -> WalkResult {
    hasContractions = true;
    if (contract.getSchedule()) {
      contract.setChoice("attribute on the op");
      return success();
    }
    if (request) {
      return applyRequest(contract, machine, *request);
    }
    std::string reason;
    if (auto rule = chooseByRules(contract, machine, tuned, reason)) {
      contract.setScheduleAttr(rule);
    } else {
      contract.setScheduleAttr(cheapest(contract, machine, reason).schedule);
    }
    contract.setChoice(reason);
    return success();
  });
  if (request && !request->isSmallest && !hasContractions &&
      request->templateName != "direct") {
    return kernel.emitError("schedule '")
           << request->templateName
           << "' cannot be applied: the operator has no contraction";
  }
  return failure(result.wasInterrupted());
}
