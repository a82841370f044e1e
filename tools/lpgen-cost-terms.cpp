// lpgen-cost-terms STORE: what the cost model counts of every schedule in a
// store of measurements, a line of JSON each, for bench/cost/fit. Run in the
// root of the sources. Not installed.
#include "targets/Target.h"
#include "workbench/tune/Measured.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace lpgen;

static void print(const MeasuredCase &measured,
                  const CountedSchedule &schedule) {
  llvm::json::Object terms;
#define COST_TERM(name, text) terms[#name] = schedule.terms.name;
#include "targets/cpus/CostTerms.def"
#undef COST_TERM
  llvm::outs() << llvm::json::Value(llvm::json::Object{
                      {"case", measured.name()},
                      {"bits", findTarget(measured.target)->desc().vectorBits},
                      {"schedule", schedule.schedule},
                      {"cell", schedule.cell},
                      {"measured", schedule.measured},
                      {"predicted", schedule.predicted},
                      {"candidate", schedule.isCandidate},
                      {"terms", std::move(terms)}})
               << "\n";
}

int main(int argc, char **argv) {
  if (argc != 2) {
    llvm::errs() << "usage: lpgen-cost-terms schedules/measured/CPU.jsonl\n";
    return 2;
  }
  const auto fail = [](const std::string &message) {
    llvm::errs() << "lpgen-cost-terms: error: " << message << "\n";
    return 1;
  };
  const std::string cpu = llvm::sys::path::stem(argv[1]).str();
  const Result<std::vector<MeasuredCase>> cases = readMeasured(argv[1]);
  if (!cases.ok()) {
    return fail(cases.message());
  }
  for (const MeasuredCase &measured : *cases) {
    const auto counted = countMeasured(measured, ".", cpu);
    if (!counted.ok()) {
      return fail(counted.message());
    }
    for (const CountedSchedule &schedule : *counted) {
      print(measured, schedule);
    }
  }
  return 0;
}
