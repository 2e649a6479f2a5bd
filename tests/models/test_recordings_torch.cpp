// Corpora from recorded notes: names, SFZ, trimming, tuning, splits.
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "dsp/audio_file.h"
#include "models/training/recording_names.h"
#include "models/training/recording_trim.h"
#include "models/training/recordings_corpus.h"
#include "models/training/sfz_file.h"
#include "tests/support/synthetic_notes.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

constexpr int kRateHz = 16000;

struct Recording {
  double pitch = 60.0;
  double lead_s = 0.0;  // silence before the note
  double held_s = 0.5;
  double decay_s = 1e9;     // while held
  double release_s = 0.03;  // time constant after it; 0: the note only decays, `held_s` long
  double tail_s = 0.4;
  double amplitude = 0.4;
  double noise = 0.0;  // standard deviation of the room
};

std::vector<float> sound_of(const Recording& r, int rate_hz = kRateHz) {
  const double hz = 440.0 * std::pow(2.0, (r.pitch - 69.0) / 12.0);
  const auto total = static_cast<std::size_t>((r.lead_s + r.held_s + r.tail_s) * rate_hz);
  std::vector<float> x(total);
  std::mt19937 engine(5);
  std::normal_distribution<double> room(0.0, 1.0);
  for (std::size_t n = 0; n < total; ++n) {
    const double t = static_cast<double>(n) / rate_hz - r.lead_s;
    double value = r.noise * room(engine);
    if (t >= 0.0) {
      const double after = std::max(0.0, t - r.held_s);
      const double gone =
          r.release_s > 0.0 ? std::exp(-after / r.release_s) : (after > 0.0 ? 0.0 : 1.0);
      value += r.amplitude * std::exp(-std::min(t, r.held_s) / r.decay_s) * gone *
               (0.7 * std::sin(2.0 * M_PI * hz * t) + 0.3 * std::sin(4.0 * M_PI * hz * t));
    }
    x[n] = static_cast<float>(value);
  }
  return x;
}

void write_sound(const std::filesystem::path& path,
                 const Recording& recording,
                 int rate_hz = kRateHz,
                 int channels = 1) {
  std::filesystem::create_directories(path.parent_path());
  const std::vector<float> mono = sound_of(recording, rate_hz);
  std::vector<float> samples;
  for (const float x : mono) {
    samples.insert(samples.end(), static_cast<std::size_t>(channels), x);
  }
  AudioWriteOptions options;
  options.sample_rate_hz = rate_hz;
  options.channels = channels;
  options.format = SampleFormat::pcm24;
  AudioFileWriter writer(path.string(), options);
  writer.write(ConstFrames(samples.data(), static_cast<int>(mono.size()), channels));
  writer.finish();
}

RecordingsCorpusSpec spec_for(const TemporaryFolder& folder) {
  RecordingsCorpusSpec spec;
  spec.recordings = folder.path() / "in";
  spec.licence = "CC0-1.0";
  spec.instruments = {{"flute", 73}, {"french_horn", 60}};
  spec.sample_rate_hz = kRateHz;
  return spec;
}

const std::string* remark_on(const std::vector<RecordingsReport::Remark>& remarks,
                             const std::string& file) {
  for (const auto& remark : remarks) {
    if (remark.file == file) {
      return &remark.text;
    }
  }
  return nullptr;
}

const auto kNoProgress = [](int, int) {};

}  // namespace

TEST_CASE("keys are numbers or names with middle C at C4") {
  CHECK(key_from_text("60") == 60);
  CHECK(key_from_text("C4") == 60);
  CHECK(key_from_text("c#4") == 61);
  CHECK(key_from_text("Cs4") == 61);
  CHECK(key_from_text("Db4") == 61);
  CHECK(key_from_text("b3") == 59);
  CHECK(key_from_text("bb3") == 58);
  CHECK(key_from_text("A4") == 69);
  CHECK(key_from_text("C-1") == 0);
  CHECK(key_from_text("G9") == 127);
  for (const char* wrong : {"", "128", "-1", "H4", "C", "C#", "C10", "G#9", "Cb-1", "4C", "60x"}) {
    INFO(wrong);
    CHECK_FALSE(key_from_text(wrong).has_value());
  }
}

