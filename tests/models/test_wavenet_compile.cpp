#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>

#include "engine/files/atomic_file.h"
#include "models/registry.h"
#include "models/wavenet/wavenet.h"
#include "tests/support/small_voice.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

namespace {

using namespace ondes;
using Tensors = std::map<std::string, TensorData>;

Tensors small_tensors() {
  const NoteContract contract = small_contract();
  return random_wavenet_tensors(small_config(), contract.row_features(), contract.sample_features(),
                                1);
}

bool same(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

// What compiling the small voice says after a change to its tensors.
std::string refusal_of(const std::function<void(Tensors&)>& change) {
  Tensors tensors = small_tensors();
  change(tensors);
  const auto bytes = write_voice(small_description(small_config(), small_contract()), tensors);
  return message_of(ErrorCode::bad_input,
                    [&] { compile_step_plan(parse_voice(bytes, "v.safetensors")); });
}

// Root mean square of the input of every layer over a run with noise as audio: the definition in
// engine/plan/step_plan.h, without any ring.
std::vector<double> residual_levels(const StepPlan& plan, int samples) {
  const auto r = static_cast<std::size_t>(plan.residual_channels);
  const auto g = static_cast<std::size_t>(plan.gate_channels);
  const auto count = static_cast<std::size_t>(samples);
  const std::size_t columns = 1 + static_cast<std::size_t>(plan.sample_features);
  std::vector<double> h(count * r);
  std::uint32_t state = 1;
  for (std::size_t t = 0; t < count; ++t) {
    for (std::size_t o = 0; o < r; ++o) {
      h[t * r + o] = plan.input_bias[o];
    }
    for (std::size_t i = 0; i < columns; ++i) {
      state = state * 1664525U + 1013904223U;
      const double x = static_cast<double>(state) / 2147483648.0 - 1.0;
      for (std::size_t o = 0; o < r; ++o) {
        h[t * r + o] += plan.input_weights[o * columns + i] * x;
      }
    }
  }
  std::vector<double> levels;
  for (const GatedLayer& layer : plan.layers) {
    double sum = 0.0;
    for (const double value : h) {
      sum += value * value;
    }
    levels.push_back(std::sqrt(sum / static_cast<double>(h.size())));
    std::vector<double> next = h;
    for (std::size_t t = 0; t < count && !layer.residual.empty(); ++t) {
      std::vector<double> a(layer.conv_bias.begin(), layer.conv_bias.end());
      for (std::size_t k = 0; k < static_cast<std::size_t>(plan.taps); ++k) {
        const std::size_t back = (static_cast<std::size_t>(plan.taps) - 1 - k) *
                                 static_cast<std::size_t>(layer.dilation_samples);
        for (std::size_t o = 0; o < 2 * g && back <= t; ++o) {
          for (std::size_t i = 0; i < r; ++i) {
            a[o] += layer.conv[(k * 2 * g + o) * r + i] * h[(t - back) * r + i];
          }
        }
      }
      for (std::size_t o = 0; o < r; ++o) {
        next[t * r + o] += layer.residual_bias[o];
        for (std::size_t i = 0; i < g; ++i) {
          next[t * r + o] +=
              layer.residual[o * g + i] * std::tanh(a[i]) / (1.0 + std::exp(-a[g + i]));
        }
      }
    }
    h = std::move(next);
  }
  return levels;
}

}  // namespace

TEST_CASE("a voice compiles to a plan with its configuration's shapes") {
  const auto bytes = small_voice_bytes();
  const StepPlan plan = compile_step_plan(parse_voice(bytes, "small"));
  const NoteContract contract = small_contract();
  CHECK(plan.sample_rate_hz == 16000);
  CHECK(plan.residual_channels == 4);
  CHECK(plan.gate_channels == 3);
  CHECK(plan.skip_channels == 5);
  CHECK(plan.head_channels == 6);
  CHECK(plan.conditioning_channels == 4);
  CHECK(plan.row_features == contract.row_features());
  CHECK(plan.sample_features == 4);
  REQUIRE(plan.layer_count() == 3);
  CHECK(plan.layers[2].dilation_samples == 4);
  CHECK(plan.layers[2].residual.empty());
  REQUIRE(plan.encoder.size() == 2);
  CHECK(plan.encoder[0].activation == Activation::relu);
  CHECK(plan.encoder[1].activation == Activation::tanh);
  REQUIRE(plan.level.size() == 2);
  CHECK(plan.level[0].activation == Activation::tanh);
  CHECK(plan.level[1].activation == Activation::none);
  CHECK(plan.level[1].outputs == 1);
  CHECK(plan.output.outputs == 6);
  CHECK(plan.residual_absmax.empty());
}

TEST_CASE("PyTorch's convolution (2G, R, K) arrives as (K, 2G, R), for both tap counts") {
  for (const int taps : {2, 3}) {
    WavenetConfig config = small_config();
    config.taps = taps;
    const NoteContract contract = small_contract();
    const Tensors tensors =
        random_wavenet_tensors(config, contract.row_features(), contract.sample_features(), 1);
    const auto bytes = write_voice(small_description(config, contract), tensors);
    const StepPlan plan = compile_step_plan(parse_voice(bytes, "small"));
    const auto source = [&](std::size_t o, std::size_t i, std::size_t k) {
      float value = 0.0F;
      const std::size_t index = (o * 4 + i) * static_cast<std::size_t>(taps) + k;
      std::memcpy(&value, tensors.at("layers.1.conv.weight").bytes.data() + index * sizeof(float),
                  sizeof(float));
      return value;
    };
    for (std::size_t k = 0; k < static_cast<std::size_t>(taps); ++k) {
      for (std::size_t o = 0; o < 6; ++o) {
        for (std::size_t i = 0; i < 4; ++i) {
          REQUIRE(plan.layers[1].conv[(k * 6 + o) * 4 + i] == source(o, i, k));
        }
      }
    }
  }
}

TEST_CASE("a random network and the voice file of its tensors compile to the same numbers") {
  const NoteContract contract = small_contract();
  const auto bytes = small_voice_bytes(small_config(), contract, 5);
  const StepPlan a = compile_step_plan(parse_voice(bytes, "small"));
  const StepPlan b = random_wavenet(small_config(), contract.sample_rate_hz,
                                    contract.row_features(), contract.sample_features(), 5);
  CHECK(same(a.input_weights, b.input_weights));
  CHECK(same(a.layers[1].conv, b.layers[1].conv));
  CHECK(same(a.layers[0].residual, b.layers[0].residual));
  CHECK(same(a.output.bias, b.output.bias));
  const StepPlan other = random_wavenet(small_config(), contract.sample_rate_hz,
                                        contract.row_features(), contract.sample_features(), 6);
  CHECK_FALSE(same(a.layers[1].conv, other.layers[1].conv));
}

TEST_CASE("every kind of input, output, encoder and level compiles") {
  for (const auto distribution :
       {Distribution::mu_law_categorical, Distribution::logistic_mixture, Distribution::gaussian}) {
    for (const bool embedded : {false, true}) {
      for (const bool plain : {false, true}) {
        WavenetConfig config = small_config();
        config.distribution = distribution;
        config.classes = 16;
        if (embedded && distribution == Distribution::mu_law_categorical) {
          config.input = InputKind::embedding;
        }
        if (plain) {
          config.encoder_channels.clear();
          config.level_channels.clear();
          config.has_level = false;
        }
        const auto bytes = small_voice_bytes(config);
        const StepPlan plan = compile_step_plan(parse_voice(bytes, "small"));
        CHECK(plan.input_embedding.empty() == (config.input == InputKind::scalar));
        CHECK(plan.level.empty() == plain);
        CHECK(plan.conditioning_channels == (plain ? plan.row_features : 4));
      }
    }
  }
}

TEST_CASE("voices written by other code than ours compile, and their broken sisters do not") {
  const std::string folder = std::string(ONDES_SOURCE_DIR) + "/tests/fuzz/corpus/safetensors/";
  for (const char* name :
       {"voice", "voice_two_layers", "voice_level", "voice_encoder", "voice_mixture",
        "voice_embedding", "voice_calibrated", "voice_three_taps", "voice_features"}) {
    INFO(name);
    CHECK(compile_step_plan(open_voice(folder + name)).input_bias[0] == 0.25F);
  }
  for (const char* name : {"voice_nan", "voice_huge_config", "voice_schema_2", "cut"}) {
    INFO(name);
    message_of(ErrorCode::bad_input, [&] { compile_step_plan(open_voice(folder + name)); });
  }
}

TEST_CASE("a plan outlives the voice file it was compiled from") {
  const TemporaryFolder folder;
  write_file_atomically(folder.file("v.safetensors"), small_voice_bytes());
  const StepPlan plan = compile_step_plan(open_voice(folder.file("v.safetensors")));
  std::filesystem::remove(folder.file("v.safetensors"));
  CHECK_NOTHROW(validate(plan));
  CHECK(std::isfinite(plan.output.weights[0]));
}

TEST_CASE("each tensor is needed: without it, misshapen or with NaN the voice is refused by name") {
  for (const auto& [tensor, data] : small_tensors()) {
    INFO(tensor);
    check_contains(refusal_of([&, t = tensor](Tensors& all) { all.erase(t); }),
                   {"v.safetensors", "'" + tensor + "'", "no such tensor"});
    check_contains(refusal_of([&, t = tensor](Tensors& all) { all[t].shape.push_back(1); }),
                   {"'" + tensor + "'", "expected F32", "found F32"});
    check_contains(refusal_of([&, t = tensor](Tensors& all) {
                     const float bad = std::nanf("");
                     std::memcpy(all[t].bytes.data() + all[t].bytes.size() - 4, &bad, 4);
                   }),
                   {"'" + tensor + "'", "NaN"});
  }
}

TEST_CASE("a tensor the network does not have is refused by name") {
  const std::array<float, 1> one{1.0F};
  check_contains(refusal_of([&](Tensors& all) { all["extra"] = tensor_from_floats(one, {1}); }),
                 {"v.safetensors", "'extra'"});
  check_contains(refusal_of([&](Tensors& all) {
                   all["layers.2.residual.weight"] = tensor_from_floats(one, {1});
                 }),
                 {"'layers.2.residual.weight'"});
}

TEST_CASE("calibration is optional, and must be positive, one number a layer") {
  const std::array<float, 3> good{1.0F, 2.0F, 3.0F};
  Tensors tensors = small_tensors();
  tensors["calibration.residual_absmax"] = tensor_from_floats(good, {3});
  const auto bytes = write_voice(small_description(small_config(), small_contract()), tensors);
  CHECK(same(compile_step_plan(parse_voice(bytes, "v")).residual_absmax, good));
  const std::array<float, 3> bad{1.0F, 0.0F, 3.0F};
  check_contains(refusal_of([&](Tensors& all) {
                   all["calibration.residual_absmax"] = tensor_from_floats(bad, {3});
                 }),
                 {"'calibration.residual_absmax'", "positive", "index 1"});
  check_contains(refusal_of([&](Tensors& all) {
                   all["calibration.residual_absmax"] = tensor_from_floats({bad.data(), 2}, {2});
                 }),
                 {"'calibration.residual_absmax'", "[3]", "[2]"});
}

TEST_CASE("an unknown architecture is one error that lists the known ones") {
  nlohmann::json description = small_description(small_config(), small_contract());
  description["architecture"] = "wavernn";
  const auto bytes = write_voice(description, small_tensors());
  check_contains(message_of(ErrorCode::bad_input,
                            [&] { compile_step_plan(parse_voice(bytes, "v.safetensors")); }),
                 {"v.safetensors", "'architecture'", "wavenet", "'wavernn'"});
  const std::vector<std::string> names = architecture_names();
  CHECK(std::is_sorted(names.begin(), names.end()));
  CHECK(std::count(names.begin(), names.end(), "wavenet") == 1);
}

TEST_CASE("features that are neither notes nor mels cannot drive a wavenet") {
  nlohmann::json description = small_description(small_config(), small_contract());
  description["features"] = {{"kind", "audio"}, {"sample_rate", description["sample_rate"]}};
  const auto bytes = write_voice(description, small_tensors());
  check_contains(message_of(ErrorCode::bad_input,
                            [&] { compile_step_plan(parse_voice(bytes, "v.safetensors")); }),
                 {"v.safetensors: features", "'kind'", "'audio'"});
}

TEST_CASE("random networks keep activations of order 1 from the first layer to the last") {
  for (const int channels : {4, 32}) {
    for (const int layers : {3, 20}) {
      WavenetConfig config = small_config();
      config.residual_channels = channels;
      config.gate_channels = channels;
      config.dilations.clear();
      for (int l = 0; l < layers; ++l) {
        config.dilations.push_back(1 << (l % 5));
      }
      const StepPlan plan = random_wavenet(config, 16000, 10, 4, 3);
      for (const double level : residual_levels(plan, 200)) {
        INFO(channels << " channels, " << layers << " layers");
        // An order of magnitude to either side of the design's 0.6 is what "order 1" means here.
        CHECK(level > 0.1);
        CHECK(level < 5.0);
      }
    }
  }
}
