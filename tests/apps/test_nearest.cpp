// ondes eval --nearest: copies are found as copies, what is no copy is not called one.
#include <catch2/catch.hpp>
#include <cmath>
#include <numbers>
#include <random>

#include "dsp/audio_file.h"
#include "models/training/note_corpus.h"
#include "tests/support/ondes_program.h"
#include "tests/support/test_signals.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

constexpr int kRateHz = 22050;

struct Plucked {
  int key = 60;
  unsigned seed = 1;    // of the partials' phases and the noise of the attack
  double bright = 0.8;  // a partial's amplitude over that of the one before
  double seconds = 1.5;
  double late_s = 0.0;
};

// A plucked string: decaying partials, slightly stretched, with a noise at the onset.
std::vector<float> plucked(const Plucked& note) {
  std::mt19937 random(note.seed);
  const auto uniform = [&random] { return static_cast<double>(random()) * 0x1p-32; };
  const double hz = 440.0 * std::exp2((note.key - 69) / 12.0);
  const auto late = static_cast<std::size_t>(note.late_s * kRateHz);
  std::vector<float> x(late + static_cast<std::size_t>(note.seconds * kRateHz));
  for (int k = 1; k <= 20 && k * hz < 9000.0; ++k) {
    const double turn = 2.0 * std::numbers::pi * uniform();
    const double partial_hz = k * hz * std::sqrt(1.0 + 3e-4 * k * k);
    for (std::size_t n = late; n < x.size(); ++n) {
      const double t = static_cast<double>(n - late) / kRateHz;
      x[n] += static_cast<float>(0.1 * std::pow(note.bright, k) * std::exp(-(1.0 + 0.4 * k) * t) *
                                 std::sin(turn + 2.0 * std::numbers::pi * partial_hz * t));
    }
  }
  for (std::size_t n = late; n < x.size(); ++n) {
    const double t = static_cast<double>(n - late) / kRateHz;
    x[n] += static_cast<float>(0.05 * (uniform() - 0.5) * std::exp(-60.0 * t));
  }
  return x;
}

// A windowed sinc of 255 taps; its delay is taken out.
std::vector<float> low_passed(const std::vector<float>& x, double cutoff_hz) {
  constexpr int kHalf = 127;
  std::vector<double> taps;
  for (int n = -kHalf; n <= kHalf; ++n) {
    const double w = 0.5 + 0.5 * std::cos(std::numbers::pi * n / (kHalf + 1));
    const double c = 2.0 * cutoff_hz / kRateHz;
    taps.push_back(n == 0 ? c : w * std::sin(std::numbers::pi * c * n) / (std::numbers::pi * n));
  }
  std::vector<float> y(x.size());
  for (std::size_t t = 0; t < x.size(); ++t) {
    double sum = 0.0;
    for (int n = -kHalf; n <= kHalf; ++n) {
      const auto at = static_cast<std::ptrdiff_t>(t) - n;
      sum += at >= 0 && at < std::ssize(x)
                 ? taps[static_cast<std::size_t>(n + kHalf)] *
                       static_cast<double>(x[static_cast<std::size_t>(at)])
                 : 0.0;
    }
    y[t] = static_cast<float>(sum);
  }
  return y;
}

struct NearestRig {
  TemporaryFolder folder;