TEST_CASE("file names give instrument, key and velocity") {
  struct Case {
    const char* path;
    const char* instrument;
    double pitch;
    int velocity;
  };
  const std::vector<Case> cases = {{"flute_C#4_100.wav", "flute", 61, 100},
                                   {"flute_61_v100_rr2.flac", "flute", 61, 100},
                                   {"french_horn_F3_vel64.wav", "french_horn", 53, 64},
                                   {"flute/61_100.wav", "flute", 61, 100},
                                   {"winds/flute_A4_1_long_tone.wav", "flute", 69, 1}};
  for (const Case& c : cases) {
    INFO(c.path);
    const auto note = recorded_note_from_name(c.path);
    REQUIRE(note.has_value());
    CHECK(note->instrument == c.instrument);
    CHECK(note->pitch_semitones == c.pitch);
    CHECK(note->velocity == c.velocity);
  }
  for (const char* wrong : {"flute.wav", "flute_61.wav", "61_100.wav", "_61_100.wav",
                            "flute_61_0.wav", "flute_61_128.wav", "flute_H4_90.wav", ".wav"}) {
    INFO(wrong);
    CHECK_FALSE(recorded_note_from_name(wrong).has_value());
  }
}

TEST_CASE("an SFZ gives its regions' samples, pitches and velocities by inheritance") {
  const SfzFile sfz = parse_sfz(R"(
// a comment with <region> sample=no.wav
<control> default_path=Samples\long tones/
#define $X 1
<global> ampeg_release=0.3 hivel=90
<group> lovel=1 hivel=63 /* soft
 ones */
<region> sample=A soft C4.wav key=60
<region> sample=A soft E4.wav lokey=63 hikey=65 pitch_keycenter=e4 tune=-20
<group> lovel=64 hivel=127
<region> pitch_keycenter=c4 sample=loud C4.wav
<region> sample=loud C4.wav key=61
<region> sample=loud low.wav lokey=c3 hikey=c3 <region> sample=release.wav key=60 trigger=release
<region> sample=*sine key=60
<region> sample=lost.wav lokey=10 hikey=20
<region> key=44
<region> sample=odd.wav key=44 lovel=x
<global> volume=3
<region> sample=plain.wav key=70
<curve> curve_index=17 v000=0
)");
  REQUIRE(sfz.notes.size() == 5);
  const auto check = [&](std::size_t i, const std::string& file, double pitch, int velocity) {
    INFO(file);
    CHECK(sfz.notes[i].file == "Samples/long tones/" + file);
    CHECK(sfz.notes[i].pitch_semitones == Approx(pitch));
    CHECK(sfz.notes[i].velocity == velocity);
  };
  check(0, "A soft C4.wav", 60.0, 32);
  check(1, "A soft E4.wav", 64.2, 32);  // needs 20 cents down, so it was recorded that much sharp
  check(2, "loud C4.wav", 60.0, 96);    // once, although two regions use it
  check(3, "loud low.wav", 48.0, 96);
  check(4, "plain.wav", 70.0, 64);  // a new <global> forgets the old one's hivel and the group
  REQUIRE(sfz.left_out.size() == 5);
  CHECK(sfz.left_out[0].reason == "plays at the release");
  CHECK(sfz.left_out[1].region == "*sine");
  CHECK(sfz.left_out[2].region == "lost.wav");
  CHECK(sfz.left_out[3].region.starts_with("line "));
  CHECK(sfz.left_out[4].region == "odd.wav");
  for (const char* opcode : {"ampeg_release", "#define", "volume", "<curve>", "curve_index"}) {
    INFO(opcode);
    CHECK(sfz.ignored.contains(opcode));
  }
  CHECK_FALSE(sfz.ignored.contains("sample"));
}

