// SPDX-License-Identifier: Apache-2.0
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "icl/base/error.h"
#include "icl/io/pickle.h"
#include "icl/io/zip.h"
#include "tests/support/temp_folder.h"
#include "tests/support/torch_file.h"

namespace icl {
namespace {

using testing::PickleWriter;
using testing::torch_archive;
using testing::write_bytes;
using testing::write_torch_file;

class TorchFile : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() /
            str("icl_torch_file_", ::getpid(), "_",
                ::testing::UnitTest::GetInstance()->current_test_info()->name(), ".bin");
  }
  void TearDown() override { std::filesystem::remove(path_); }

  PickleValue read(const PickleValue& value) {
    write_torch_file(path_, value);
    return read_torch_file(path_);
  }
  // Reads a hand-written pickle; `storages` are its records.
  PickleValue run(const std::string& pickle, const std::vector<std::string>& storages = {}) {
    write_bytes(path_, torch_archive(pickle, storages));
    return read_torch_file(path_);
  }
  std::string refusal(const std::string& pickle, const std::vector<std::string>& storages = {}) {
    try {
      run(pickle, storages);
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  }

  std::filesystem::path path_;
};

// A 1-D float tensor over record "0" as _rebuild_tensor_v2 gets it.
std::string float_tensor(int64_t count, int64_t offset, int64_t size, int64_t stride) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + PickleWriter::text("storage") +
         "ctorch\nFloatStorage\n" + PickleWriter::text("0") + PickleWriter::text("cpu") +
         PickleWriter::integer(count) + "tQ" + PickleWriter::integer(offset) +
         PickleWriter::integer(size) + "\x85" + PickleWriter::integer(stride) + "\x85\x89}tR";
}

const std::string kFourFloats(16, '\0');

TEST_F(TorchFile, ReadsNestedValues) {
  const PickleValue root =
      read(PickleValue::dict({{"step", 7},
                              {"lr", 0.25},
                              {"big", int64_t{1} << 40},
                              {"flags", PickleValue::list({true, false, PickleValue()})},
                              {"pair", PickleValue::tuple({"a", -1})},
                              {"state", PickleValue::dict({{0, at::arange(3, at::kFloat)}})}}));
  EXPECT_EQ(root.at("step").integer(), 7);
  EXPECT_EQ(root.at("lr").number(), 0.25);
  EXPECT_EQ(root.at("big").integer(), int64_t{1} << 40);
  EXPECT_TRUE(root.at("flags").is_list());
  EXPECT_TRUE(root.at("flags").items()[0].flag());
  EXPECT_FALSE(root.at("flags").items()[1].flag());
  EXPECT_TRUE(root.at("flags").items()[2].is_none());
  EXPECT_TRUE(root.at("pair").is_tuple());
  EXPECT_EQ(root.at("pair").items()[0].text(), "a");
  EXPECT_EQ(root.at("pair").items()[1].integer(), -1);
  const auto& [key, tensor] = root.at("state").dict()[0];
  EXPECT_EQ(key.integer(), 0);
  EXPECT_TRUE(tensor.tensor().equal(at::arange(3, at::kFloat)));
  EXPECT_EQ(root.find("nothing"), nullptr);
  EXPECT_THROW(root.at("stepp"), DataError);
  EXPECT_THROW(root.at("step").text(), DataError);
}

