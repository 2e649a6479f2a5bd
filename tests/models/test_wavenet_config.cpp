#include <catch2/catch.hpp>
#include <functional>
#include <nlohmann/json.hpp>

#include "models/wavenet/wavenet.h"
#include "tests/support/small_voice.h"
#include "tests/support/thrown_error.h"

namespace {

using namespace ondes;
using nlohmann::json;

std::string refusal_of(const std::function<void(json&)>& change) {
  json config = wavenet_config_to_json(small_config());
  change(config);
  return message_of(ErrorCode::bad_input,
                    [&] { wavenet_config_from_json(config, "v.safetensors"); });
}

json round_trip(const WavenetConfig& config) {
  return wavenet_config_to_json(
      wavenet_config_from_json(json::parse(wavenet_config_to_json(config).dump()), "v"));
}

}  // namespace

TEST_CASE("a configuration survives JSON, whatever its input and output") {
  WavenetConfig config = small_config();
  config.log_scale_floor = -7.25F;
  CHECK(round_trip(config) == wavenet_config_to_json(config));
  config.distribution = Distribution::gaussian;
  CHECK(round_trip(config) == wavenet_config_to_json(config));
  config.distribution = Distribution::mu_law_categorical;
  config.input = InputKind::embedding;
  config.classes = 1024;
  CHECK(round_trip(config) == wavenet_config_to_json(config));
  CHECK(round_trip(config).at("input") == "embedding");
}

TEST_CASE("every member is written") {
  // A member added to WavenetConfig without a JSON key would be lost in voice files.
  CHECK(wavenet_config_to_json(small_config()).size() == 14);
}

TEST_CASE("the shape of the network must be given, the rest has defaults") {
  const json shortest = {{"residual_channels", 8}, {"gate_channels", 8}, {"skip_channels", 8},
                         {"head_channels", 8},     {"taps", 2},          {"dilations", {1, 2}}};
  const WavenetConfig config = wavenet_config_from_json(shortest, "v");
  CHECK(config.encoder_channels.empty());
  CHECK_FALSE(config.has_level);
  CHECK(config.input == InputKind::scalar);
  CHECK(config.distribution == Distribution::logistic_mixture);
  CHECK(config.mixture_components == WavenetConfig().mixture_components);
  for (const auto& [key, value] : shortest.items()) {
    INFO(key);
    check_contains(refusal_of([&, k = key](json& c) { c.erase(k); }),
                   {"v.safetensors: config: field '" + key + "'", "found nothing"});
  }
}

TEST_CASE("an unknown key is refused by name") {
  check_contains(refusal_of([](json& c) { c["residual_chanels"] = 8; }),
                 {"v.safetensors: config", "unknown field 'residual_chanels'"});
}

TEST_CASE("every field is judged by name, with what was expected and found") {
  const std::vector<std::pair<std::string, json>> wrong = {
      {"residual_channels", 0},
      {"residual_channels", 4097},
      {"gate_channels", -1},
      {"skip_channels", 1.5},
      {"head_channels", "64"},
      {"taps", 1},
      {"taps", 4},
      {"dilations", json::array()},
      {"dilations", json::array_t(257, 1)},
      {"dilations", {1, 0}},
      {"dilations", {65537}},
      {"dilations", 4},
      {"encoder_channels", {0}},
      {"encoder_channels", json::array_t(17, 4)},
      {"level_channels", {4097}},
      {"has_level", 1},
      {"input", "sample"},
      {"distribution", "gauss"},
      {"distribution", 1},
      {"mixture_components", 0},
      {"mixture_components", 257},
      {"classes", 1},
      {"log_scale_floor", 0.5},
      {"log_scale_floor", -31},
  };
  for (const auto& [key, value] : wrong) {
    INFO(key << " = " << value.dump());
    check_contains(refusal_of([&, k = key, v = value](json& c) { c[k] = v; }),
                   {"v.safetensors: config: field '" + key, "expected", "found"});
  }
  CHECK(thrown_error([] { wavenet_config_from_json(json(3), "v"); }).has_value());
}

TEST_CASE("fields that contradict each other are refused") {
  check_contains(refusal_of([](json& c) { c["has_level"] = false; }), {"'level_channels'"});
  check_contains(refusal_of([](json& c) { c["input"] = "embedding"; }),
                 {"'input'", "mu_law_categorical"});
}

TEST_CASE("a past that would need more than 64 MiB a lane is refused before it is allocated") {
  check_contains(refusal_of([](json& c) {
                   c["residual_channels"] = 4096;
                   c["dilations"] = json::array_t(256, 65536);
                 }),
                 {"'dilations'", "16777216", "68719476736"});
}