TEST_CASE("any bytes are an SFZ with something left out, never a crash") {
  std::mt19937 engine(1);
  const std::string letters = "<>=/*#\n region sample key c4.wav lovel 7\\";
  for (int i = 0; i < 3000; ++i) {
    std::string text(engine() % 80, ' ');
    for (char& c : text) {
      c = letters[engine() % letters.size()];
    }
    const SfzFile sfz = parse_sfz(text);
    for (const RecordedNote& note : sfz.notes) {
      REQUIRE(note.velocity >= 1);
      REQUIRE(note.velocity <= 127);
    }
  }
}

TEST_CASE("trimming finds onset and release of a held note within 15 ms") {
  for (const double decay_s : {1e9, 0.4}) {
    for (const double release_s : {0.004, 0.03, 0.08}) {
      for (const double noise : {0.0, 2e-5}) {
        Recording r;
        r.pitch = 52.0;
        r.lead_s = 0.137;
        r.held_s = 0.62;
        r.decay_s = decay_s;
        r.release_s = release_s;
        r.tail_s = 0.9;
        r.noise = noise;
        const auto trimmed = trim_recording(sound_of(r), kRateHz);
        INFO("decay " << decay_s << " s, release " << release_s << " s, noise " << noise);
        REQUIRE(trimmed.has_value());
        CHECK(trimmed->released);
        CHECK(trimmed->first / static_cast<double>(kRateHz) == Approx(0.137).margin(0.002));
        CHECK(trimmed->release / static_cast<double>(kRateHz) == Approx(0.62).margin(0.015));
        // What is 60 dB down is cut: 6.9 time constants behind the release, and a frame's half.
        CHECK(trimmed->last < static_cast<int>((0.137 + 0.62 + 7.5 * release_s + 0.05) * kRateHz));
      }
    }
  }
}

TEST_CASE("a note that only decays counts as held to its end") {
  for (const double decay_s : {0.05, 0.2, 0.6}) {
    Recording r;
    r.held_s = 7.5 * decay_s;
    r.decay_s = decay_s;
    r.release_s = 0.0;
    const auto trimmed = trim_recording(sound_of(r), kRateHz);
    INFO("decay " << decay_s);
    REQUIRE(trimmed.has_value());
    CHECK_FALSE(trimmed->released);
    CHECK(trimmed->release == trimmed->last - trimmed->first);
  }
}

TEST_CASE("silence and clicks are no notes") {
  CHECK_FALSE(trim_recording(std::vector<float>(8000, 0.0F), kRateHz).has_value());
  CHECK_FALSE(trim_recording(std::vector<float>(8000, 5e-5F), kRateHz).has_value());
  CHECK_FALSE(trim_recording({}, kRateHz).has_value());
  std::vector<float> click(8000, 0.0F);
  click[4000] = 0.9F;
  CHECK_FALSE(trim_recording(click, kRateHz).has_value());
}

