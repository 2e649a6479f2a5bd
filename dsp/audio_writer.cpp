#include <sndfile.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "dsp/audio_file.h"
#include "dsp/level.h"
#include "dsp/pending_file_internal.h"
#include "dsp/wav_container.h"
#include "engine/error.h"

namespace ondes {

namespace {

constexpr int kBlockFrames = 4096;

[[noreturn]] void fail_usage(const std::string& path, const std::string& what) {
  throw Error(ErrorCode::usage, path + ": " + what);
}

AudioContainer container_of(const std::string& path) {
  if (path == "-") {
    return AudioContainer::wav;
  }
  const std::size_t dot = path.find_last_of("./");
  std::string extension = dot == std::string::npos || path[dot] == '/' ? "" : path.substr(dot + 1);
  for (char& c : extension) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (extension == "wav" || extension == "wave") {
    return AudioContainer::wav;
  }
  if (extension == "flac") {
    return AudioContainer::flac;
  }
  fail_usage(path, "expected a name that ends in .wav or .flac, found '" + extension + "'");
}

AudioWriteOptions checked(const std::string& path, AudioWriteOptions options) {
  if (options.container == AudioContainer::by_extension) {
    options.container = container_of(path);
  }
  const bool is_flac = options.container == AudioContainer::flac;
  const int max_channels = is_flac ? 8 : 64;
  const int max_rate_hz = is_flac ? 655350 : 1 << 24;  // STREAMINFO's 20 bits, libsndfile's limit
  if (options.channels < 1 || options.channels > max_channels) {
    fail_usage(path, "expected 1.." + std::to_string(max_channels) + " channels, found " +
                         std::to_string(options.channels));
  }
  if (options.sample_rate_hz < 1 || options.sample_rate_hz > max_rate_hz) {
    fail_usage(path, "expected a sample rate of 1.." + std::to_string(max_rate_hz) + " Hz, found " +
                         std::to_string(options.sample_rate_hz));
  }
  if (is_flac && options.format == SampleFormat::float32) {
    fail_usage(path, "FLAC holds 16 or 24 bit integers, not float; use .wav");
  }
  if (options.text.size() > kMaxAudioTextBytes || options.text.find('\0') != std::string::npos) {
    fail_usage(path, "expected text of at most " + std::to_string(kMaxAudioTextBytes) +
                         " bytes without NUL, found " + std::to_string(options.text.size()));
  }
  if (options.container == AudioContainer::raw && !options.text.empty()) {
    fail_usage(path, "a raw file has no place for text");
  }
  return options;
}

sf_count_t file_size(void* user) {
  return static_cast<PendingFile*>(user)->size();
}
sf_count_t file_tell(void* user) {
  return static_cast<PendingFile*>(user)->position();
}

sf_count_t file_seek(sf_count_t offset, int whence, void* user) {
  auto* file = static_cast<PendingFile*>(user);
  const std::int64_t base =
      whence == SEEK_SET ? 0 : (whence == SEEK_CUR ? file->position() : file->size());
  file->seek(std::max<std::int64_t>(0, base + offset));
  return file->position();
}

sf_count_t file_read(void* target, sf_count_t count, void* user) {
  return static_cast<sf_count_t>(static_cast<PendingFile*>(user)->read(
      {static_cast<std::byte*>(target), static_cast<std::size_t>(count)}));
}

sf_count_t file_write(const void* bytes, sf_count_t count, void* user) {
  const bool taken = static_cast<PendingFile*>(user)->write(
      {static_cast<const std::byte*>(bytes), static_cast<std::size_t>(count)});
  return taken ? count : 0;
}

void append_little_endian(std::vector<std::byte>& bytes, std::uint32_t value, int count) {
  for (int i = 0; i < count; ++i) {
    bytes.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
}

}  // namespace

struct AudioFileWriter::Impl {
  std::string path;
  AudioWriteOptions options;
  PendingFile file;
  SNDFILE* flac = nullptr;
  std::int64_t next_frame = 0;  // of the block in hand
  AudioWriteReport report;
  std::vector<std::byte> bytes;
  std::vector<int> left_justified;

