// A small RGB canvas: rectangles, captions, PNG. The last step of the demo
// draws on it.
#ifndef LPGEN_EXAMPLES_DEMO_PICTURE_H
#define LPGEN_EXAMPLES_DEMO_PICTURE_H

#include "base/system/Status.h"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lpgen::demo {

struct Colour {
  uint8_t red = 0;
  uint8_t green = 0;
  uint8_t blue = 0;
};

/// The colour of `value` in [-1, 1]: blue below zero, the dark of the
/// background at zero, orange above.
Colour divergingColour(double value);

class Picture {
public:
  Picture(int64_t width, int64_t height, Colour background);

  int64_t width() const { return columns; }
  int64_t height() const { return rows; }
  /// The part of the rectangle that lies inside the picture.
  void fill(int64_t x, int64_t y, int64_t width, int64_t height, Colour colour);
  /// Capitals, digits and + , - . / : of 5x7 dots, each `dot` pixels wide; the
  /// upper left corner is (x, y).
  void caption(int64_t x, int64_t y, int64_t dot, std::string_view text,
               Colour colour);
  /// Pixels that `caption` covers from left to right.
  static int64_t captionWidth(std::string_view text, int64_t dot);
  /// Writes under a temporary name first, so the file is whole or not there.
  Status writePng(const std::string &path) const;

private:
  int64_t columns;
  int64_t rows;
  std::vector<uint8_t> pixels; ///< Red, green, blue, row by row.
};

} // namespace lpgen::demo

#endif // LPGEN_EXAMPLES_DEMO_PICTURE_H
