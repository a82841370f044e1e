// What the templates share whose cells work on the packed GEMM form: every cell
// and register tile that the register file allows is a candidate. They differ
// in how elements are stored, which the cells say, and in what a schedule has
// that nobody asked for.
#ifndef LPGEN_SCHEDULES_TEMPLATES_PACKED_H
#define LPGEN_SCHEDULES_TEMPLATES_PACKED_H

#include "schedules/templates/CellTemplate.h"

namespace lpgen {

class PackedTemplate : public CellTemplate {
protected:
  /// A register tile of a cell.
  struct Tile {
    const PackedForm &form;
    const Cell &cell;
    int64_t rows;
    int64_t vectors;
  };
  /// Steps of a trip of the innermost loop.
  virtual int64_t unrollOf(const Tile &tile, const Machine &machine) const;
  /// How far ahead w is fetched: tiles of one row stream it.
  virtual int64_t prefetchOf(const Tile &tile, const Machine &machine) const;

private:
  bool takes(const CellFacts &facts) const override {
    return facts.templateName == name();
  }
  void addTiles(lp::ContractOp contract, const Cell &cell,
                const Machine &machine, const ScheduleRequest &request,
                std::vector<Candidate> &found,
                std::string &reason) const override;
  Candidate complete(const Tile &tile, lp::ContractOp contract,
                     const Machine &machine,
                     const ScheduleRequest &request) const;
};

/// Templates of planes of digits.
class PlanesTemplate : public PackedTemplate {
protected:
  /// Short strips of small tiles with several planes of w have no loop where
  /// that pays.
  int64_t unrollOf(const Tile &tile, const Machine &machine) const override;
};

} // namespace lpgen

#endif // LPGEN_SCHEDULES_TEMPLATES_PACKED_H
