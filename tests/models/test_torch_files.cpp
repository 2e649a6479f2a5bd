// PyTorch checkpoints: tensors come out as they went in; everything that is not data is refused.
#include <catch2/catch.hpp>
#include <string>

#include "models/importers/crc32.h"
#include "models/importers/torch_file.h"
#include "models/importers/zip_archive.h"
#include "tests/support/program.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
using namespace std::string_literals;

namespace {

std::string golden(const std::string& name) {
  return read_text(std::string(ONDES_SOURCE_DIR) + "/tests/golden/torch/" + name);
}

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

TorchPickle parse(const std::string& pickle) {
  return parse_torch_pickle(as_bytes(pickle), "p");
}

std::string refusal(const std::string& pickle) {
  return message_of(ErrorCode::bad_input, [&] { static_cast<void>(parse(pickle)); });
}

std::string file_refusal(const std::string& file) {
  return message_of(ErrorCode::bad_input,
                    [&] { static_cast<void>(parse_torch_file(as_bytes(file), "f.pt")); });
}

// An archive's entry says that its checksum was left out: 0 in its row of the directory.
void leave_out_checksum(const std::string& entry, std::string* file) {
  constexpr std::size_t kRowBytes = 46;
  for (std::size_t at = 0; (at = file->find("PK\x01\x02", at)) != std::string::npos; ++at) {
    if (file->substr(at + kRowBytes, entry.size()) == entry &&
        static_cast<unsigned char>((*file)[at + 28]) == entry.size()) {
      file->replace(at + 16, 4, std::string(4, '\0'));
      return;
    }
  }
  FAIL("no such entry: " << entry);
}

// A pickled text.
std::string text(const std::string& value) {
  return "X"s + static_cast<char>(value.size()) + "\0\0\0"s + value;
}

// A tensor of a float storage of `elements` elements; numbers below 256.
std::string tensor(int elements, int offset, const std::string& shape, const std::string& strides) {
  const auto numbers = [](const std::string& values) {
    std::string result = "(";
    for (const char value : values) {
      result += "K"s + value;
    }
    return result + "t";
  };
  return "ctorch._utils\n_rebuild_tensor_v2\n(("s + text("storage") + "ctorch\nFloatStorage\n" +
         text("0") + text("cpu") + "K" + static_cast<char>(elements) + "tQK" +
         static_cast<char>(offset) + numbers(shape) + numbers(strides) +
         "\x89"
         "ccollections\nOrderedDict\n)RtR";
}

}  // namespace

TEST_CASE("tensors, scalars and containers of a checkpoint come out as PyTorch saved them") {
  const std::string bytes = golden("hifigan_2.pt");
  const TorchFile file = parse_torch_file(as_bytes(bytes), "f.pt");
  const FloatTensor transposed = read_tensor(file, "transposed");
  CHECK(transposed.shape == std::vector<std::int64_t>{3, 2});
  CHECK(transposed.values == std::vector<float>{0, 3, 1, 4, 2, 5});
  CHECK(file.pickle.tensors.at("half").type == TensorType::f16);
  CHECK(read_tensor(file, "half").values == std::vector<float>{1, 1, 1});
  CHECK(read_tensor(file, "generator/module.conv_pre.weight_v").shape ==
        std::vector<std::int64_t>{8, 4, 7});
  const auto& scalars = file.pickle.scalars;
  CHECK(scalars.at("steps") == PickledScalar(std::int64_t{70001}));
  CHECK(scalars.at("big") == PickledScalar(std::int64_t{1} << 40));
  CHECK(scalars.at("note") == PickledScalar("a text"s));
  CHECK(scalars.at("none") == PickledScalar());
  CHECK(scalars.at("flag") == PickledScalar(true));
  CHECK(scalars.at("size/1") == PickledScalar(std::int64_t{2}));
  CHECK(scalars.at("optim_g/param_groups/0/lr") == PickledScalar(0.0002));
}

TEST_CASE("globals that would run something are refused by their names") {
  for (const char* global : {"os\nsystem", "posix\nsystem", "builtins\neval", "__builtin__\nexec",
                             "subprocess\nPopen", "torch\nload", "torch._utils\n_rebuild_tensor",
                             "numpy.core.multiarray\nscalar", "collections\ndefaultdict"}) {
    const std::string pickle = "\x80\x02"s + "c" + global + "\n" + text("echo x") + "\x85R.";
    std::string name = global;
    name.replace(name.find('\n'), 1, ".");
    check_contains(refusal(pickle), {"p: pickle", "'" + name + "'", "not loaded", "byte 2"});
  }
  check_contains(file_refusal(golden("whole_module.pt")),
                 {"f.pt", "'torch.nn.modules.linear.Linear'", "state_dict"});
}