TEST_F(TorchFile, KeepsTypesStridesAndSharedStorages) {
  const at::Tensor base = at::arange(12, at::kFloat).view({3, 4});
  const PickleValue root =
      read(PickleValue::dict({{"base", base},
                              {"transposed", base.t()},
                              {"column", base.select(1, 2)},
                              {"half", at::tensor({1.5f, -2.0f}).to(at::kHalf)},
                              {"brain", at::tensor({1.5f, -2.0f}).to(at::kBFloat16)},
                              {"double", at::tensor({0.1}, at::kDouble)},
                              {"long", at::tensor({int64_t{1} << 40}, at::kLong)},
                              {"bool", at::tensor({1, 0}, at::kInt).to(at::kBool)},
                              {"scalar", at::scalar_tensor(3.0)},
                              {"empty", at::empty({0, 5})}}));
  EXPECT_TRUE(root.at("base").tensor().equal(base));
  EXPECT_TRUE(root.at("transposed").tensor().equal(base.t()));
  EXPECT_EQ(root.at("transposed").tensor().stride(0), 1);
  EXPECT_TRUE(root.at("column").tensor().equal(at::tensor({2.0f, 6.0f, 10.0f})));
  for (const char* name : {"half", "brain", "double", "long", "bool", "scalar", "empty"}) {
    SCOPED_TRACE(name);
    EXPECT_TRUE(root.at(name).is_tensor());
  }
  EXPECT_EQ(root.at("half").tensor().scalar_type(), at::kHalf);
  EXPECT_EQ(root.at("brain").tensor().scalar_type(), at::kBFloat16);
  EXPECT_EQ(root.at("brain").tensor()[1].item<double>(), -2.0);
  EXPECT_EQ(root.at("double").tensor().item<double>(), 0.1);
  EXPECT_EQ(root.at("long").tensor().item<int64_t>(), int64_t{1} << 40);
  EXPECT_EQ(root.at("scalar").tensor().dim(), 0);
  EXPECT_EQ(root.at("empty").tensor().size(1), 5);
  // Views of one storage stay views of one storage; the file itself does not change.
  root.at("base").tensor()[1][2] = 60.0;
  EXPECT_EQ(root.at("column").tensor()[1].item<float>(), 60.0f);
  EXPECT_EQ(read_torch_file(path_).at("base").tensor()[1][2].item<float>(), 6.0f);
}

TEST_F(TorchFile, TensorsOutliveTheFile) {
  const at::Tensor tensor = read(PickleValue::dict({{"w", at::ones({1000})}})).at("w").tensor();
  std::filesystem::remove(path_);
  EXPECT_EQ(tensor.sum().item<float>(), 1000.0f);
}

TEST_F(TorchFile, ReadsParametersAndOlderForms) {
  const PickleValue parameter = run(
      "ctorch._utils\n_rebuild_parameter\n(" + float_tensor(4, 1, 3, 1) + "\x88}tR", {kFourFloats});
  EXPECT_EQ(parameter.tensor().sizes(), at::IntArrayRef({3}));
  // Python 2: an OrderedDict called with its pairs; integers and strings in their old forms.
  const PickleValue old =
      run("ccollections\nOrderedDict\n(](](U\x01"
          "aI12\ne](U\x01"
          "bL-3L\neetR");
  EXPECT_EQ(old.at("a").integer(), 12);
  EXPECT_EQ(old.at("b").integer(), -3);
  // Protocol 4: frames, short strings, memoised.
  const PickleValue framed =
      run(std::string("\x95\0\0\0\0\0\0\0\0", 9) + "}\x94(\x8c\x01x\x94K\x05\x8c\x01yh\x01u");
  EXPECT_EQ(framed.at("x").integer(), 5);
  EXPECT_EQ(framed.at("y").text(), "x");
}

TEST_F(TorchFile, ReadsZip64) {
  PickleWriter pickle;
  const std::string program = pickle.value(PickleValue::dict({{"w", at::ones({5})}}));
  write_bytes(path_, torch_archive(program, pickle.storages, /*zip64=*/true));
  EXPECT_TRUE(read_torch_file(path_).at("w").tensor().equal(at::ones({5})));
}

TEST_F(TorchFile, RefusesOtherGlobals) {
  EXPECT_THAT(refusal("cos\nsystem\n" + PickleWriter::text("true") + "\x85R"),
              ::testing::HasSubstr("refuses the global 'os.system'"));
  EXPECT_THAT(refusal("\x8c\x08"
                      "builtins\x8c\x04"
                      "eval\x93"),
              ::testing::HasSubstr("refuses the global 'builtins.eval'"));
  EXPECT_THAT(refusal("ctorch\nFloatStorage\n"),
              ::testing::HasSubstr("the class 'torch.FloatStorage' stands where a value"));
}