  NearestRig() {
    std::filesystem::create_directories(folder.file("corpus"));
    for (int key = 48; key <= 72; key += 3) {
      for (const unsigned take : {1U, 2U}) {
        write("corpus/key" + std::to_string(key) + "-" + std::to_string(take) + ".wav",
              plucked({.key = key,
                       .seed = 100 * take + static_cast<unsigned>(key),
                       .bright = take == 1 ? 0.8 : 0.7}));
      }
    }
    write("corpus/voice.wav", test_voice(3 * kRateHz, kRateHz));
  }
  // Take 1 of a key of the corpus, as it lies there.
  static std::vector<float> take(int key, double late_s = 0.0) {
    return plucked({.key = key, .seed = 100 + static_cast<unsigned>(key), .late_s = late_s});
  }
  void write(const std::string& name, const std::vector<float>& x) const {
    AudioFileWriter writer(folder.file(name),
                           {.sample_rate_hz = kRateHz, .format = SampleFormat::float32});
    writer.write({x.data(), static_cast<int>(x.size()), 1});
    writer.finish();
  }
  ProgramResult run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"eval", "--progress", "none", "--nearest"});
    return run_built("ondes", arguments, folder);
  }
  nlohmann::json search(const std::string& sound) const {
    const ProgramResult result = run({"corpus", sound, "--json"});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    const nlohmann::json sounds = nlohmann::json::parse(result.out).at("sounds");
    REQUIRE(sounds.size() == 1);
    return sounds[0];
  }
  // What was done to take 1 of key 60, and that it is still found as a copy.
  void check_copy(const std::vector<float>& x, double at_s) const {
    write("sound.wav", x);
    const nlohmann::json found = search("sound.wav");
    INFO(found.dump(1));
    CHECK(found.at("likeness") == "copy");
    const nlohmann::json& first = found.at("nearest").at(0);
    CHECK(first.at("clip") == "key60-1.wav");
    CHECK(first.at("waveform_correlation").get<double>() > 0.75);
    // Both places are whole samples at 16 kHz; a linear-phase filter moves nothing.
    CHECK(first.at("waveform_at_s").get<double>() -
              first.at("waveform_clip_from_s").get<double>() ==
          Approx(at_s).margin(1e-3));
    CHECK(found.at("verdict").get<std::string>().starts_with("a copy of key60-1.wav from 0.0"));
  }
};

}  // namespace

TEST_CASE("a copy is found as one: as it is, softer, noisy, late, band-limited, and all together") {
  const NearestRig rig;
  const std::vector<float> x = NearestRig::take(60);
  rig.check_copy(x, 0.0);
  rig.check_copy(scaled(x, -0.1F), 0.0);  // upside down too
  // 30 dB below the note's own power (0.04 rms).
  rig.check_copy(sum_of(x, test_noise(x.size(), 5, 0.002F)), 0.0);
  rig.check_copy(NearestRig::take(60, 0.3), 0.3);
  rig.check_copy(low_passed(x, 4000.0), 0.0);
  const std::vector<float> late = scaled(low_passed(NearestRig::take(60, 0.3), 5000.0), 0.3F);
  rig.check_copy(sum_of(late, test_noise(late.size(), 6, 0.0006F)), 0.3);
}

TEST_CASE("a piece of a recording inside another sound is found, and where from") {
  const NearestRig rig;
  const std::vector<float> voice = test_voice(3 * kRateHz, kRateHz);
  std::vector<float> x = test_noise(2 * kRateHz, 3, 0.02F);
  std::copy_n(voice.begin() + kRateHz * 12 / 10, kRateHz, x.begin() + kRateHz / 2);
  rig.write("sound.wav", x);
  const nlohmann::json found = rig.search("sound.wav");
  INFO(found.dump(1));
  CHECK(found.at("likeness") == "copy");
  const nlohmann::json& first = found.at("nearest").at(0);
  CHECK(first.at("clip") == "voice.wav");
  CHECK(first.at("waveform_clip_from_s").get<double>() - first.at("waveform_at_s").get<double>() ==
        Approx(1.2 - 0.5).margin(1e-3));
}

TEST_CASE("another note of the instrument is near, but no copy; the same note anew is no copy") {
  const NearestRig rig;
  rig.write("other.wav", plucked({.key = 61, .seed = 900}));
  const nlohmann::json other = rig.search("other.wav");
  INFO(other.dump(1));
  CHECK(other.at("likeness") == "none");
  CHECK(other.at("nearest").size() == 5);

  rig.write("anew.wav", plucked({.key = 60, .seed = 901}));
  const nlohmann::json anew = rig.search("anew.wav");
  INFO(anew.dump(1));
  CHECK(anew.at("likeness") != "copy");
  CHECK(anew.at("nearest").at(0).at("clip").get<std::string>().starts_with("key60"));
  CHECK(anew.at("verdict").get<std::string>().find("a copy of") == std::string::npos);
  // Near: nearer than what is of no instrument at all.
  rig.write("noise.wav", test_noise(kRateHz, 7, 0.1F));
  const nlohmann::json noise = rig.search("noise.wav");
  CHECK(noise.at("likeness") == "none");
  CHECK(noise.at("verdict").get<std::string>().starts_with("nothing aligned beyond chance"));
  const auto distance = [](const nlohmann::json& sound) {
    return sound.at("nearest").at(0).at("distance").get<double>();
  };
  CHECK(distance(anew) < distance(noise));
  CHECK(distance(other) < distance(noise));
}

