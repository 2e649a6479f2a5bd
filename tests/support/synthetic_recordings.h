// A folder of short tones as sound files, and a configuration of a mel voice that trains on them in
// a moment.
#pragma once
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dsp/audio_file.h"

namespace ondes {

inline void write_tone(const std::filesystem::path& path, double hz, int samples, int rate_hz) {
  std::filesystem::create_directories(path.parent_path());
  std::vector<float> audio(static_cast<std::size_t>(samples));
  for (int n = 0; n < samples; ++n) {
    const double turn = 2.0 * M_PI * hz * n / rate_hz;
    audio[static_cast<std::size_t>(n)] =
        static_cast<float>(0.3 * std::sin(turn) + 0.1 * std::sin(3.0 * turn));
  }
  AudioWriteOptions options;
  options.sample_rate_hz = rate_hz;
  options.format = SampleFormat::float32;
  AudioFileWriter writer(path.string(), options);
  writer.write({audio.data(), samples, 1});
  writer.finish();
}

// Eight tones between 200 and 480 Hz, at 8 kHz but for the last one, in two subfolders.
inline void write_synthetic_recordings(const std::filesystem::path& folder) {
  for (int i = 0; i < 8; ++i) {
    write_tone(folder / (i % 2 == 0 ? "even" : "odd") / ("tone" + std::to_string(i) + ".wav"),
               200.0 + 40.0 * i, 3000 + 100 * i, i == 7 ? 16000 : 8000);
  }
}

inline nlohmann::json synthetic_mel_recipe() {
  return nlohmann::json::parse(R"({
    "name": "tones", "licence": "CC0-1.0",
    "network": {"resblock": "2", "upsample_rates": [8, 4], "upsample_kernel_sizes": [16, 8],
                "upsample_initial_channel": 16, "resblock_kernel_sizes": [3],
                "resblock_dilation_sizes": [[1, 2]], "num_mels": 20},
    "features": {"kind": "mel", "sample_rate": 8000, "fft": 128, "hop": 32, "window": 128,
                 "mels": 20, "fmin": 0, "fmax": 4000, "scale": "slaney", "norm": "slaney",
                 "magnitude": "amplitude", "magnitude_epsilon": 1e-9, "log": "ln",
                 "floor": 1e-5, "padding": "reflect_hop"},
    "corpus": {"validation_share": 0.2},
    "training": {"steps": 8, "segments": 2, "segment_samples": 512, "adversarial_from_step": 4,
                 "learning_rate": 0.002, "validate_every": 4, "validation_batches": 2,
                 "stft_resolutions": [{"fft_size": 128, "hop": 32}],
                 "discriminators": {"periods": [2, 3], "period_channels": 2, "scales": 1,
                                    "scale_channels": 16, "resolution_channels": 2,
                                    "resolutions": [{"fft_size": 64, "hop": 16}]}}
  })");
}

}  // namespace ondes
