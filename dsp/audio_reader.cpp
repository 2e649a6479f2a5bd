#include <fcntl.h>
#include <sndfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <system_error>

#include "dsp/audio_file.h"
#include "dsp/wav_container.h"
#include "engine/error.h"

namespace ondes {

namespace {

constexpr int kMaxChannels = 64;
constexpr std::size_t kMaxPipeBytes = std::size_t{1} << 30U;
constexpr int kReadFrames = 16384;

[[noreturn]] void fail_io(const std::string& name, const std::string& what, int error_number) {
  throw Error(ErrorCode::io,
              name + ": " + what + ": " + std::generic_category().message(error_number));
}

// Bytes with a position, from a regular file or from memory.
struct Source {
  int descriptor = -1;
  std::span<const std::byte> bytes;
  std::vector<std::byte> owned;  // what came through a pipe
  std::int64_t size = 0;
  std::int64_t position = 0;
  int error_number = 0;

  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source() {
    if (descriptor >= 0) {
      ::close(descriptor);
    }
  }

  std::size_t read_at(std::int64_t at, std::span<std::byte> out) noexcept {
    if (at < 0 || at >= size) {
      return 0;
    }
    const std::size_t wanted = std::min(out.size(), static_cast<std::size_t>(size - at));
    if (descriptor < 0) {
      std::memcpy(out.data(), bytes.data() + at, wanted);
      return wanted;
    }
    std::size_t done = 0;
    while (done < wanted) {
      const ssize_t count = ::pread(descriptor, out.data() + done, wanted - done,
                                    at + static_cast<std::int64_t>(done));
      if (count < 0 && errno == EINTR) {
        continue;
      }
      if (count <= 0) {
        error_number = count < 0 ? errno : 0;
        break;
      }
      done += static_cast<std::size_t>(count);
    }
    return done;
  }
};

void slurp(Source& source, int descriptor, const std::string& name) {
  std::vector<std::byte>& all = source.owned;
  for (;;) {
    const std::size_t before = all.size();
    all.resize(before + (std::size_t{1} << 16U));
    const ssize_t count = ::read(descriptor, all.data() + before, all.size() - before);
    const int error_number = errno;
    all.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && error_number != EINTR) {
      fail_io(name, "cannot read", error_number);
    }
    if (count == 0) {
      break;
    }
    if (all.size() > kMaxPipeBytes) {
      throw Error(ErrorCode::bad_input, name + ": more than 1 GiB through a pipe; use a file");
    }
  }
  source.bytes = all;
  source.size = std::ssize(all);
}

void open_source(Source& source, const std::string& path, const std::string& name) {
  if (path == "-") {
    slurp(source, STDIN_FILENO, name);
    return;
  }
  source.descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (source.descriptor < 0 || ::fstat(source.descriptor, &status) != 0) {
    fail_io(name, "cannot open", errno);
  }
  if (S_ISDIR(status.st_mode)) {
    fail_io(name, "cannot read", EISDIR);
  }
  if (!S_ISREG(status.st_mode)) {
    slurp(source, source.descriptor, name);
    ::close(source.descriptor);
    source.descriptor = -1;
    return;
  }
  source.size = status.st_size;
}

sf_count_t source_size(void* user) {
  return static_cast<Source*>(user)->size;
}
sf_count_t source_tell(void* user) {
  return static_cast<Source*>(user)->position;
}

sf_count_t source_seek(sf_count_t offset, int whence, void* user) {
  auto* source = static_cast<Source*>(user);
  const std::int64_t base =
      whence == SEEK_SET ? 0 : (whence == SEEK_CUR ? source->position : source->size);
  // libsndfile adds untrusted lengths; a place outside the file is its end.
  source->position = std::clamp<std::int64_t>(
      base + std::clamp<std::int64_t>(offset, -source->size, source->size), 0, source->size);
  return source->position;
}

sf_count_t source_read(void* target, sf_count_t count, void* user) {
  auto* source = static_cast<Source*>(user);
  if (count <= 0) {
    return 0;
  }
  const std::size_t done = source->read_at(
      source->position, {static_cast<std::byte*>(target), static_cast<std::size_t>(count)});
  source->position += static_cast<std::int64_t>(done);
  return static_cast<sf_count_t>(done);
}

sf_count_t source_write(const void*, sf_count_t, void*) {
  return 0;
}

std::string format_name(SNDFILE* file, int format) {
  std::string name;
  for (const int part : {format & SF_FORMAT_TYPEMASK, format & SF_FORMAT_SUBMASK}) {
    SF_FORMAT_INFO info{};
    info.format = part;
    if (sf_command(file, SFC_GET_FORMAT_INFO, &info, sizeof(info)) == 0 && info.name != nullptr) {
      name += (name.empty() ? "" : ", ") + std::string(info.name);
    }
  }
  return name;
}

}  // namespace

struct AudioFileReader::Impl {
  std::string name;
  Source source;
  SNDFILE* file = nullptr;
  AudioInfo info;
  std::int64_t position_frames = 0;
  std::vector<float> packed;  // for views with a stride

  ~Impl() {
    if (file != nullptr) {
      sf_close(file);
    }
  }

