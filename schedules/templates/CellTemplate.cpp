// The candidates of a template, cell by cell. See CellTemplate.h.
#include "schedules/templates/CellTemplate.h"

using namespace lpgen;

std::vector<Candidate> CellTemplate::candidates(lp::ContractOp contract,
                                                const Machine &machine,
                                                const ScheduleRequest &request,
                                                std::string &whyNot) const {
  std::vector<Candidate> found;
  bool anyCell = false;
  for (const Cell *cell : machine.target.cells()) {
    const CellFacts &facts = cell->facts();
    if (!takes(facts) ||
        (!request.cell.empty() && request.cell != facts.name)) {
      continue;
    }
    anyCell = true;
    std::string reason;
    addTiles(contract, *cell, machine, request, found, reason);
    if (!reason.empty()) {
      whyNot += (whyNot.empty() ? "" : "; ") + ("cell " + facts.name).str() +
                ": " + reason;
    }
  }
  if (!anyCell) {
    whyNot = "target " + machine.target.desc().name + " has no such cell";
  }
  return found;
}
