#include <array>
#include <catch2/catch.hpp>
#include <functional>
#include <nlohmann/json.hpp>

#include "engine/files/atomic_file.h"
#include "engine/files/sha256.h"
#include "engine/weights/voice_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

namespace {

using namespace ondes;
using nlohmann::json;

NoteContract contract() {
  NoteContract result;
  result.sample_rate_hz = 24000;
  result.hop_samples = 64;
  result.harmonics = 12;
  result.pitch_centres = {36.0F, 60.5F, 84.0F};
  result.pitch_width = 6.1F;
  result.onset_decays_s = {0.003F, 0.1F, 1.0F / 3.0F};
  result.release_decays_s = {0.05F};
  result.instruments = {"piano", "flute"};
  result.programs = {0, 73};
  return result;
}

json description() {
  return {{"schema", 1},
          {"name", "test voice"},
          {"architecture", "wavenet"},
          {"sample_rate", 24000},
          {"config", json::object()},
          {"features", note_contract_to_json(contract())},
          {"training", {{"seed", 1}}},
          {"licence", "CC0-1.0"}};
}

std::vector<std::byte> voice_of(const std::string& text) {
  return write_safetensors({{"ondes", text}}, {});
}

std::string refusal_of(const std::function<void(json&)>& change) {
  json changed = description();
  change(changed);
  const auto bytes = voice_of(changed.dump());
  return message_of(ErrorCode::bad_input, [&] { parse_voice(bytes, "v.safetensors"); });
}

}  // namespace

TEST_CASE("a voice that is written is read back with its description, weights and hash") {
  const std::array<float, 2> values{1.0F, 2.0F};
  const auto bytes = write_voice(description(), {{"w", tensor_from_floats(values, {2})}});
  const VoiceFile voice = parse_voice(bytes, "v");
  CHECK(voice.name == "test voice");
  CHECK(voice.architecture == "wavenet");
  CHECK(voice.sample_rate_hz == 24000);
  CHECK(*voice.description == description());
  CHECK(require_f32(voice.weights, "w", {2})[1] == 2.0F);
  CHECK(voice.sha256 == sha256_hex(bytes));
}

TEST_CASE("an opened voice keeps its weights alive") {
  const TemporaryFolder folder;
  const std::array<float, 2> values{1.0F, 2.0F};
  write_file_atomically(folder.file("v.safetensors"),
                        write_voice(description(), {{"w", tensor_from_floats(values, {2})}}));
  const VoiceFile voice = open_voice(folder.file("v.safetensors"));
  CHECK(voice.weights.storage != nullptr);
  CHECK(voice.sha256 == sha256_of_file(folder.file("v.safetensors")));
  CHECK(require_f32(voice.weights, "w", {2})[1] == 2.0F);
}

TEST_CASE("training and licence may be absent, and keys of later versions are kept") {
  json changed = description();
  changed.erase("training");
  changed.erase("licence");
  changed["remark"] = {1, 2};
  const auto bytes = voice_of(changed.dump());
  CHECK(parse_voice(bytes, "v").description->at("remark").size() == 2);
}

TEST_CASE("a safetensors file without a description is not a voice") {
  const auto bytes = write_safetensors({{"other", "{}"}}, {});
  check_contains(message_of(ErrorCode::bad_input, [&] { parse_voice(bytes, "v.safetensors"); }),
                 {"v.safetensors", "'ondes'", "found none"});
}

TEST_CASE("a description that is not strict JSON is refused") {
  for (const char* text : {"", "[]", "{", "{\"schema\":1,\"schema\":1}", "3"}) {
    const auto bytes = voice_of(text);
    INFO(text);
    check_contains(message_of(ErrorCode::bad_input, [&] { parse_voice(bytes, "v.st"); }), {"v.st"});
  }
}

TEST_CASE("a newer schema is refused with both numbers") {
  check_contains(refusal_of([](json& d) { d["schema"] = 2; }),
                 {"v.safetensors", "'schema'", "expected 1", "found 2", "newer"});
}

TEST_CASE("every field of the description is judged by name") {
  const std::vector<std::pair<std::string, json>> wrong = {{"schema", "1"},
                                                           {"schema", 0},
                                                           {"name", ""},
                                                           {"name", 3},
                                                           {"architecture", {}},
                                                           {"sample_rate", 7999},
                                                           {"sample_rate", 192001},
                                                           {"sample_rate", 24000.0},
                                                           {"config", json::array()},
                                                           {"features", nullptr},
                                                           {"training", "none"},
                                                           {"licence", 4},
                                                           {"name", std::string(201, 'n')}};
  for (const auto& [key, value] : wrong) {
    INFO(key << " = " << value.dump());
    check_contains(refusal_of([&, k = key, v = value](json& d) { d[k] = v; }),
                   {"v.safetensors", "'" + key + "'", "expected", "found"});
  }
  for (const char* key : {"schema", "name", "architecture", "sample_rate", "config", "features"}) {
    INFO(key);
    check_contains(refusal_of([&](json& d) { d.erase(key); }), {key, "found nothing"});
  }
}