  void open() {
    const WavScan scan = scan_wav(
        [this](std::int64_t at, std::span<std::byte> out) { return source.read_at(at, out); },
        source.size);
    if (scan.is_wav && !scan.has_data) {
      throw Error(ErrorCode::bad_input, name + ": a WAV file that ends before its sound begins");
    }
    if (scan.missing_bytes > 0) {
      throw Error(ErrorCode::bad_input, name + ": cut short: its header promises " +
                                            std::to_string(scan.missing_bytes) +
                                            " bytes of sound more than the file holds");
    }
    SF_VIRTUAL_IO io{source_size, source_seek, source_read, source_write, source_tell};
    SF_INFO found{};
    file = sf_open_virtual(&io, SFM_READ, &found, &source);
    if (source.error_number != 0) {
      fail_io(name, "cannot read", source.error_number);
    }
    if (file == nullptr) {
      throw Error(ErrorCode::bad_input,
                  name + ": no sound file that can be read: " + sf_strerror(nullptr));
    }
    if (found.channels < 1 || found.channels > kMaxChannels || found.samplerate < 1) {
      throw Error(ErrorCode::bad_input, name + ": expected 1.." + std::to_string(kMaxChannels) +
                                            " channels and a sample rate, found " +
                                            std::to_string(found.channels) + " channels at " +
                                            std::to_string(found.samplerate) + " Hz");
    }
    info.frames = found.frames >= 0 && found.frames < SF_COUNT_MAX ? found.frames : -1;
    info.channels = found.channels;
    info.sample_rate_hz = found.samplerate;
    info.format = format_name(file, found.format);
    const char* comment = sf_get_string(file, SF_STR_COMMENT);
    info.text = !scan.text.empty() ? scan.text : (comment != nullptr ? comment : "");
    if ((found.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_MPEG) {
      info.frames = -1;  // an estimate
    }
    if ((found.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_FLAC && info.frames > 0) {
      require_last_frame();
    }
  }

  // A FLAC's header promises a length that says nothing about the bytes behind it: only what can be
  // decoded does.
  void require_last_frame() {
    std::vector<float> frame(static_cast<std::size_t>(info.channels));
    const bool whole = sf_seek(file, info.frames - 1, SEEK_SET) == info.frames - 1 &&
                       sf_readf_float(file, frame.data(), 1) == 1;
    if (source.error_number != 0) {
      fail_io(name, "cannot read", source.error_number);
    }
    if (!whole || sf_seek(file, 0, SEEK_SET) != 0) {
      throw Error(ErrorCode::bad_input, name + ": cut short or damaged: its header promises " +
                                            std::to_string(info.frames) +
                                            " frames, and the last one cannot be decoded");
    }
  }

  int read(float* out, int frames) {
    const sf_count_t count = sf_readf_float(file, out, frames);
    if (source.error_number != 0) {
      fail_io(name, "cannot read", source.error_number);
    }
    const auto values = static_cast<std::size_t>(count) * static_cast<std::size_t>(info.channels);
    for (std::size_t i = 0; i < values; ++i) {
      if (!std::isfinite(out[i])) {
        const auto frame = position_frames + static_cast<std::int64_t>(i) / info.channels;
        throw Error(ErrorCode::bad_input, name + ": frame " + std::to_string(frame) +
                                              " holds a value that is not a number or infinite");
      }
    }
    position_frames += count;
    if (count < frames && info.frames >= 0 && position_frames < info.frames) {
      throw Error(ErrorCode::bad_input, name + ": cut short or damaged: expected " +
                                            std::to_string(info.frames) + " frames, found " +
                                            std::to_string(position_frames));
    }
    return static_cast<int>(count);
  }
};

AudioFileReader::AudioFileReader(const std::string& path) : impl_(std::make_unique<Impl>()) {
  impl_->name = path == "-" ? "standard input" : path;
  open_source(impl_->source, path, impl_->name);
  impl_->open();
}

AudioFileReader::AudioFileReader(std::span<const std::byte> bytes, const std::string& name)
    : impl_(std::make_unique<Impl>()) {
  impl_->name = name;
  impl_->source.bytes = bytes;
  impl_->source.size = std::ssize(bytes);
  impl_->open();
}

AudioFileReader::~AudioFileReader() = default;
AudioFileReader::AudioFileReader(AudioFileReader&&) noexcept = default;
AudioFileReader& AudioFileReader::operator=(AudioFileReader&&) noexcept = default;

const AudioInfo& AudioFileReader::info() const noexcept {
  return impl_->info;
}

int AudioFileReader::read(Frames out) {
  assert(out.channels() == impl_->info.channels);
  if (out.stride() == out.channels()) {
    return impl_->read(out.data(), out.frames());
  }
  const auto channels = static_cast<std::size_t>(out.channels());
  impl_->packed.resize(static_cast<std::size_t>(out.frames()) * channels);
  const int count = impl_->read(impl_->packed.data(), out.frames());
  for (int t = 0; t < count; ++t) {
    const float* frame = impl_->packed.data() + static_cast<std::size_t>(t) * channels;
    std::copy_n(frame, channels, out[t].begin());
  }
  return count;
}

AudioClip read_audio_file(const std::string& path, std::int64_t max_frames) {
  AudioFileReader reader(path);
  AudioClip clip;
  clip.info = reader.info();
  const auto channels = static_cast<std::size_t>(clip.info.channels);
  std::vector<float> block(static_cast<std::size_t>(kReadFrames) * channels);
  std::int64_t frames = 0;
  for (;;) {
    const int count = reader.read({block.data(), kReadFrames, clip.info.channels});
    frames += count;
    if (frames > max_frames) {
      throw Error(ErrorCode::bad_input, path + ": expected at most " + std::to_string(max_frames) +
                                            " frames, found more");
    }
    clip.samples.insert(
        clip.samples.end(), block.begin(),
        block.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(count) * channels));
    if (count < kReadFrames) {
      break;
    }
  }
  clip.info.frames = frames;
  return clip;
}

}  // namespace ondes
