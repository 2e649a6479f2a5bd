// Small HiFi-GAN generators of every kind, mels to feed them with, and ways to run them.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/plan/block_runner.h"
#include "models/hifigan/hifigan.h"
#include "models/random_weights.h"

namespace ondes {

// The published shapes with few channels (so that the judge is quick too), and one of each option.
inline std::vector<std::pair<std::string, HifiganConfig>> small_hifigans() {
  std::vector<std::pair<std::string, HifiganConfig>> all;
  for (const int variant : {1, 2, 3}) {
    HifiganConfig config = hifigan_variant(variant);
    config.mel_bands = 10;
    config.upsample_initial_channel = variant == 1 ? 32 : 16;
    all.emplace_back("V" + std::to_string(variant), config);
  }
  HifiganConfig istft = hifigan_variant(1);
  istft.mel_bands = 10;
  istft.upsample_initial_channel = 16;
  istft.upsample_rates = {8, 8};
  istft.upsample_kernel_sizes = {16, 16};
  istft.istft_fft_size = 16;
  istft.istft_hop_samples = 4;
  all.emplace_back("iSTFT head", istft);

  HifiganConfig snake = hifigan_variant(3);
  snake.mel_bands = 7;
  snake.upsample_initial_channel = 24;
  snake.upsample_rates = {4, 3, 2};
  snake.upsample_kernel_sizes = {8, 7, 4};
  snake.activation = HifiganActivation::snake;
  all.emplace_back("Snake", snake);

  HifiganConfig bigvgan = hifigan_variant(1);
  bigvgan.mel_bands = 10;
  bigvgan.upsample_initial_channel = 16;
  bigvgan.upsample_rates = {4, 2};
  bigvgan.upsample_kernel_sizes = {8, 4};
  bigvgan.activation = HifiganActivation::snakebeta;
  bigvgan.snake_logscale = true;
  bigvgan.use_tanh_at_final = false;
  bigvgan.use_bias_at_final = false;
  all.emplace_back("BigVGAN", bigvgan);

  HifiganConfig speakers = hifigan_variant(2);
  speakers.mel_bands = 5;
  speakers.upsample_initial_channel = 12;
  speakers.upsample_rates = {5, 2};
  speakers.upsample_kernel_sizes = {11, 4};
  speakers.speakers = 3;
  speakers.speaker_channels = 4;
  all.emplace_back("speakers", speakers);
  return all;
}

// (frames, bands), about as large as log-mels are.
inline std::vector<float> random_mel(int frames, int bands, std::uint64_t seed) {
  UniformWeights uniform(seed, 1);
  std::vector<float> mel(static_cast<std::size_t>(frames) * static_cast<std::size_t>(bands));
  for (float& value : mel) {
    value = uniform.next(1.5F);
  }
  return mel;
}

// The whole mel through stream 0 in blocks of the given sizes, over and over.
inline std::vector<float> run_blocks(BlockRunner& runner,
                                     ConstFrames mel,
                                     std::span<const int> block_frames) {
  std::vector<float> samples;
  std::vector<float> piece(static_cast<std::size_t>(runner.max_output_frames()));
  const Frames room(piece.data(), runner.max_output_frames(), 1);
  const auto append = [&](int made) {
    samples.insert(samples.end(), piece.begin(), piece.begin() + made);
  };
  runner.start(0);
  std::size_t next = 0;
  for (int t = 0; t < mel.frames();) {
    const int frames = std::min(block_frames[next++ % block_frames.size()], mel.frames() - t);
    const ConstFrames block = mel.subview(t, frames);
    append(runner.process(0, {&block, 1}, room));
    t += frames;
  }
  for (int made = 1; made != 0;) {
    made = runner.finish(0, room);
    append(made);
  }
  return samples;
}

inline float peak_of(std::span<const float> samples) {
  float peak = 0.0F;
  for (const float sample : samples) {
    peak = std::max(peak, std::fabs(sample));
  }
  return peak;
}

}  // namespace ondes
