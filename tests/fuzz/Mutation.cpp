// See Mutation.h.
#include "tests/fuzz/Mutation.h"
#include "llvm/ADT/StringExtras.h"

using llvm::StringRef;

namespace lpgen::fuzz {

uint64_t Random::next() {
  state += 0x9e3779b97f4a7c15;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

namespace {

struct Span {
  size_t begin = 0;
  size_t size = 0;
};

bool isWord(char c) { return llvm::isAlnum(c) || c == '_' || c == '.'; }

/// Words, numbers, and characters that are neither.
std::vector<Span> tokensOf(StringRef text) {
  std::vector<Span> tokens;
  for (size_t i = 0; i < text.size();) {
    size_t size = 1;
    if (isWord(text[i])) {
      size = text.drop_front(i).take_while(isWord).size();
    }
    if (!llvm::isSpace(text[i])) {
      tokens.push_back({i, size});
    }
    i += size;
  }
  return tokens;
}

std::vector<Span> numbersOf(StringRef text) {
  std::vector<Span> numbers;
  for (size_t i = 0; i < text.size();) {
    size_t size = text.drop_front(i)
                      .take_while([](char c) { return llvm::isDigit(c); })
                      .size();
    if (size > 0) {
      numbers.push_back({i, size});
    }
    i += size + 1;
  }
  return numbers;
}

std::vector<Span> linesOf(StringRef text) {
  std::vector<Span> lines;
  for (size_t i = 0; i < text.size();) {
    size_t size = std::min(text.find('\n', i), text.size() - 1) + 1 - i;
    lines.push_back({i, size});
    i += size;
  }
  return lines;
}

/// `name = value` in attribute lists, with the comma behind it.
std::vector<Span> attributesOf(StringRef text) {
  std::vector<Span> attributes;
  for (size_t at = text.find(" = "); at != StringRef::npos;
       at = text.find(" = ", at + 1)) {
    size_t begin = at;
    while (begin > 0 && isWord(text[begin - 1])) {
      --begin;
    }
    size_t end = at + 3;
    int depth = 0;
    while (end < text.size() && text[end] != '\n') {
      depth += StringRef("<[({").contains(text[end]);
      if (StringRef(">])}").contains(text[end]) && --depth < 0) {
        break;
      }
      if (text[end] == ',' && depth == 0) {
        end += 1;
        break;
      }
      ++end;
    }
    if (begin < at) {
      attributes.push_back({begin, end - begin});
    }
  }
  return attributes;
}

StringRef at(StringRef text, Span span) {
  return text.substr(span.begin, span.size);
}

/// A span of `spans` by chance; an empty one if there are none.
Span pick(const std::vector<Span> &spans, Random &random) {
  return spans.empty() ? Span() : spans[random.below(spans.size())];
}

std::string otherNumber(StringRef number, StringRef text, Random &random) {
  static constexpr const char *extremes[] = {"0",
                                             "-1",
                                             "255",
                                             "65536",
                                             "2147483648",
                                             "4294967295",
                                             "1000000000",
                                             "4611686018427387904",
                                             "9223372036854775807",
                                             "-9223372036854775808"};
  uint64_t value = 0;
  number.getAsInteger(10, value);
  switch (random.below(8)) {
  case 0:
    return std::to_string(value + 1);
  case 1:
    return std::to_string(value - 1);
  case 2:
    return std::to_string(value * 2);
  case 3:
    return std::to_string(value / 2);
  case 4:
    return "-" + number.str();
  case 5:
    return std::to_string(random.below(200));
  case 6:
    return at(text, pick(numbersOf(text), random)).str();
  default:
    return extremes[random.below(std::size(extremes))];
  }
}

void mutateOnce(std::string &text, StringRef other, Random &random) {
  const auto replace = [&](Span span, StringRef by) {
    text.replace(span.begin, span.size, by.str());
  };
  switch (random.below(16)) {
  case 0:
  case 1:
  case 2:
  case 3:
  case 4: {
    Span number = pick(numbersOf(text), random);
    replace(number, otherNumber(at(text, number), text, random));
    return;
  }
  case 5:
  case 6: {
    Span token = pick(tokensOf(text), random);
    replace(token, at(text, pick(tokensOf(text), random)).str());
    return;
  }
  case 7:
    replace(pick(tokensOf(text), random), "");
    return;
  case 8:
  case 9:
    replace(pick(attributesOf(text), random), "");
    return;
  case 10:
    replace(pick(linesOf(text), random), "");
    return;
  case 11: { // a line doubled, elsewhere
    const std::string line = at(text, pick(linesOf(text), random)).str();
    replace({pick(linesOf(text), random).begin, 0}, line);
    return;
  }
  case 12: { // two lines swapped
    Span first = pick(linesOf(text), random);
    Span second = pick(linesOf(text), random);
    if (first.begin + first.size <= second.begin) {
      const std::string moved = at(text, first).str();
      const std::string earlier = at(text, second).str();
      replace(second, moved);
      replace(first, earlier);
    }
    return;
  }
  case 13:
    replace(pick(linesOf(text), random),
            at(other, pick(linesOf(other), random)));
    return;
  case 14:
    if (!text.empty()) {
      text[random.below(text.size())] ^=
          static_cast<char>(1U << random.below(8));
    }
    return;
  default:
    text.resize(random.below(8) == 0 ? 0 : random.below(text.size() + 1));
    return;
  }
}

} // namespace

std::string mutate(StringRef text, StringRef other, Random &random) {
  std::string result = text.str();
  do {
    mutateOnce(result, other, random);
  } while (random.below(4) == 0);
  return result;
}

} // namespace lpgen::fuzz