  Impl(const std::string& target, const AudioWriteOptions& wanted)
      : path(target), options(checked(target, wanted)), file(target) {
    if (options.container == AudioContainer::flac) {
      open_flac();
    } else if (options.container == AudioContainer::wav) {
      file.write(wav_header(options, std::nullopt));
      file.check();
    }
  }
  ~Impl() {
    if (flac != nullptr) {
      sf_close(flac);
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  int bits() const noexcept { return 8 * bytes_per_sample(options.format); }

  void open_flac() {
    if (!file.is_seekable()) {
      fail_usage(path, "FLAC cannot be written to a pipe or device; write WAV or to a file");
    }
    SF_VIRTUAL_IO io{file_size, file_seek, file_read, file_write, file_tell};
    SF_INFO info{};
    info.samplerate = options.sample_rate_hz;
    info.channels = options.channels;
    info.format = SF_FORMAT_FLAC |
                  (options.format == SampleFormat::pcm16 ? SF_FORMAT_PCM_16 : SF_FORMAT_PCM_24);
    flac = sf_open_virtual(&io, SFM_WRITE, &info, &file);
    file.check();
    if (flac == nullptr) {
      throw Error(ErrorCode::io, path + ": cannot write FLAC: " + sf_strerror(nullptr));
    }
    if (!options.text.empty()) {
      sf_set_string(flac, SF_STR_COMMENT, options.text.c_str());
    }
  }

  void measure(float x) {
    if (!std::isfinite(x)) {
      throw Error(ErrorCode::bad_input, path + ": frame " + std::to_string(next_frame) +
                                            " holds a value that is not a number or infinite");
    }
    const double magnitude = std::abs(static_cast<double>(x));
    report.peak = std::max(report.peak, magnitude);
    report.clipped_samples += magnitude > 1.0 ? 1 : 0;
  }

  void encode(float x, int channel) {
    if (options.format == SampleFormat::float32) {
      std::uint32_t pattern = 0;
      std::memcpy(&pattern, &x, sizeof(pattern));
      append_little_endian(bytes, pattern, 4);
      return;
    }
    const std::int64_t position = next_frame * options.channels + channel;
    const double dither =
        options.dither ? tpdf_dither(options.dither_seed, static_cast<std::uint64_t>(position))
                       : 0.0;
    const auto value = static_cast<std::uint32_t>(quantise(x, bits(), dither));
    if (flac != nullptr) {
      left_justified.push_back(static_cast<int>(value << (32 - bits())));
    } else {
      append_little_endian(bytes, value, bits() / 8);
    }
  }

  void write(ConstFrames block) {
    bytes.clear();
    left_justified.clear();
    for (int t = 0; t < block.frames(); ++t, ++next_frame) {
      const auto frame = block[t];
      for (int c = 0; c < block.channels(); ++c) {
        measure(frame[static_cast<std::size_t>(c)]);
        encode(frame[static_cast<std::size_t>(c)], c);
      }
    }
    if (flac != nullptr) {
      const sf_count_t taken = sf_writef_int(flac, left_justified.data(), block.frames());
      file.check();
      if (taken != block.frames()) {
        throw Error(ErrorCode::io, path + ": cannot write FLAC: " + sf_strerror(flac));
      }
    } else {
      file.write(bytes);
      file.check();
    }
    report.frames = next_frame;
  }

  void refuse_clipping() const {
    if (report.clipped_samples == 0 || options.clip == ClipPolicy::clamp ||
        options.format == SampleFormat::float32) {
      return;
    }
    char level[32];
    std::snprintf(level, sizeof(level), "%+.2f dBFS", amplitude_to_db(report.peak));
    throw Error(ErrorCode::threshold, path + ": " + std::to_string(report.clipped_samples) +
                                          " samples over full scale, peak " + level +
                                          (file.is_seekable() ? "; no file written" : ""));
  }

  void complete() {
    if (flac != nullptr) {
      if (report.frames == 0) {
        throw Error(ErrorCode::bad_input,
                    path + ": libsndfile writes no FLAC of 0 frames; use .wav");
      }
      const int status = sf_close(flac);
      flac = nullptr;
      file.check();
      if (status != SF_ERR_NO_ERROR) {
        throw Error(ErrorCode::io, path + ": cannot finish FLAC: " + sf_error_number(status));
      }
    } else if (options.container == AudioContainer::wav) {
      if (file.is_seekable()) {
        const std::int64_t data_bytes = report.frames * options.channels * (bits() / 8);
        const std::byte pad{0};
        file.write({&pad, static_cast<std::size_t>(data_bytes & 1)});
        file.seek(0);
        file.write(wav_header(options, report.frames));
      }
      file.check();
    }
    if (file.is_seekable() && options.container != AudioContainer::raw) {
      verify();
    }
    file.commit();
  }

  // Reads the finished file's header back, because an encoder may lose data without a word.
  void verify() const {
    AudioInfo found;
    try {
      found = AudioFileReader(file.temporary_path()).info();
    } catch (const Error& error) {
      throw Error(ErrorCode::io, path + ": the finished file cannot be read: " + error.what());
    }
    if (found.frames != report.frames || found.channels != options.channels ||
        found.sample_rate_hz != options.sample_rate_hz) {
      throw Error(ErrorCode::io, path + ": the finished file is wrong: expected " +
                                     std::to_string(report.frames) + " frames, found " +
                                     std::to_string(found.frames));
    }
  }
};

AudioFileWriter::AudioFileWriter(const std::string& path, const AudioWriteOptions& options)
    : impl_(std::make_unique<Impl>(path, options)) {}
AudioFileWriter::~AudioFileWriter() = default;
AudioFileWriter::AudioFileWriter(AudioFileWriter&&) noexcept = default;
AudioFileWriter& AudioFileWriter::operator=(AudioFileWriter&&) noexcept = default;

void AudioFileWriter::write(ConstFrames block) {
  if (block.channels() != impl_->options.channels) {
    fail_usage(impl_->path, "expected blocks of " + std::to_string(impl_->options.channels) +
                                " channels, found " + std::to_string(block.channels()));
  }
  for (int first = 0; first < block.frames(); first += kBlockFrames) {
    impl_->write(block.subview(first, std::min(kBlockFrames, block.frames() - first)));
  }
}

const AudioWriteReport& AudioFileWriter::report() const noexcept {
  return impl_->report;
}

AudioWriteReport AudioFileWriter::finish() {
  impl_->refuse_clipping();
  impl_->complete();
  return impl_->report;
}

}  // namespace ondes
