// A small RGB canvas: rectangles, captions, PNG. The last step of the demo
// draws on it.
#include "examples/demo/Picture.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <png.h>

using namespace lpgen;
using namespace lpgen::demo;

namespace {

/// Five columns of seven dots, the top one in the lowest bit.
struct Glyph {
  char character;
  std::array<uint8_t, 5> columns;
};

constexpr Glyph font[] = {
    {',', {0x00, 0x50, 0x30, 0x00, 0x00}},
    {'+', {0x08, 0x08, 0x3e, 0x08, 0x08}},
    {'-', {0x08, 0x08, 0x08, 0x08, 0x08}},
    {'.', {0x00, 0x60, 0x60, 0x00, 0x00}},
    {'/', {0x20, 0x10, 0x08, 0x04, 0x02}},
    {':', {0x00, 0x36, 0x36, 0x00, 0x00}},
    {'0', {0x3e, 0x51, 0x49, 0x45, 0x3e}},
    {'1', {0x00, 0x42, 0x7f, 0x40, 0x00}},
    {'2', {0x42, 0x61, 0x51, 0x49, 0x46}},
    {'3', {0x21, 0x41, 0x45, 0x4b, 0x31}},
    {'4', {0x18, 0x14, 0x12, 0x7f, 0x10}},
    {'5', {0x27, 0x45, 0x45, 0x45, 0x39}},
    {'6', {0x3c, 0x4a, 0x49, 0x49, 0x30}},
    {'7', {0x01, 0x71, 0x09, 0x05, 0x03}},
    {'8', {0x36, 0x49, 0x49, 0x49, 0x36}},
    {'9', {0x06, 0x49, 0x49, 0x29, 0x1e}},
    {'A', {0x7e, 0x11, 0x11, 0x11, 0x7e}},
    {'B', {0x7f, 0x49, 0x49, 0x49, 0x36}},
    {'C', {0x3e, 0x41, 0x41, 0x41, 0x22}},
    {'D', {0x7f, 0x41, 0x41, 0x22, 0x1c}},
    {'E', {0x7f, 0x49, 0x49, 0x49, 0x41}},
    {'F', {0x7f, 0x09, 0x09, 0x09, 0x01}},
    {'G', {0x3e, 0x41, 0x49, 0x49, 0x7a}},
    {'H', {0x7f, 0x08, 0x08, 0x08, 0x7f}},
    {'I', {0x00, 0x41, 0x7f, 0x41, 0x00}},
    {'J', {0x20, 0x40, 0x41, 0x3f, 0x01}},
    {'K', {0x7f, 0x08, 0x14, 0x22, 0x41}},
    {'L', {0x7f, 0x40, 0x40, 0x40, 0x40}},
    {'M', {0x7f, 0x02, 0x0c, 0x02, 0x7f}},
    {'N', {0x7f, 0x04, 0x08, 0x10, 0x7f}},
    {'O', {0x3e, 0x41, 0x41, 0x41, 0x3e}},
    {'P', {0x7f, 0x09, 0x09, 0x09, 0x06}},
    {'Q', {0x3e, 0x41, 0x51, 0x21, 0x5e}},
    {'R', {0x7f, 0x09, 0x19, 0x29, 0x46}},
    {'S', {0x46, 0x49, 0x49, 0x49, 0x31}},
    {'T', {0x01, 0x01, 0x7f, 0x01, 0x01}},
    {'U', {0x3f, 0x40, 0x40, 0x40, 0x3f}},
    {'V', {0x1f, 0x20, 0x40, 0x20, 0x1f}},
    {'W', {0x3f, 0x40, 0x38, 0x40, 0x3f}},
    {'X', {0x63, 0x14, 0x08, 0x14, 0x63}},
    {'Y', {0x07, 0x08, 0x70, 0x08, 0x07}},
    {'Z', {0x61, 0x51, 0x49, 0x45, 0x43}},
};

uint8_t blend(int from, int to, double part) {
  return uint8_t(std::lround(from + (to - from) * part));
}

} // namespace

Colour demo::divergingColour(double value) {
  struct Stop {
    double at;
    Colour colour;
  };
  constexpr std::array<Stop, 5> stops = {{{-1.0, {158, 212, 255}},
                                          {-0.5, {40, 112, 196}},
                                          {0.0, {24, 26, 32}},
                                          {0.5, {208, 92, 30}},
                                          {1.0, {255, 222, 140}}}};
  value = std::clamp(value, -1.0, 1.0);
  size_t right = 1;
  while (right + 1 < stops.size() && value > stops[right].at) {
    ++right;
  }
  const Stop &low = stops[right - 1];
  const Stop &high = stops[right];
  const double part = (value - low.at) / (high.at - low.at);
  return {blend(low.colour.red, high.colour.red, part),
          blend(low.colour.green, high.colour.green, part),
          blend(low.colour.blue, high.colour.blue, part)};
}

Picture::Picture(int64_t width, int64_t height, Colour background)
    : columns(width), rows(height), pixels(size_t(3 * width * height)) {
  fill(0, 0, width, height, background);
}

void Picture::fill(int64_t x, int64_t y, int64_t width, int64_t height,
                   Colour colour) {
  const int64_t right = std::min(x + width, columns);
  const int64_t bottom = std::min(y + height, rows);
  for (int64_t row = std::max<int64_t>(y, 0); row < bottom; ++row) {
    for (int64_t column = std::max<int64_t>(x, 0); column < right; ++column) {
      uint8_t *pixel = pixels.data() + 3 * (row * columns + column);
      pixel[0] = colour.red;
      pixel[1] = colour.green;
      pixel[2] = colour.blue;
    }
  }
}

void Picture::caption(int64_t x, int64_t y, int64_t dot, std::string_view text,
                      Colour colour) {
  for (char character : text) {
    for (const Glyph &glyph : font) {
      if (glyph.character != character) {
        continue;
      }
      for (int64_t column = 0; column < 5; ++column) {
        for (int64_t row = 0; row < 7; ++row) {
          if ((glyph.columns[size_t(column)] >> row & 1) != 0) {
            fill(x + column * dot, y + row * dot, dot, dot, colour);
          }
        }
      }
    }
    x += 6 * dot;
  }
}

int64_t Picture::captionWidth(std::string_view text, int64_t dot) {
  return text.empty() ? 0 : int64_t(text.size()) * 6 * dot - dot;
}

Status Picture::writePng(const std::string &path) const {
  const std::string temporary = path + ".part";
  png_image image;
  std::memset(&image, 0, sizeof(image));
  image.version = PNG_IMAGE_VERSION;
  image.width = png_uint_32(columns);
  image.height = png_uint_32(rows);
  image.format = PNG_FORMAT_RGB;
  std::error_code code;
  if (png_image_write_to_file(&image, temporary.c_str(), 0, pixels.data(), 0,
                              nullptr) == 0) {
    std::string reason = image.message;
    std::filesystem::remove(temporary, code);
    return Status::error(path + ": cannot be written (" + reason +
                         "); remedy: check the folder and the free space");
  }
  std::filesystem::rename(temporary, path, code);
  if (code) {
    std::string reason = code.message();
    std::filesystem::remove(temporary, code);
    return Status::error(path + ": cannot be written (" + reason +
                         "); remedy: check the folder");
  }
  return Status::success();
}