TEST_CASE("a corpus that ondes-train wrote is searched in its training split only") {
  const NearestRig rig;
  {
    NoteCorpusWriter writer(rig.folder.path() / "notes", kRateHz);
    for (const int key : {48, 60, 66}) {
      CorpusNote note;
      note.pitch_semitones = static_cast<float>(key);
      note.velocity = 80;
      note.release_sample = kRateHz;
      note.split = key == 66 ? Split::test : Split::train;
      writer.add(note, NearestRig::take(key));
    }
    writer.finish({{"lute", 24}}, nlohmann::json::object());
  }
  rig.write("trained.wav", NearestRig::take(60));
  rig.write("held.wav", NearestRig::take(66));
  const ProgramResult result = rig.run({"notes", "trained.wav", "held.wav", "--json"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  const nlohmann::json search = nlohmann::json::parse(result.out);
  CHECK(search.at("kind") == "training notes");
  CHECK(search.at("clips") == 2);
  CHECK(search.at("sounds")[0].at("likeness") == "copy");
  CHECK(search.at("sounds")[0].at("nearest")[0].at("clip") ==
        "lute key 60 velocity 80, held 1.00 s (note 1)");
  CHECK(search.at("sounds")[1].at("likeness") == "none");
}

TEST_CASE("bad sounds are listed, the others searched for, and the exit code is 3") {
  const NearestRig rig;
  std::ofstream(rig.folder.file("corpus/broken.wav")) << "no sound";
  std::ofstream(rig.folder.file("broken.flac")) << "no sound";
  rig.write("silent.wav", std::vector<float>(kRateHz));
  rig.write("copy.wav", NearestRig::take(60));
  const ProgramResult result =
      rig.run({"corpus", "broken.flac", "silent.wav", "copy.wav", "--csv", "out.csv"});
  CHECK(result.exit_code == 3);
  check_contains(result.err, {"not searched: broken.wav: ", "broken.flac: ",
                              "silent.wav: expected at least 0.1 s of sound, found silence"});
  check_contains(result.out, {"copy.wav: a copy of key60-1.wav", "1 copy, 0 alike, 0 neither"});
  const std::string csv = read_text(rig.folder.file("out.csv"));
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 1 + 2 + 5);
  check_contains(csv, {"sound,rank,clip,", "copy.wav,1,key60-1.wav,copy,"});
}

TEST_CASE("answers do not depend on the threads") {
  const NearestRig rig;
  rig.write("a.wav", NearestRig::take(60));
  rig.write("b.wav", plucked({.key = 61, .seed = 900}));
  const ProgramResult one = rig.run({"corpus", "a.wav", "b.wav", "--csv", "-", "--threads", "1"});
  const ProgramResult four = rig.run({"corpus", "a.wav", "b.wav", "--csv", "-", "--threads", "4"});
  REQUIRE(one.exit_code == 0);
  CHECK(one.out == four.out);
}

TEST_CASE("what makes no sense beside a search is refused") {
  const NearestRig rig;
  rig.write("a.wav", NearestRig::take(60));
  CHECK(rig.run({"corpus"}).exit_code == 2);
  CHECK(rig.run({"corpus", "a.wav", "--gate", "mcd<5"}).exit_code == 2);
  CHECK(rig.run({"corpus", "a.wav", "--manifest", "a.csv"}).exit_code == 2);
  CHECK(rig.run({"nowhere", "a.wav"}).exit_code == 4);
  std::filesystem::create_directory(rig.folder.path() / "empty");
  const ProgramResult empty = rig.run({"empty", "a.wav"});
  CHECK(empty.exit_code == 3);
  check_contains(empty.err, {"empty: expected sounds, found none"});
}
