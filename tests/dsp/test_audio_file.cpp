#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "dsp/audio_file.h"
#include "dsp/level.h"
#include "dsp/wav_container.h"
#include "tests/support/largest_difference.h"
#include "tests/support/temporary_folder.h"

using namespace ondes;

namespace {

std::vector<float> test_signal(int frames, int channels) {
  std::vector<float> x(static_cast<std::size_t>(frames * channels));
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(0.9 * std::sin(0.37 * static_cast<double>(i)));
  }
  return x;
}

void write_file(const std::string& path,
                const std::vector<float>& x,
                const AudioWriteOptions& options,
                int block_frames = 1 << 20) {
  AudioFileWriter writer(path, options);
  const int frames = static_cast<int>(x.size()) / options.channels;
  const ConstFrames all(x.data(), frames, options.channels);
  for (int first = 0; first < frames; first += block_frames) {
    writer.write(all.subview(first, std::min(block_frames, frames - first)));
  }
  const AudioWriteReport report = writer.finish();
  REQUIRE(report.frames == frames);
}

std::vector<std::byte> file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> chars{std::istreambuf_iterator<char>(file), {}};
  std::vector<std::byte> bytes(chars.size());
  std::memcpy(bytes.data(), chars.data(), chars.size());
  return bytes;
}

double step_of(SampleFormat format) {
  return format == SampleFormat::float32 ? 0.0 : std::ldexp(1.0, 1 - 8 * bytes_per_sample(format));
}

}  // namespace

TEST_CASE("every format, channel count and length comes back within its rounding") {
  const TemporaryFolder folder;
  for (const char* name : {"a.wav", "a.flac"}) {
    for (const auto format : {SampleFormat::pcm16, SampleFormat::pcm24, SampleFormat::float32}) {
      const bool is_flac = std::string(name) == "a.flac";
      if (is_flac && format == SampleFormat::float32) {
        continue;
      }
      for (const int channels : {1, 2, 3, 8}) {
        for (const int frames : {0, 1, 4095, 4097, 9999}) {
          if (is_flac && frames == 0) {
            continue;
          }
          CAPTURE(name, static_cast<int>(format), channels, frames);
          const std::vector<float> x = test_signal(frames, channels);
          write_file(folder.file(name), x,
                     {.sample_rate_hz = 24000, .channels = channels, .format = format}, 1000);
          const AudioClip clip = read_audio_file(folder.file(name));
          REQUIRE(clip.info.frames == frames);
          REQUIRE(clip.info.channels == channels);
          REQUIRE(clip.info.sample_rate_hz == 24000);
          REQUIRE(clip.samples.size() == x.size());
          // Half a step of rounding, one of dither.
          CHECK(largest_difference(clip.samples, x) <= 1.5 * step_of(format));
        }
      }
    }
  }
}

TEST_CASE("WAV and FLAC of one signal hold the same integers") {
  const TemporaryFolder folder;
  const std::vector<float> x = test_signal(5000, 2);
  for (const auto format : {SampleFormat::pcm16, SampleFormat::pcm24}) {
    const AudioWriteOptions options{
        .sample_rate_hz = 44100, .channels = 2, .format = format, .dither_seed = 5};
    write_file(folder.file("a.wav"), x, options);
    write_file(folder.file("a.flac"), x, options);
    CHECK(read_audio_file(folder.file("a.wav")).samples ==
          read_audio_file(folder.file("a.flac")).samples);
  }
}

TEST_CASE("without dither a sample on a code is that code, and +-1.2 is clamped, not wrapped") {
  const TemporaryFolder folder;
  const std::vector<float> x{0.5F, -0.25F, 1.2F, -1.2F, 1.0F, -1.0F, 0.0F};
  const std::vector<float> expected{0.5F,  -0.25F, 32767.0F / 32768.0F, -1.0F, 32767.0F / 32768.0F,
                                    -1.0F, 0.0F};
  for (const char* name : {"a.wav", "a.flac"}) {
    write_file(folder.file(name), x,
               {.sample_rate_hz = 8000, .dither = false, .clip = ClipPolicy::clamp});
    CHECK(read_audio_file(folder.file(name)).samples == expected);
  }
}

TEST_CASE("float keeps what lies over full scale, under either policy") {
  const TemporaryFolder folder;
  const std::vector<float> x{0.5F, 1.7F, -3.0F};
  AudioFileWriter writer(folder.file("a.wav"),
                         {.sample_rate_hz = 8000, .format = SampleFormat::float32});
  writer.write({x.data(), 3, 1});
  const AudioWriteReport report = writer.finish();
  CHECK(report.clipped_samples == 2);
  CHECK(report.peak == 3.0);
  CHECK(read_audio_file(folder.file("a.wav")).samples == x);
}

TEST_CASE("sample i of frame t is dithered by the value at position t * channels + i") {
  const TemporaryFolder folder;
  const std::vector<float> x = test_signal(9000, 2);
  write_file(folder.file("a.wav"), x, {.sample_rate_hz = 24000, .channels = 2, .dither_seed = 11});
  const AudioClip clip = read_audio_file(folder.file("a.wav"));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const int expected = quantise(x[i], 16, tpdf_dither(11, i));
    REQUIRE(clip.samples[i] == static_cast<float>(expected) / 32768.0F);
  }
}

