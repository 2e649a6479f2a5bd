// What can go wrong with sound files: every case ends in one Error, and in a folder that holds what
// it held before.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "dsp/audio_file.h"
#include "engine/error.h"
#include "tests/support/temporary_folder.h"

using namespace ondes;

namespace {

using Names = std::vector<std::string>;

std::vector<float> noise(int frames) {
  std::vector<float> x(static_cast<std::size_t>(frames));
  std::uint32_t state = 1;
  for (float& value : x) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(state) * 0x1p-32F - 0.5F;
  }
  return x;
}

void write_file(const std::string& path,
                const std::vector<float>& x,
                const AudioWriteOptions& options = {.sample_rate_hz = 24000}) {
  AudioFileWriter writer(path, options);
  writer.write({x.data(), static_cast<int>(x.size()), 1});
  writer.finish();
}

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(std::string(error.what()).size() > 10);
    return error.code();
  }
  FAIL("no error was thrown");
  return ErrorCode::usage;
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void put(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Files may grow to `bytes` only while this lives; SIGXFSZ is ignored as a program of ours does.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    previous_handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &previous_);
    rlimit limited = previous_;
    limited.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limited);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &previous_);
    ::signal(SIGXFSZ, previous_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit previous_{};
  sighandler_t previous_handler_ = SIG_DFL;
};

}  // namespace

TEST_CASE("a disk that fills up at any moment is an error, and leaves the old file as it was") {
  const TemporaryFolder folder;
  const std::vector<float> x = noise(60000);
  for (const char* name : {"a.wav", "a.flac"}) {
    const std::string path = folder.file(name);
    put(path, "old");
    // Inside the header, inside the sound, and at its last bytes.
    write_file(folder.file(std::string("full-") + name), x);
    const auto full_bytes = std::filesystem::file_size(folder.file(std::string("full-") + name));
    std::filesystem::remove(folder.file(std::string("full-") + name));
    for (const rlim_t limit :
         {rlim_t{0}, rlim_t{10}, rlim_t{5000}, rlim_t{50000}, rlim_t{full_bytes - 1}}) {
      CAPTURE(name, limit);
      {
        const FileSizeLimit full(limit);
        CHECK(code_of([&] { write_file(path, x); }) == ErrorCode::io);
      }
      CHECK(contents(path) == "old");
      CHECK(folder.names() == Names{name});
    }
    {
      const FileSizeLimit just_enough(full_bytes);
      write_file(path, x);
    }
    CHECK(read_audio_file(path).samples.size() == 60000);
    std::filesystem::remove(path);
  }
}

TEST_CASE("/dev/full is an error, for the header and for FLAC's need to seek") {
  CHECK(code_of([] {
          write_file("/dev/full", noise(10),
                     {.sample_rate_hz = 24000, .container = AudioContainer::wav});
        }) == ErrorCode::io);
  CHECK(code_of([] {
          write_file("/dev/full", noise(10),
                     {.sample_rate_hz = 24000, .container = AudioContainer::flac});
        }) == ErrorCode::usage);
  CHECK(std::filesystem::is_character_file("/dev/full"));
}

TEST_CASE("targets that cannot be written are errors and nothing appears") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.file("folder.wav"));
  CHECK(code_of([&] { write_file(folder.file("folder.wav"), noise(9)); }) == ErrorCode::io);
  CHECK(code_of([&] { write_file(folder.file("no/such/a.wav"), noise(9)); }) == ErrorCode::io);
  CHECK(code_of([&] { write_file(folder.file("a.mp3"), noise(9)); }) == ErrorCode::usage);
  CHECK(code_of([&] { write_file(folder.file("noextension"), noise(9)); }) == ErrorCode::usage);
  CHECK(folder.names() == Names{"folder.wav"});
}

TEST_CASE("an abandoned writer leaves no file and keeps the old one") {
  const TemporaryFolder folder;
  put(folder.file("a.wav"), "old");
  {
    AudioFileWriter writer(folder.file("a.wav"), {.sample_rate_hz = 24000});
    const std::vector<float> x = noise(5000);
    writer.write({x.data(), 5000, 1});
    CHECK(folder.names().size() == 2);  // the temporary file is there while it is written
  }
  CHECK(folder.names() == Names{"a.wav"});
  CHECK(contents(folder.file("a.wav")) == "old");
}