TEST_CASE("a folder of recordings becomes a corpus, and what cannot be used is listed") {
  const TemporaryFolder folder;
  const auto in = folder.path() / "in";
  Recording r;
  r.lead_s = 0.05;
  write_sound(in / "flute_60_40.wav", r);
  write_sound(in / "flute_60_100_stereo.flac", r, 44100, 2);  // other rate, two channels
  r.pitch = 53.0;
  write_sound(in / "horns/french_horn_F3_90.wav", r);
  write_sound(in / "flute/take_F3_v64.wav", r);  // the folder says which instrument
  r.pitch = 62.4;
  write_sound(in / "flute_62_80.wav", r);
  r.pitch = 52.0;
  write_sound(in / "flute_64_80.wav", r);  // an octave below its name
  write_sound(in / "tuba_40_80.wav", r);
  write_sound(in / "readme.wav", r);
  r.amplitude = 0.0;
  write_sound(in / "flute_66_80.wav", r);
  std::ofstream(in / "flute_67_80.wav") << "no sound";
  std::ofstream(in / "notes.txt") << "not a sound file, not mentioned";

  std::vector<int> progress;
  const RecordingsReport report =
      make_recordings_corpus(spec_for(folder), folder.path() / "corpus", [&](int done, int total) {
        progress = {done, total};
      });
  CHECK(progress == std::vector<int>{9, 9});
  CHECK(report.notes == 6);
  CHECK(report.left_out.size() == 4);
  for (const char* file : {"readme.wav", "flute_66_80.wav", "flute_67_80.wav", "tuba_40_80.wav"}) {
    INFO(file);
    REQUIRE(remark_on(report.left_out, file) != nullptr);
  }
  CHECK(remark_on(report.left_out, "tuba_40_80.wav")->find("tuba") != std::string::npos);
  CHECK(remark_on(report.left_out, "flute_66_80.wav")->find("silent") != std::string::npos);
  REQUIRE(report.warnings.size() == 2);
  CHECK(remark_on(report.warnings, "flute_62_80.wav")->starts_with("40 cents above"));
  check_contains(*remark_on(report.warnings, "flute_64_80.wav"), {"1200 cents below", "octave"});

  const NoteCorpus corpus = open_note_corpus(folder.path() / "corpus");
  REQUIRE(corpus.notes.size() == 6);
  CHECK(corpus.provenance.at("licence") == "CC0-1.0");
  CHECK(corpus.provenance.at("left_out").size() == 4);
  std::set<std::tuple<int, float, int>> found;
  for (const CorpusNote& note : corpus.notes) {
    found.insert({note.instrument, note.pitch_semitones, note.velocity});
    // 50 ms of silence gone, half a second held, at the corpus's rate whatever the file's.
    CHECK(note.release_sample == Approx(0.5 * kRateHz).margin(0.015 * kRateHz));
    const auto audio = corpus.audio(note);
    CHECK(std::fabs(audio[0]) < 0.01F);
    CHECK(*std::max_element(audio.begin(), audio.begin() + kRateHz / 50) > 0.1F);
  }
  CHECK(found.contains({0, 60.0F, 40}));
  CHECK(found.contains({0, 60.0F, 100}));
  CHECK(found.contains({1, 53.0F, 90}));
  CHECK(found.contains({0, 53.0F, 64}));
}

TEST_CASE("all takes of a note are on one side, and tests have neighbours nobody trains on") {
  const TemporaryFolder folder;
  Recording r;
  r.held_s = 0.1;
  r.tail_s = 0.15;
  for (int key = 50; key < 70; ++key) {
    r.pitch = key;
    for (const int velocity : {30, 60, 110}) {
      for (const char* take : {"a", "b"}) {
        write_sound(folder.path() / "in" /
                        ("flute_" + std::to_string(key) + "_" + std::to_string(velocity) + "_" +
                         take + ".wav"),
                    r);
      }
    }
  }
  RecordingsCorpusSpec spec = spec_for(folder);
  spec.shares = {0.15, 0.1};
  make_recordings_corpus(spec, folder.path() / "corpus", kNoProgress);
  const NoteCorpus corpus = open_note_corpus(folder.path() / "corpus");
  REQUIRE(corpus.notes.size() == 120);
  std::map<std::pair<float, int>, std::set<Split>> sides;
  std::map<Split, int> counts;
  for (const CorpusNote& note : corpus.notes) {
    ++counts[note.split];
    if (!note.is_neighbour) {
      sides[{note.pitch_semitones, note.velocity}].insert(note.split);
    }
    if (note.split == Split::test && !note.is_neighbour) {
      REQUIRE(note.neighbour >= 0);
      const CorpusNote& other = corpus.notes[static_cast<std::size_t>(note.neighbour)];
      CHECK(other.pitch_semitones == note.pitch_semitones);
      // 30 and 60 are each other's nearest, and 60 is 110's.
      CHECK(other.velocity == (note.velocity == 60 ? 30 : 60));
      CHECK(other.split != Split::train);
    }
  }
  for (const auto& [note, splits] : sides) {
    CHECK(splits.size() == 1);
  }
  CHECK(counts[Split::test] >= 4);
  CHECK(counts[Split::validation] >= 2);
  CHECK(counts[Split::train] > 60);
  const std::string first = nlohmann::json(corpus.provenance).dump();
  // The same again, note for note.
  make_recordings_corpus(spec, folder.path() / "again", kNoProgress);
  const NoteCorpus again = open_note_corpus(folder.path() / "again");
  for (std::size_t i = 0; i < corpus.notes.size(); ++i) {
    CHECK(again.notes[i].split == corpus.notes[i].split);
  }
}