TEST_CASE("any cutting into blocks, through any stride, gives the same bytes") {
  const TemporaryFolder folder;
  const std::vector<float> x = test_signal(20000, 2);
  for (const char* extension : {".wav", ".flac"}) {
    const AudioWriteOptions options{
        .sample_rate_hz = 24000, .channels = 2, .dither_seed = 9, .text = "{\"seed\":9}"};
    const std::string whole = folder.file(std::string("whole") + extension);
    const std::string cut = folder.file(std::string("cut") + extension);
    write_file(whole, x, options);
    write_file(cut, x, options, 37);
    CHECK(file_bytes(whole) == file_bytes(cut));

    std::vector<float> strided(5 * 20000, 7.0F);
    for (std::size_t t = 0; t < 20000; ++t) {
      strided[5 * t] = x[2 * t];
      strided[5 * t + 1] = x[2 * t + 1];
    }
    AudioFileWriter writer(cut, options);
    writer.write({strided.data(), 20000, 2, 5});
    writer.finish();
    CHECK(file_bytes(whole) == file_bytes(cut));
  }
}

TEST_CASE("text comes back from WAV and FLAC up to 64 KiB") {
  const TemporaryFolder folder;
  const std::vector<float> x = test_signal(100, 1);
  for (const char* name : {"a.wav", "a.flac"}) {
    for (const std::size_t bytes : {0U, 1U, 2U, 2047U, 2048U, 65535U, 65536U}) {
      CAPTURE(name, bytes);
      std::string text = bytes > 8 ? "{\"n\":\"\xC3\xA9\"" : "";
      text.resize(bytes, 'x');
      write_file(folder.file(name), x, {.sample_rate_hz = 24000, .text = text});
      const AudioClip clip = read_audio_file(folder.file(name));
      CHECK(clip.info.text == text);
      CHECK(clip.samples.size() == 100);
    }
  }
}

TEST_CASE("a WAV in memory reads as from disk") {
  const TemporaryFolder folder;
  const std::vector<float> x = test_signal(300, 2);
  write_file(folder.file("a.wav"), x,
             {.sample_rate_hz = 24000, .channels = 2, .format = SampleFormat::float32});
  const std::vector<std::byte> bytes = file_bytes(folder.file("a.wav"));
  AudioFileReader reader(bytes, "memory");
  REQUIRE(reader.info().frames == 300);
  std::vector<float> strided(300 * 3, 5.0F);
  CHECK(reader.read({strided.data(), 200, 2, 3}) == 200);
  CHECK(reader.read({strided.data() + 600, 100, 2, 3}) == 100);
  CHECK(reader.read({strided.data(), 100, 2, 3}) == 0);
  for (std::size_t t = 0; t < 300; ++t) {
    REQUIRE(strided[3 * t + 1] == x[2 * t + 1]);
    REQUIRE(strided[3 * t + 2] == 5.0F);
  }
}

TEST_CASE("past 4 GiB the header becomes RF64 and keeps its size") {
  const AudioWriteOptions options{.sample_rate_hz = 48000, .channels = 2, .text = "abc"};
  const std::int64_t largest = (0xFFFFFFFEll - 200) / 4;
  const auto small = wav_header(options, 10);
  const auto fits = wav_header(options, largest);
  const auto big = wav_header(options, largest + 100);
  CHECK(std::memcmp(fits.data(), "RIFF", 4) == 0);
  CHECK(std::memcmp(big.data(), "RF64", 4) == 0);
  CHECK(small.size() == big.size());
  CHECK(wav_header(options, std::nullopt).size() == big.size());

  // A sparse file of 5 GB behind such a header; only its first and last frames are looked at.
  const TemporaryFolder folder;
  const std::string path = folder.file("big.wav");
  const std::int64_t frames = 1'250'000'000;
  const auto header = wav_header(options, frames);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(header.data()), std::ssize(header));
  std::error_code error;
  std::filesystem::resize_file(path, header.size() + static_cast<std::uintmax_t>(frames) * 4,
                               error);
  if (error) {
    WARN("skipped: this file system holds no sparse file of 5 GB");
    return;
  }
  AudioFileReader reader(path);
  CHECK(reader.info().frames == frames);
  CHECK(reader.info().text == "abc");
  // One frame less than promised is noticed at this size too.
  std::filesystem::resize_file(path, header.size() + static_cast<std::uintmax_t>(frames - 1) * 4);
  CHECK_THROWS_WITH(AudioFileReader(path), Catch::Contains("4 bytes"));
}

TEST_CASE("raw output is the samples and nothing else") {
  const TemporaryFolder folder;
  const std::vector<float> x{0.5F, -0.5F, 0.25F};
  write_file(folder.file("a.raw"), x,
             {.sample_rate_hz = 8000,
              .format = SampleFormat::pcm24,
              .container = AudioContainer::raw,
              .dither = false});
  const std::vector<std::byte> bytes = file_bytes(folder.file("a.raw"));
  const std::vector<int> expected{0, 0, 0x40, 0, 0, 0xC0, 0, 0, 0x20};
  REQUIRE(bytes.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(std::to_integer<int>(bytes[i]) == expected[i]);
  }
}
