// .npy files: round trips, files as NumPy writes them, hostile headers, and
// failed writes.
#include "base/tensor/Npy.h"
#include "base/tensor/NpyHeader.h"
#include "tests/TemporaryFolder.h"
#include "tests/unit/TestTypes.h"
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/resource.h>

using namespace lpgen;
namespace fs = std::filesystem;

namespace {

/// Each test has an empty folder of its own.
class Npy : public testing::Test {
protected:
  std::string pathOf(const std::string &name) const {
    return (folder / name).string();
  }
  /// Writes a version 1 file from a header and the bytes after it.
  std::string file(const std::string &header, const std::string &bytes) {
    const std::string path = pathOf("x.npy");
    std::ofstream out(path, std::ios::binary);
    out << "\x93NUMPY" << '\1' << '\0' << char(header.size() & 0xff)
        << char(header.size() >> 8) << header << bytes;
    return path;
  }
  std::string raw(const std::string &bytes) {
    const std::string path = pathOf("x.npy");
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  static std::string dictionary(const std::string &descr,
                                const std::string &shape,
                                const std::string &fortran = "False") {
    return "{'descr': '" + descr + "', 'fortran_order': " + fortran +
           ", 'shape': " + shape + ", }\n";
  }
  size_t numFiles() const {
    return size_t(std::distance(fs::directory_iterator(folder),
                                fs::directory_iterator()));
  }

  const TemporaryFolder own;
  const fs::path folder = own.path();
};

TEST_F(Npy, roundTripsEveryStorageType) {
  for (ElementType type :
       {u2, s8, b1, ElementType{Encoding::Bipolar, 8},
        ElementType{Encoding::Unsigned, 16}, ElementType{Encoding::Ternary, 2},
        ElementType{Encoding::Unsigned, 32}, i32,
        ElementType{Encoding::Signed, 64}}) {
    HostTensor tensor(type, {2, 1, 3});
    for (int64_t i = 0; i < 6; ++i) {
      tensor.setInt(i, i % 2 == 0 ? type.minValue() : type.maxValue());
    }
    const std::string path = pathOf(type.str());
    ASSERT_TRUE(writeNpy(path, tensor).ok());
    const auto back = readNpyTensor(path, type, tensor.shape());
    ASSERT_TRUE(back.ok()) << back.message();
    for (int64_t i = 0; i < 6; ++i) {
      EXPECT_EQ(back->getInt(i), tensor.getInt(i)) << type.str();
    }
  }
}

TEST_F(Npy, roundTripsScalarsEmptyTensorsAndFloats) {
  HostTensor scalar(f32, {});
  scalar.setFloat(0, -0.1f);
  ASSERT_TRUE(writeNpy(pathOf("a"), scalar).ok());
  const auto back = readNpyTensor(pathOf("a"), f32, std::vector<int64_t>{});
  ASSERT_TRUE(back.ok()) << back.message();
  EXPECT_EQ(back->getFloat(0), -0.1f);

  ASSERT_TRUE(writeNpy(pathOf("a"), HostTensor(i32, {0, 4})).ok());
  const auto empty = readNpyTensor(pathOf("a"), i32);
  ASSERT_TRUE(empty.ok()) << empty.message();
  EXPECT_EQ(empty->shape(), (std::vector<int64_t>{0, 4}));
  EXPECT_EQ(numFiles(), 1u) << "no temporary file stays behind";
}

TEST_F(Npy, roundTripsFloatsOf16Bits) {
  for (ElementType type :
       {ElementType{Encoding::Float, 16}, ElementType{Encoding::Brain, 16}}) {
    HostTensor tensor(type, {3});
    tensor.setFloat(0, -0.0f);
    tensor.setFloat(1, 1.0f / 3);
    tensor.setFloat(2, 1e30f);
    const std::string path = pathOf(type.str());
    ASSERT_TRUE(writeNpy(path, tensor).ok());
    const auto array = readNpy(path);
    ASSERT_TRUE(array.ok()) << array.message();
    EXPECT_EQ(array->type, type.encoding == Encoding::Brain ? NpyType::UInt16
                                                            : NpyType::Float16);
    const auto back = readNpyTensor(path, type, tensor.shape());
    ASSERT_TRUE(back.ok()) << back.message();
    EXPECT_EQ(npyElements(*back), npyElements(tensor));
  }
}

TEST_F(Npy, elementsStartAtAMultipleOf64) {
  ASSERT_TRUE(writeNpy(pathOf("a"), HostTensor(i32, {7})).ok());
  EXPECT_EQ(fs::file_size(pathOf("a")) % 64, 28u);
}

TEST_F(Npy, readsAllVersionsAndOtherSpellings) {
  const std::string text =
      "{\"shape\":(2,),\"descr\":\"=i2\",\"fortran_order\":True}";
  for (char version : {'\2', '\3'}) {
    std::string bytes = "\x93NUMPY";
    bytes += version;
    bytes += std::string("\0", 1) + char(text.size()) + std::string(3, '\0');
    const auto array =
        readNpy(raw(bytes + text + std::string("\1\0\xff\xff", 4)));
    ASSERT_TRUE(array.ok()) << array.message();
    EXPECT_EQ(array->type, NpyType::Int16);
    EXPECT_EQ(array->elements.getInt(0), 1);
    EXPECT_EQ(array->elements.getInt(1), -1);
  }
  EXPECT_TRUE(readNpy(file(dictionary("<u1", "()"), "a")).ok());
}

TEST_F(Npy, namesExpectedAndFoundTypeShapeAndValue) {
  const std::string path =
      file(dictionary("<i4", "(2,)"), std::string(8, '\0'));
  EXPECT_EQ(readNpyTensor(path, u2).message(),
            "'" + path +
                "' holds int32, expected uint8 for elements of u2; save "
                "array.astype(numpy.uint8)");
  EXPECT_EQ(readNpyTensor(path, i32, std::vector<int64_t>{2, 1}).message(),
            "'" + path + "' has the shape [2], expected [2, 1]");
  file(dictionary("|i1", "(1, 2)"), std::string("\1\0", 2));
  EXPECT_EQ(readNpyTensor(path, b1).message(),
            "'" + path +
                "': element [0, 1] is 0, which b1 cannot hold (odd "
                "values from -1 to 1)");
}

TEST_F(Npy, refusesOtherOrdersAndDtypes) {
  const std::string path =
      file(dictionary("<i4", "(1, 2)", "True"), std::string(8, '\0'));
  EXPECT_EQ(readNpy(path).message(),
            "'" + path +
                "' is in Fortran order, expected C order; save "
                "numpy.ascontiguousarray(array)");
  file(dictionary(">i4", "(2,)"), std::string(8, '\0'));
  EXPECT_EQ(readNpy(path).message(),
            "'" + path +
                "' holds big-endian elements (>i4), expected little "
                "endian; save array.astype('<i4')");
  file(dictionary("<f8", "(1,)"), std::string(8, '\0'));
  EXPECT_EQ(
      readNpy(path).message(),
      "'" + path +
          "' holds elements of dtype '<f8', expected int8, uint8, "
          "int16, uint16, int32, uint32, int64, float16 or float32; convert "
          "with array.astype before saving");
}

TEST_F(Npy, missingFileAndFolder) {
  EXPECT_EQ(readNpy(pathOf("none")).message(),
            "cannot read '" + pathOf("none") + "': no such file or folder");
  EXPECT_EQ(readNpy(folder.string()).message(),
            "cannot read '" + folder.string() + "': it is not a regular file");
  const HostTensor tensor(u2, {1});
  EXPECT_EQ(writeNpy(pathOf("none/x"), tensor).message(),
            "cannot write '" + pathOf("none/x") + "': no such file or folder");
  EXPECT_EQ(writeNpy("/dev/full", tensor).message(),
            "cannot write '/dev/full': the disk is full; make room or write "
            "elsewhere");
  EXPECT_TRUE(writeNpy("/dev/null", tensor).ok());
  EXPECT_FALSE(fs::is_regular_file("/dev/null"));
}

TEST_F(Npy, aFailedWriteLeavesTheOldFileAndNothingElse) {
  HostTensor old(u2, {1});
  old.setInt(0, 3);
  ASSERT_TRUE(writeNpy(pathOf("a"), old).ok());
  // A file size limit stands in for a full disk: the write itself fails.
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 4096;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status status = writeNpy(pathOf("a"), HostTensor(u2, {100000}));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.message(),
            "cannot write '" + pathOf("a") +
                "': the file would exceed the largest allowed "
                "size");
  EXPECT_EQ(numFiles(), 1u);
  EXPECT_EQ(readNpyTensor(pathOf("a"), u2)->getInt(0), 3);
}

TEST_F(Npy, hostileSizesAreErrorsBeforeMemoryIsTaken) {
  const std::string path =
      file(dictionary("<i4", "(4611686018427387904, 4)"), "");
  EXPECT_EQ(readNpy(path).message(),
            "'" + path +
                "' claims the shape [4611686018427387904, 4], more "
                "elements than any file can hold");
  file(dictionary("<i8", "(1152921504606846976,)"), "");
  EXPECT_FALSE(readNpy(path).ok());
  file(dictionary("<i4", "(1099511627776,)"), "abcd");
  EXPECT_EQ(
      readNpy(path).message(),
      "'" + path +
          "' holds 4 bytes of elements, but its shape and dtype "
          "need 4398046511104; it is cut short or damaged, write it again");
  file(dictionary("|u1", "(1,)"), "ab");
  EXPECT_FALSE(readNpy(path).ok()) << "bytes to spare";
}

TEST_F(Npy, brokenFilesAreErrors) {
  const std::string good = dictionary("|u1", "(1,)");
  std::string whole =
      std::string("\x93NUMPY\1\0", 8) + char(good.size()) + '\0' + good + "a";
  for (size_t n = 0; n < whole.size(); ++n) {
    EXPECT_FALSE(readNpy(raw(whole.substr(0, n))).ok()) << n;
  }
  EXPECT_TRUE(readNpy(raw(whole)).ok());
  whole[6] = 4;
  EXPECT_EQ(
      readNpy(raw(whole)).message(),
      "'" + pathOf("x.npy") +
          "' is not a .npy file that can be read: its "
          "format version is 4, expected 1, 2 or 3; write it with numpy.save");
  raw(std::string("\x93NUMPY\2\0\xff\xff\xff\xff", 12));
  EXPECT_EQ(readNpy(pathOf("x.npy")).message(),
            "'" + pathOf("x.npy") +
                "' is not a .npy file that can be read: its "
                "header claims 4294967295 bytes; write it with numpy.save");
}

TEST_F(Npy, everyChangedByteIsReadOrRefused) {
  const std::string good = dictionary("<i2", "(2, 1)");
  const std::string whole = std::string("\x93NUMPY\1\0", 8) +
                            char(good.size()) + '\0' + good + "abcd";
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int value = 0; value < 256; value += 5) {
      std::string changed = whole;
      changed[at] = char(value);
      const auto array = readNpy(raw(changed));
      EXPECT_TRUE(array.ok() ? array->elements.byteSize() == 4
                             : !array.message().empty());
    }
  }
}