TEST_CASE("a handful of notes still has one for validation and one for tests") {
  const TemporaryFolder folder;
  Recording r;
  r.held_s = 0.1;
  for (const int key : {60, 62, 64}) {
    r.pitch = key;
    write_sound(folder.path() / "in" / ("flute_" + std::to_string(key) + "_80.wav"), r);
  }
  RecordingsCorpusSpec spec = spec_for(folder);
  spec.shares = {0.01, 0.01};
  make_recordings_corpus(spec, folder.path() / "corpus", kNoProgress);
  std::set<Split> sides;
  for (const CorpusNote& note : open_note_corpus(folder.path() / "corpus").notes) {
    sides.insert(note.split);
  }
  CHECK(sides.size() == 3);
}

TEST_CASE("an SFZ on disk becomes a corpus of its one instrument") {
  const TemporaryFolder folder;
  Recording r;
  for (const int key : {60, 62, 64}) {
    r.pitch = key;
    write_sound(folder.path() / "in/samples" / ("a b" + std::to_string(key) + ".wav"), r);
  }
  std::ofstream(folder.path() / "in/flute.sfz") << R"(<control> default_path=samples/
<region> sample=a b60.wav key=60 lovel=1 hivel=63 volume=-3
<region> sample=a b62.wav key=62
<region> sample=a b64.wav key=64
<region> sample=absent.wav key=65
)";
  RecordingsCorpusSpec spec = spec_for(folder);
  spec.recordings = folder.path() / "in/flute.sfz";
  check_contains(
      message_of(ErrorCode::usage,
                 [&] { make_recordings_corpus(spec, folder.path() / "c", kNoProgress); }),
      {"flute.sfz", "one"});
  spec.instruments = {{"flute", 73}};
  const RecordingsReport report =
      make_recordings_corpus(spec, folder.path() / "corpus", kNoProgress);
  CHECK(report.notes == 3);
  CHECK(report.warnings.empty());
  CHECK(report.ignored == std::vector<std::string>{"volume"});
  REQUIRE(remark_on(report.left_out, "samples/absent.wav") != nullptr);
  const NoteCorpus corpus = open_note_corpus(folder.path() / "corpus");
  CHECK(corpus.notes[0].velocity == 32);
}

TEST_CASE("recordings that are not there, or of which none is usable, are one error") {
  const TemporaryFolder folder;
  const RecordingsCorpusSpec spec = spec_for(folder);
  const auto make = [&] { make_recordings_corpus(spec, folder.path() / "corpus", kNoProgress); };
  check_contains(message_of(ErrorCode::io, make), {"/in", "no such"});
  std::filesystem::create_directories(folder.path() / "in");
  check_contains(message_of(ErrorCode::bad_input, make), {"no recording can be used"});
  write_sound(folder.path() / "in/what.wav", {});
  check_contains(message_of(ErrorCode::bad_input, make), {"what.wav"});
  CHECK_FALSE(std::filesystem::exists(folder.path() / "corpus/corpus.json"));
}