TEST_CASE("every field of the note features is judged by name") {
  const std::vector<std::pair<std::string, json>> wrong = {
      {"kind", ""},
      {"sample_rate", 0},
      {"sample_rate", 22050},  // differs from the voice's
      {"hop", 0},
      {"hop", 4097},
      {"harmonics", -1},
      {"harmonics", 257},
      {"pitch_centres", {128}},
      {"pitch_centres", json::array_t(129, 60)},
      {"pitch_width", 0},
      {"onset_decays_s", {0}},
      {"onset_decays_s", {"fast"}},
      {"release_decays_s", {-1}},
      {"instruments", json::array()},
      {"instruments", {"piano", "piano"}},
      {"instruments", {"piano", ""}},
      {"programs", {0}},
      {"programs", {0, 128}},
      {"row_features", {"pitch"}},
  };
  for (const auto& [key, value] : wrong) {
    INFO(key << " = " << value.dump());
    const std::string message =
        refusal_of([&, k = key, v = value](json& d) { d["features"][k] = v; });
    check_contains(message, {"v.safetensors: features: field '" + key, "expected", "found"});
  }
  check_contains(refusal_of([](json& d) { d["features"]["extra"] = 1; }),
                 {"features: unknown field 'extra'"});
}

TEST_CASE("row feature names that contradict the contract are refused at the first difference") {
  check_contains(refusal_of([](json& d) { d["features"]["row_features"][4] = "pace"; }),
                 {"'row_features[4]'", "'velocity'", "'pace'"});
}

TEST_CASE("features of another kind make a voice, but no note contract") {
  json changed = description();
  changed["features"] = {{"kind", "spectra"}, {"bins", 80}};
  const auto bytes = voice_of(changed.dump());
  const VoiceFile voice = parse_voice(bytes, "v");
  CHECK(voice.feature_kind == "spectra");
  check_contains(
      message_of(ErrorCode::bad_input,
                 [&] { note_contract_from_json(voice.description->at("features"), "v"); }),
      {"v: features", "'kind'", "'notes'", "'spectra'"});
}

TEST_CASE("features of mel and audio voices are judged by name, and have the voice's rate") {
  const auto with = [](const json& features) {
    return [features](json& d) { d["features"] = features; };
  };
  json mel = {{"kind", "mel"},
              {"sample_rate", description()["sample_rate"]},
              {"fft", 64},
              {"hop", 16},
              {"mels", 3},
              {"fmin", 0},
              {"fmax", 4000},
              {"scale", "slaney"},
              {"norm", "slaney"},
              {"magnitude", "amplitude"},
              {"log", "ln"},
              {"floor", 1e-5},
              {"padding", "reflect_hop"}};
  json changed = description();
  changed["features"] = mel;
  CHECK(parse_voice(voice_of(changed.dump()), "v").feature_kind == "mel");
  mel["hop"] = 0;
  check_contains(refusal_of(with(mel)), {"v.safetensors", "'hop'", "expected", "0"});
  mel["hop"] = 16;
  mel["sample_rate"] = 44100;
  check_contains(refusal_of(with(mel)), {"v.safetensors", "'sample_rate'", "the voice's", "44100"});

  json audio = {{"kind", "audio"}, {"sample_rate", description()["sample_rate"]}};
  changed["features"] = audio;
  CHECK(parse_voice(voice_of(changed.dump()), "v").feature_kind == "audio");
  audio["sample_rate"] = 44100;
  check_contains(refusal_of(with(audio)), {"v.safetensors", "'sample_rate'", "44100"});
  audio["sample_rate"] = description()["sample_rate"];
  audio["gain"] = 1;
  check_contains(refusal_of(with(audio)), {"v.safetensors", "unknown field 'gain'"});
}

TEST_CASE("a note contract survives JSON text exactly, and short decimals stay short") {
  const NoteContract before = contract();
  const std::string text = note_contract_to_json(before).dump();
  const NoteContract after = note_contract_from_json(json::parse(text), "v");
  CHECK(after.sample_rate_hz == before.sample_rate_hz);
  CHECK(after.hop_samples == before.hop_samples);
  CHECK(after.harmonics == before.harmonics);
  CHECK(after.pitch_centres == before.pitch_centres);
  CHECK(after.pitch_width == before.pitch_width);
  CHECK(after.onset_decays_s == before.onset_decays_s);
  CHECK(after.release_decays_s == before.release_decays_s);
  CHECK(after.instruments == before.instruments);
  CHECK(after.programs == before.programs);
  CHECK(text.find("0.003,") != std::string::npos);
  CHECK_FALSE(after.phase);
  NoteContract with_phase = before;
  with_phase.phase = true;
  CHECK(note_contract_from_json(note_contract_to_json(with_phase), "v").phase);
}

TEST_CASE("write_voice refuses a description that parse_voice would refuse") {
  json changed = description();
  changed.erase("name");
  check_contains(message_of(ErrorCode::bad_input, [&] { write_voice(changed, {}); }), {"'name'"});
}