TEST_CASE("opcodes outside the list are refused by their names") {
  const std::pair<const char*, const char*> opcodes[] = {
      {"i", "INST"},     {"o", "OBJ"},           {"\x81", "NEWOBJ"},    {"\x93", "STACK_GLOBAL"},
      {"\x82", "EXT1"},  {"P", "PERSID"},        {"\x92", "NEWOBJ_EX"}, {"\x95", "FRAME"},
      {"S", "STRING"},   {"\x8f", "EMPTY_SET"},  {"2", "DUP"},          {"0", "POP"},
      {"\x8b", "LONG4"}, {"C", "SHORT_BINBYTES"}};
  for (const auto& [opcode, name] : opcodes) {
    check_contains(refusal("\x80\x02}"s + opcode), {"opcode "s + name, "byte 3"});
  }
  check_contains(refusal("\x80\x02\x01"), {"byte 0x01"});
  check_contains(refusal("\x80\x04}."), {"protocol 2", "found 4"});
}

TEST_CASE("a global that is data is not data when it stands alone or is called otherwise") {
  check_contains(refusal("ctorch\nFloatStorage\n."), {"'torch.FloatStorage'"});
  check_contains(refusal("ctorch\nFloatStorage\n)R."), {"a call PyTorch writes"});
  check_contains(refusal("ccollections\nOrderedDict\n}\x85R."), {"'collections.OrderedDict'"});
  check_contains(refusal("ccollections\nOrderedDict\n}b."), {"dictionary"});
}

TEST_CASE("a tensor stays within its storage") {
  CHECK(parse(tensor(6, 0, "\x02\x03", "\x03\x01") + ".").tensors.at("").shape ==
        std::vector<std::int64_t>{2, 3});
  CHECK_NOTHROW(parse(tensor(6, 5, "\x01", "\x01") + "."));
  CHECK_NOTHROW(parse(tensor(0, 0, "\x00"s, "\x01") + "."));
  const std::string beyond = "reaches beyond";
  check_contains(refusal(tensor(6, 1, "\x02\x03", "\x03\x01") + "."), {"6 elements", beyond});
  check_contains(refusal(tensor(6, 6, "\x01", "\x01") + "."), {beyond});
  // Strides of zero would make much of little.
  check_contains(refusal(tensor(6, 0, "\xC8\xC8", "\x00\x00"s) + "."), {beyond});
  check_contains(refusal(tensor(6, 0, "\x02\x03", "\x01") + "."), {"as many strides as sizes"});
  check_contains(refusal(tensor(6, 0, std::string(9, '\x01'), std::string(9, '\x01')) + "."),
                 {"at most 8 numbers"});
}

TEST_CASE("pickles that contain themselves or multiply themselves end with an error") {
  check_contains(refusal("]q\0h\0a."s), {"16 levels"});
  std::string laughs = "(]q\0(NNNNNNNNNNe"s;
  for (char level = 1; level < 12; ++level) {  // each a list of the one before, ten times
    laughs += "]q"s + level + "(";
    for (int i = 0; i < 10; ++i) {
      laughs += "h"s + static_cast<char>(level - 1);
    }
    laughs += "e";
  }
  check_contains(refusal(laughs + "t."), {"200000 values"});
  check_contains(refusal("}r\xFF\xFF\xFF\x7F."), {"memo"});
  check_contains(refusal("X\xFF\xFF\xFF\x7F."), {"text of at most"});
  check_contains(refusal(std::string(kMaxPickleBytes + 1, 'N')), {"at most"});
}

TEST_CASE("a stack that holds nothing, or something else, is an error and not a crash") {
  for (const char* pickle :
       {".", "R.", "t.", "u.", "b.", "Q.", "a.", "s.", "h\x05.", "(.",
        "(K\x01"
        "Ka.",
        "NNs.", "NNa.", "N(NNu.", "](NNNu.", "}(Nu.", "NQ.", "NNR.", "\x85."}) {
    CAPTURE(pickle);
    CHECK_FALSE(refusal(pickle).empty());
  }
  check_contains(refusal("}(NNu."), {"keys"});
  check_contains(refusal("}(X\x01\0\0\0aNX\x01\0\0\0aNu."s), {"'a' once"});
}