TEST_CASE("a finished file replaces the old one, through a link and with its permissions") {
  const TemporaryFolder folder;
  put(folder.file("real.wav"), "old");
  ::chmod(folder.file("real.wav").c_str(), 0640);
  std::filesystem::create_symlink("real.wav", folder.file("link.wav"));
  write_file(folder.file("link.wav"), noise(100));
  CHECK(std::filesystem::is_symlink(folder.file("link.wav")));
  CHECK(read_audio_file(folder.file("real.wav")).samples.size() == 100);
  struct stat status {};
  REQUIRE(::stat(folder.file("real.wav").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0640U);
}

TEST_CASE("samples over full scale are counted, and refused under the policy `error`") {
  const TemporaryFolder folder;
  std::vector<float> x = noise(1000);
  x[10] = 1.5F;
  x[20] = -2.0F;
  x[30] = 1.0F;  // full scale itself is no clip
  {
    AudioFileWriter writer(folder.file("a.wav"), {.sample_rate_hz = 24000});
    writer.write({x.data(), 1000, 1});
    CHECK(writer.report().clipped_samples == 2);
    CHECK(writer.report().peak == 2.0);
    CHECK_THROWS_WITH(writer.finish(), Catch::Contains("2 samples over full scale") &&
                                           Catch::Contains("+6.02 dBFS"));
  }
  CHECK(folder.names().empty());
  CHECK(code_of([&] { write_file(folder.file("a.flac"), x); }) == ErrorCode::threshold);
  CHECK(folder.names().empty());
}

TEST_CASE("NaN and infinity are refused on writing, naming the frame") {
  const TemporaryFolder folder;
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    std::vector<float> x = noise(12000);
    x[2 * 4321 + 1] = bad;  // the right channel
    for (const auto format : {SampleFormat::pcm16, SampleFormat::float32}) {
      AudioFileWriter writer(folder.file("a.wav"),
                             {.sample_rate_hz = 24000, .channels = 2, .format = format});
      CHECK_THROWS_WITH(writer.write({x.data(), 6000, 2}), Catch::Contains("frame 4321 "));
    }
  }
  CHECK(folder.names().empty());
}

TEST_CASE("NaN and infinity are refused on reading, naming the frame") {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.wav");
  write_file(path, noise(30000), {.sample_rate_hz = 24000, .format = SampleFormat::float32});
  const std::string good = contents(path);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::string bytes = good;
    std::memcpy(bytes.data() + bytes.size() - 4 * (30000 - 23456), &bad, 4);
    put(path, bytes);
    CHECK_THROWS_WITH(read_audio_file(path), Catch::Contains("frame 23456 "));
    CHECK(code_of([&] { read_audio_file(path); }) == ErrorCode::bad_input);
  }
}

TEST_CASE("a file cut anywhere is one error, never fewer frames in silence") {
  const TemporaryFolder folder;
  for (const char* name : {"a.wav", "a.flac"}) {
    const std::string path = folder.file(name);
    write_file(path, noise(9000), {.sample_rate_hz = 24000, .text = "{\"seed\":1}"});
    const std::string whole = contents(path);
    for (std::size_t bytes = 0; bytes < whole.size(); bytes += bytes < 300 ? 1 : 997) {
      put(path, whole.substr(0, bytes));
      CAPTURE(name, bytes, whole.size());
      CHECK(code_of([&] { read_audio_file(path); }) == ErrorCode::bad_input);
      CHECK(code_of([&] { AudioFileReader{path}; }) == ErrorCode::bad_input);  // opening is enough
    }
    put(path, whole.substr(0, whole.size() - 1));
    CHECK(code_of([&] { AudioFileReader{path}; }) == ErrorCode::bad_input);
  }
}

TEST_CASE("foreign bytes never crash the reader") {
  const TemporaryFolder folder;
  write_file(folder.file("a.wav"), noise(500), {.sample_rate_hz = 24000, .text = "hello"});
  write_file(folder.file("a.flac"), noise(500), {.sample_rate_hz = 24000, .text = "hello"});
  std::uint32_t state = 7;
  const auto next = [&state] { return state = state * 1664525U + 1013904223U; };
  int refused = 0;
  for (const char* name : {"a.wav", "a.flac"}) {
    const std::string good = contents(folder.file(name));
    for (int round = 0; round < 1000; ++round) {
      std::string bytes = good;
      for (std::uint32_t i = 0; i <= (next() >> 16U) % 4; ++i) {
        bytes[(next() >> 8U) % std::min<std::size_t>(bytes.size(), 200)] =
            static_cast<char>(next() >> 24U);
      }
      try {
        AudioFileReader reader(std::as_bytes(std::span(bytes)), "mutant");
        std::vector<float> out(static_cast<std::size_t>(1000 * reader.info().channels));
        reader.read({out.data(), 1000, reader.info().channels});
      } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::bad_input);
        ++refused;
      }
    }
  }
  CHECK(refused > 200);  // the mutations do reach the parser
}