TEST_F(TorchFile, RefusesTensorsOutsideTheirStorage) {
  EXPECT_EQ(refusal(float_tensor(4, 0, 4, 1), {kFourFloats}), "");
  EXPECT_THAT(refusal(float_tensor(4, 1, 4, 1), {kFourFloats}),
              ::testing::HasSubstr("does not fit its storage of 4 elements"));
  EXPECT_NE(refusal(float_tensor(4, 0, 2, 4), {kFourFloats}), "");
  EXPECT_NE(refusal(float_tensor(4, 3, 2, -1), {kFourFloats}), "");
  EXPECT_NE(refusal(float_tensor(4, -1, 1, 1), {kFourFloats}), "");
  EXPECT_NE(refusal(float_tensor(4, 0, int64_t{1} << 62, 0), {kFourFloats}), "");
  EXPECT_NE(refusal(float_tensor(4, 0, 1 << 30, int64_t{1} << 40), {kFourFloats}), "");
  EXPECT_THAT(refusal(float_tensor(5, 0, 4, 1), {kFourFloats}),
              ::testing::HasSubstr("storage '0' has 16 bytes, expected 5 elements of 4"));
  EXPECT_THAT(refusal(float_tensor(4, 0, 4, 1)), ::testing::HasSubstr("holds no storage '0'"));
}

TEST_F(TorchFile, RefusesMalformedPrograms) {
  EXPECT_THAT(refusal("]2a"), ::testing::HasSubstr("contains itself"));
  EXPECT_THAT(refusal(std::string(100000, ']') + std::string(99999, 'a')),
              ::testing::HasSubstr("nested deeper than 100"));
  // 100,000 lists on the stack are freed without recursion.
  EXPECT_EQ(refusal(std::string(100000, ']')), "");
  EXPECT_THAT(refusal("}(K\x01u"), ::testing::HasSubstr("a key without a value"));
  EXPECT_THAT(refusal("h\x05"), ::testing::HasSubstr("memo 5 was never written"));
  EXPECT_THAT(refusal("0"), ::testing::HasSubstr("empty stack"));
  EXPECT_THAT(refusal("t"), ::testing::HasSubstr("a mark is missing"));
  EXPECT_THAT(refusal("X\xff\xff\xff\xff"), ::testing::HasSubstr("ends in the middle"));
  EXPECT_THAT(refusal("}(U\x01"
                      "aK\x01U\x01"
                      "aK\x02u"),
              ::testing::HasSubstr("occurs twice"));
  EXPECT_THAT(refusal("\x80\x01N"), ::testing::HasSubstr("protocol 1"));
}

// A list of a list of ... the same list twice, 60 deep: 2^60 paths, which must not all be walked.
TEST_F(TorchFile, WalksSharedContainersOnce) {
  std::string program = "]q\x01";
  for (int i = 0; i < 60; ++i)
    program +=
        "0](h\x01h\x01"
        "eq\x01";
  EXPECT_TRUE(run(program).is_list());
}

TEST_F(TorchFile, ReadsUnsignedTensorsAndParametersWithAttributes) {
  // As torch.save writes torch.tensor([1, 258], dtype=torch.uint16) ...
  const std::string tensor =
      "ctorch._utils\n_rebuild_tensor_v3\n((" + PickleWriter::text("storage") +
      "ctorch.storage\nUntypedStorage\n" + PickleWriter::text("0") + PickleWriter::text("cpu") +
      PickleWriter::integer(4) + "tQ" + PickleWriter::integer(0) + PickleWriter::integer(2) +
      "\x85" + PickleWriter::integer(1) + "\x85\x89}ctorch\nuint16\ntR.";
  const std::string bytes("\x01\x00\x02\x01", 4);
  const at::Tensor read = run("\x80\x02" + tensor, {bytes}).tensor();
  EXPECT_EQ(read.scalar_type(), at::kUInt16);
  EXPECT_TRUE(at::equal(read.to(at::kLong), at::tensor({1, 258}, at::kLong)));
  // ... and a parameter that has an attribute, {"note": "x"}.
  const std::string parameter = "ctorch._utils\n_rebuild_parameter_with_state\n(" +
                                float_tensor(4, 0, 4, 1) + "\x88}}" + PickleWriter::text("note") +
                                PickleWriter::text("x") + "stR.";
  EXPECT_TRUE(at::equal(run("\x80\x02" + parameter, {kFourFloats}).tensor(), at::zeros({4})));
}