TEST_CASE("every truncation of a checkpoint is one error") {
  const std::string file = golden("hifigan_1.pt");
  for (std::size_t size = 0; size < file.size(); size += 7) {
    const std::string part = file.substr(0, size);
    CHECK_FALSE(file_refusal(part).empty());
  }
  const auto entries = parse_zip(as_bytes(file), "f.pt");
  const auto pickle = entries.at("hifigan_1/data.pkl");
  for (std::size_t size = 0; size < pickle.size(); ++size) {
    CHECK(thrown_error([&] {
            static_cast<void>(parse_torch_pickle(pickle.first(size), "p"));
          }).has_value());
  }
}

TEST_CASE("archives that are no checkpoints say what they are") {
  check_contains(file_refusal(golden("legacy.pt")), {"before PyTorch 1.6", "torch.save("});
  std::string other = golden("hifigan_1.pt");
  std::string packed = other;
  for (std::size_t at = 0; (at = other.find("data.pkl", at)) != std::string::npos; ++at) {
    other.replace(at, 8, "data.pkg");
  }
  check_contains(file_refusal(other), {"without data.pkl"});
  const std::size_t directory = packed.find("PK\x01\x02");
  packed[directory + 10] = 8;  // deflated
  check_contains(file_refusal(packed), {"compression method 8", "hifigan_1/data.pkl"});
  std::string twice = golden("hifigan_1.pt");
  std::size_t next = twice.find("hifigan_1/data/0", directory);
  next = twice.find("hifigan_1/data/1", next);
  twice.replace(next, 16, "hifigan_1/data/0");
  check_contains(file_refusal(twice), {"'hifigan_1/data/0'", "found twice"});
  std::string lost = golden("hifigan_1.pt");
  lost.replace(lost.find("hifigan_1/data/1", directory), 16, "hifigan_1/data/x");
  check_contains(file_refusal(lost), {"expected its numbers in the entry", "hifigan_1/data/1"});
}

TEST_CASE("CRC-32 is that of zip archives, whatever the length's rest by eight") {
  const auto sum = [](const std::string& text) { return crc32(as_bytes(text)); };
  CHECK(sum("") == 0);
  CHECK(sum("123456789") == 0xCBF43926);  // the check value of the polynomial's catalogue entry
  // Python's zlib.crc32(bytes(range(n))).
  std::string counted;
  for (char c = 0; c < 24; ++c) {
    counted += c;
  }
  CHECK(sum(counted.substr(0, 7)) == 0xAD5809F9);
  CHECK(sum(counted.substr(0, 8)) == 0x88AA689F);
  CHECK(sum(counted.substr(0, 15)) == 0xA06C675E);
  CHECK(sum(counted) == 0x8295A696);
}

TEST_CASE("an entry that was damaged is refused by its name, unless its checksum was left out") {
  std::string file = golden("hifigan_1.pt");
  const auto entries = parse_zip(as_bytes(file), "f.pt");
  const auto data = entries.at("hifigan_1/data/1");
  const auto at = static_cast<std::size_t>(data.data() - as_bytes(file).data());
  file[at + 1] = static_cast<char>(file[at + 1] ^ 1);  // a bit of a weight: any number is a weight
  check_contains(file_refusal(file), {"f.pt", "entry 'hifigan_1/data/1'", "CRC-32", "damaged"});
  leave_out_checksum("hifigan_1/data/1", &file);
  CHECK_NOTHROW(parse_torch_file(as_bytes(file), "f.pt"));
}

TEST_CASE("numbers that are not finite are refused where they stand") {
  std::string file = golden("hifigan_1.pt");
  const auto entries = parse_zip(as_bytes(file), "f.pt");
  const auto data = entries.at("hifigan_1/data/0");
  const auto at = static_cast<std::size_t>(data.data() - as_bytes(file).data());
  file.replace(at + 4, 4, "\x00\x00\xC0\x7F"s);  // the second number becomes a NaN
  leave_out_checksum("hifigan_1/data/0", &file);
  const TorchFile parsed = parse_torch_file(as_bytes(file), "f.pt");
  const std::string message = message_of(
      ErrorCode::bad_input, [&] { static_cast<void>(read_tensors(parsed, "generator/")); });
  check_contains(message, {"f.pt", "conv_pre.bias", "nan at index 1"});
}
