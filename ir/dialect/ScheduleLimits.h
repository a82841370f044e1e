// The limits of a schedule's numbers, of attributes and of what users ask for.
#ifndef LPGEN_IR_DIALECT_SCHEDULELIMITS_H
#define LPGEN_IR_DIALECT_SCHEDULELIMITS_H

#include <cstdint>
#include <string>

namespace lpgen::lp {

/// What is wrong with the numbers of a schedule; empty if they are positive and
/// not beyond what any core has registers, or any operator tiles, for.
std::string faultOfSchedule(int64_t rows, int64_t vectors, int64_t unroll,
                            int64_t block);

} // namespace lpgen::lp

#endif // LPGEN_IR_DIALECT_SCHEDULELIMITS_H