TEST_F(TorchFile, RefusesOtherFilesWithTheReason) {
  const auto reason = [&](std::string_view bytes) -> std::string {
    write_bytes(path_, bytes);
    try {
      read_torch_file(path_);
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(reason(std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15)),
              ::testing::HasSubstr("before PyTorch 1.6"));
  EXPECT_THAT(reason("version https://git-lfs.example/spec/v1\n"), ::testing::HasSubstr("Git LFS"));
  EXPECT_THAT(reason(""), ::testing::HasSubstr("is no zip archive"));
  EXPECT_THAT(reason("PK\x03\x04"), ::testing::HasSubstr("end is cut off"));
  testing::ZipWriter empty;
  EXPECT_NE(reason(empty.finish()), "");
  testing::ZipWriter other;
  other.add("archive/other", "x");
  EXPECT_THAT(reason(other.finish()), ::testing::HasSubstr("holds no pickle"));
  EXPECT_THROW(read_torch_file("/nonexistent/x.bin"), DataError);
}

TEST_F(TorchFile, SurvivesTruncationAndFlippedBytes) {
  PickleWriter pickle;
  const at::Tensor weight = at::arange(40, at::kFloat).view({5, 8});
  const std::string program = pickle.value(PickleValue::dict(
      {{"w", weight}, {"t", weight.t()}, {"h", at::ones({3}, at::kHalf)}, {"n", 1.5}}));
  const std::string good = torch_archive(program, pickle.storages);
  const auto attempt = [&](const std::string& bytes) {
    write_bytes(path_, bytes);
    try {
      const PickleValue root = read_torch_file(path_);
      for (const auto& [key, value] : root.dict()) {
        if (value.is_tensor() && value.tensor().numel() < 1000)
          value.tensor().to(at::kDouble).sum();
      }
      return true;
    } catch (const DataError&) {
      return false;
    }
  };
  ASSERT_TRUE(attempt(good));
  for (size_t size = 0; size < good.size(); size += 64) EXPECT_FALSE(attempt(good.substr(0, size)));
  int refused = 0;
  for (size_t i = 0; i < good.size(); i += 11) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      if (!attempt(bad)) ++refused;
    }
  }
  EXPECT_GT(refused, 30);
}

TEST_F(TorchFile, RefusesAWeightWithOneFlippedBit) {
  PickleWriter pickle;
  const at::Tensor weight = at::arange(40, at::kFloat);
  const std::string program = pickle.value(PickleValue::dict({{"w", weight}}));
  std::string bytes = torch_archive(program, pickle.storages);
  const std::string row(static_cast<const char*>(weight.data_ptr()), weight.nbytes());
  const size_t at = bytes.find(row);
  ASSERT_NE(at, std::string::npos);
  bytes[at + 17] = static_cast<char>(bytes[at + 17] ^ 4);
  write_bytes(path_, bytes);
  EXPECT_THAT(testing::message_of([&] { read_torch_file(path_); }),
              ::testing::HasSubstr("data/0' is not what its checksum (CRC-32) says"));
}

TEST_F(TorchFile, ZipRefusesCompressedEntries) {
  testing::ZipWriter zip;
  zip.add("a", "text");
  std::string bytes = zip.finish();
  write_bytes(path_, bytes);
  EXPECT_EQ(ZipReader(path_).entry("a"), "text");
  EXPECT_THROW(ZipReader(path_).entry("b"), DataError);
  bytes[bytes.find("PK\x01\x02") + 10] = 8;  // deflate
  write_bytes(path_, bytes);
  EXPECT_THROW(ZipReader(path_).entry("a"), DataError);
}

}  // namespace
}  // namespace icl