TEST_CASE("what is no sound file, or not there, is one error with its code") {
  const TemporaryFolder folder;
  CHECK(code_of([&] { read_audio_file(folder.file("none.wav")); }) == ErrorCode::io);
  CHECK(code_of([&] { read_audio_file(folder.path().string()); }) == ErrorCode::io);
  put(folder.file("empty.wav"), "");
  CHECK(code_of([&] { read_audio_file(folder.file("empty.wav")); }) == ErrorCode::bad_input);
  put(folder.file("text.wav"), "this is a text");
  CHECK(code_of([&] { read_audio_file(folder.file("text.wav")); }) == ErrorCode::bad_input);
  // libsndfile would take these for headerless telephone audio, by their names.
  put(folder.file("noise.vox"), "any bytes at all");
  CHECK(code_of([&] { read_audio_file(folder.file("noise.vox")); }) == ErrorCode::bad_input);
  write_file(folder.file("long.wav"), noise(1000));
  CHECK(code_of([&] { read_audio_file(folder.file("long.wav"), 999); }) == ErrorCode::bad_input);
  CHECK(read_audio_file(folder.file("long.wav"), 1000).info.frames == 1000);
}

TEST_CASE("options that make no sense are refused before a file appears") {
  const TemporaryFolder folder;
  const auto refused = [&](const char* name, const AudioWriteOptions& options) {
    return code_of([&] { AudioFileWriter(folder.file(name), options); }) == ErrorCode::usage;
  };
  CHECK(refused("a.wav", {.sample_rate_hz = 0}));
  CHECK(refused("a.wav", {.sample_rate_hz = 24000, .channels = 0}));
  CHECK(refused("a.wav", {.sample_rate_hz = 24000, .channels = 65}));
  CHECK(refused("a.flac", {.sample_rate_hz = 24000, .channels = 9}));
  CHECK(refused("a.flac", {.sample_rate_hz = 700000}));
  CHECK(refused("a.flac", {.sample_rate_hz = 24000, .format = SampleFormat::float32}));
  CHECK(refused("a.wav", {.sample_rate_hz = 24000, .text = std::string(65537, 'x')}));
  CHECK(refused("a.wav", {.sample_rate_hz = 24000, .text = std::string("a\0b", 3)}));
  CHECK(refused("a.raw", {.sample_rate_hz = 24000, .container = AudioContainer::raw, .text = "t"}));
  CHECK(folder.names().empty());

  AudioFileWriter writer(folder.file("a.wav"), {.sample_rate_hz = 24000, .channels = 2});
  const std::vector<float> x(10);
  CHECK(code_of([&] { writer.write({x.data(), 10, 1}); }) == ErrorCode::usage);
}

TEST_CASE("a WAV written into a pipe is read back from a pipe, length unsaid") {
  const TemporaryFolder folder;
  const std::string pipe = folder.file("pipe.wav");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const std::vector<float> x = noise(50001);
  for (const auto format : {SampleFormat::pcm16, SampleFormat::pcm24, SampleFormat::float32}) {
    AudioClip clip;
    std::thread reader([&] { clip = read_audio_file(pipe); });
    write_file(pipe, x, {.sample_rate_hz = 24000, .format = format, .text = "{\"seed\":2}"});
    reader.join();
    CHECK(clip.samples.size() == x.size());
    CHECK(clip.info.text == "{\"seed\":2}");
    CHECK(clip.samples[50000] == Approx(x[50000]).margin(1.5 / 32768.0));  // rounding and dither
  }
  CHECK(code_of([&] {
          std::thread reader([&] { contents(pipe); });
          try {
            write_file(pipe, x, {.sample_rate_hz = 24000, .container = AudioContainer::flac});
          } catch (...) {
            reader.join();
            throw;
          }
          reader.join();
        }) == ErrorCode::usage);
}
