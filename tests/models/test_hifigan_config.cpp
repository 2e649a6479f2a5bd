// config.json: what is accepted under which names, and what is refused.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "models/hifigan/hifigan_config.h"
#include "tests/support/hifigan_rig.h"
#include "tests/support/thrown_error.h"

using nlohmann::json;
using namespace ondes;

namespace {

// A published config.json (V1's keys), as its repository has it.
json published() {
  return json::parse(R"({
    "resblock": "1", "num_gpus": 0, "batch_size": 16, "learning_rate": 0.0002, "adam_b1": 0.8,
    "adam_b2": 0.99, "lr_decay": 0.999, "seed": 1234,
    "upsample_rates": [8,8,2,2], "upsample_kernel_sizes": [16,16,4,4],
    "upsample_initial_channel": 512, "resblock_kernel_sizes": [3,7,11],
    "resblock_dilation_sizes": [[1,3,5], [1,3,5], [1,3,5]],
    "segment_size": 8192, "num_mels": 80, "num_freq": 1025, "n_fft": 1024, "hop_size": 256,
    "win_size": 1024, "sampling_rate": 22050, "fmin": 0, "fmax": 8000, "fmax_for_loss": null,
    "num_workers": 4,
    "dist_config": {"dist_backend": "nccl", "dist_url": "tcp://localhost:54321", "world_size": 1}
  })");
}

void check_refused(const json& config, std::initializer_list<std::string> parts) {
  check_contains(
      message_of(ErrorCode::bad_input, [&] { hifigan_config_from_json(config, "voice.json"); }),
      parts);
}

}  // namespace

TEST_CASE("a published config.json is read, and its training keys are listed as ignored") {
  const HifiganConfig config = hifigan_config_from_json(published(), "config.json");
  CHECK(config.resblock == 1);
  CHECK(config.hop_samples() == 256);
  CHECK(config.stage_channels(3) == 32);
  CHECK(config.mel_bands == 80);
  CHECK(config.sample_rate_hz == 22050);
  CHECK(config.fft_size == 1024);
  CHECK(config.max_hz == 8000.0);
  CHECK(config.ignored.size() == 12);
  CHECK(hifigan_config_to_json(config) == hifigan_config_to_json(hifigan_variant(1)));
}

TEST_CASE("a BigVGAN config.json is read") {
  json file = published();
  file.update(json::parse(R"({
    "activation": "snakebeta", "snake_logscale": true, "use_tanh_at_final": false,
    "use_bias_at_final": false, "fmax": null, "use_cqtd_instead_of_mrd": true,
    "cqtd_filters": 128, "cqtd_hop_lengths": [512, 256, 256], "mpd_reshapes": [2, 3, 5, 7, 11],
    "use_spectral_norm": false, "discriminator_channel_mult": 1, "use_multiscale_melloss": true,
    "lambda_melloss": 15, "clip_grad_norm": 500, "normalize_volume": true, "resolutions": [[1]]
  })"));
  const HifiganConfig config = hifigan_config_from_json(file, "config.json");
  CHECK(config.activation == HifiganActivation::snakebeta);
  CHECK(config.snake_logscale);
  CHECK_FALSE(config.use_tanh_at_final);
  CHECK_FALSE(config.use_bias_at_final);
  CHECK(config.max_hz == 0.0);  // half the rate
}

TEST_CASE("every alias of an analysis field is understood, two at once are refused") {
  const std::vector<std::vector<std::string>> aliases = {{"sampling_rate", "sample_rate"},
                                                         {"n_fft", "fft_size", "filter_length"},
                                                         {"hop_size", "hop_length"},
                                                         {"win_size", "win_length"},
                                                         {"num_mels", "n_mels", "n_mel_channels"},
                                                         {"fmin", "mel_fmin"},
                                                         {"fmax", "mel_fmax"}};
  const json expected = hifigan_config_to_json(hifigan_config_from_json(published(), "c"));
  for (const auto& names : aliases) {
    for (std::size_t i = 1; i < names.size(); ++i) {
      INFO(names[i]);
      json file = published();
      file[names[i]] = file[names[0]];
      check_refused(file, {"voice.json", names[0], names[i]});
      file.erase(names[0]);
      CHECK(hifigan_config_to_json(hifigan_config_from_json(file, "c")) == expected);
    }
  }
}

TEST_CASE("configurations survive being written and read") {
  for (const auto& [name, config] : small_hifigans()) {
    INFO(name);
    const json written = hifigan_config_to_json(config);
    const HifiganConfig read = hifigan_config_from_json(written, "written");
    CHECK(hifigan_config_to_json(read) == written);
    CHECK(hifigan_tensor_shapes(read) == hifigan_tensor_shapes(config));
    CHECK(read.use_tanh_at_final == config.use_tanh_at_final);
    CHECK(read.snake_logscale == config.snake_logscale);
  }
}

TEST_CASE("what the network cannot be is refused by field, expected and found") {
  const auto with = [](const char* key, const json& value) {
    json file = published();
    file[key] = value;
    return file;
  };
  check_refused(with("resblock", "3"), {"voice.json", "resblock", "'3'"});
  check_refused(with("upsample_rates", {8, 8, 2}), {"upsample_kernel_sizes", "3", "4"});
  check_refused(with("upsample_rates", {8, 8, 2, 4}), {"hop_size", "512", "256"});
  check_refused(with("upsample_kernel_sizes", {16, 15, 4, 4}), {"upsample_kernel_sizes[1]", "15"});
  check_refused(with("upsample_kernel_sizes", {16, 16, 4, 1}), {"upsample_kernel_sizes[3]", "1"});
  check_refused(with("resblock_kernel_sizes", {3, 7, 10}), {"resblock_kernel_sizes[2]", "10"});
  check_refused(with("resblock_dilation_sizes", {{1, 3}, {1, 3}}),
                {"resblock_dilation_sizes", "3", "2"});
  check_refused(with("resblock_dilation_sizes", {{1}, {1}, {0}}),
                {"resblock_dilation_sizes[2][0]", "0"});
  check_refused(with("resblock_dilation_sizes", "x"), {"resblock_dilation_sizes", "string"});
  check_refused(with("upsample_initial_channel", 8), {"upsample_initial_channel", "16", "8"});
  check_refused(with("activation", "gelu"), {"activation", "gelu", "snake"});
  check_refused(with("gen_istft_n_fft", 16), {"gen_istft_hop_size"});
  check_refused(with("num_speakers", 4), {"gin_channels"});
  check_refused(with("fmax", 12000), {"fmax", "12000"});
  check_refused(with("sampling_rate", "22050"), {"sampling_rate", "22050"});
  // A product beyond any hop, and one beyond any integer.
  check_refused(with("upsample_rates", {4000, 4000, 4000, 4000}), {"upsample_"});
}

TEST_CASE("a key that might change the network is refused by name") {
  json file = published();
  file["use_causal_conv"] = true;
  check_refused(file, {"voice.json", "use_causal_conv"});
}