TEST(NpyHeader, takesTheThreeKeysInAnyOrder) {
  const auto header = parseNpyHeader(
      " { 'shape' : ( 3 , 4 ) , 'fortran_order':False,\"descr\":'<f4' }  \n");
  ASSERT_TRUE(header.ok()) << header.message();
  EXPECT_EQ(header->descr, "<f4");
  EXPECT_EQ(header->shape, (std::vector<int64_t>{3, 4}));
}

TEST(NpyHeader, refusesEverythingElse) {
  const std::pair<const char *, const char *> cases[] = {
      {"", "it does not begin with '{'"},
      {"{", "a quoted string was expected"},
      {"{'descr", "a string without an end"},
      {"{'descr' '<i4'}", "no ':' after a key"},
      {"{'descr': '<i4'", "no '}' at its end"},
      {"{'descr': '<i4'}", "'descr', 'fortran_order' or 'shape' is missing"},
      {"{'descr': [('a', '<i4')]}",
       "it is a structured array; save one field of it"},
      {"{'descr': '<i4', 'descr': '<i4'}",
       "an unknown or repeated key 'descr'"},
      {"{'x': 1}", "an unknown or repeated key 'x'"},
      {"{'fortran_order': 0}", "'fortran_order' is neither True nor False"},
      {"{'shape': 3}", "'shape' is not a tuple"},
      {"{'shape': (3", "'shape' has no end"},
      {"{'shape': (-3,)}", "'shape' holds something that is no size"},
      {"{'shape': (99999999999999999999,)}",
       "'shape' holds something that is no size"},
      {"{'shape': (1,), 'fortran_order': False, 'descr': '|u1'} x",
       "text after its '}'"},
  };
  for (const auto &[text, problem] : cases) {
    const auto header = parseNpyHeader(text);
    ASSERT_FALSE(header.ok()) << text;
    EXPECT_EQ(header.message(), problem) << text;
  }
  std::string deep = "{'shape': (";
  for (int i = 0; i < 65; ++i) {
    deep += "1,";
  }
  EXPECT_EQ(parseNpyHeader(deep + ")}").message(),
            "'shape' has more than 64 dimensions");
}

} // namespace
