#include "models/training/soundfont_corpus.h"

#include <fluidsynth.h>
#include <soxr.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "engine/error.h"
#include "models/training/note_split.h"

namespace ondes {
namespace {

constexpr int kSynthRateHz = 48000;
constexpr int kSynthBlockFrames = 64;  // FluidSynth acts on events at these boundaries
constexpr float kSilence = 3.2e-5F;    // -90 dBFS: a tail below it has ended

class Fluid {
 public:
  Fluid(const std::filesystem::path& soundfont, double gain) {
    fluid_set_log_function(FLUID_WARN, nullptr, nullptr);
    fluid_set_log_function(FLUID_ERR, nullptr, nullptr);
    settings_.reset(new_fluid_settings());
    fluid_settings_setnum(settings_.get(), "synth.sample-rate", kSynthRateHz);
    fluid_settings_setnum(settings_.get(), "synth.gain", gain);
    fluid_settings_setint(settings_.get(), "synth.reverb.active", 0);
    fluid_settings_setint(settings_.get(), "synth.chorus.active", 0);
    fluid_settings_setint(settings_.get(), "synth.threadsafe-api", 0);
    synth_.reset(new_fluid_synth(settings_.get()));
    if (!synth_ || fluid_synth_sfload(synth_.get(), soundfont.c_str(), 1) == FLUID_FAILED) {
      throw Error(ErrorCode::io, soundfont.string() + ": FluidSynth cannot load it as a SoundFont");
    }
    fluid_synth_set_interp_method(synth_.get(), -1, FLUID_INTERP_HIGHEST);
  }

  // Mono sum of one note at kSynthRateHz. `held` is a multiple of the block.
  std::vector<float> note(
      int program, int key, double bend_semitones, int velocity, int held, int longest_release) {
    fluid_synth_system_reset(synth_.get());
    fluid_synth_program_select(synth_.get(), 0, 1, 0, program);
    fluid_synth_pitch_wheel_sens(synth_.get(), 0, 2);
    fluid_synth_pitch_bend(synth_.get(), 0,
                           static_cast<int>(std::lround(8192.0 + bend_semitones / 2.0 * 8192.0)));
    fluid_synth_noteon(synth_.get(), 0, key, velocity);
    std::vector<float> out;
    float left[kSynthBlockFrames];
    float right[kSynthBlockFrames];
    int quiet_blocks = 0;
    for (int at = 0; at < held + longest_release; at += kSynthBlockFrames) {
      if (at == held) {
        fluid_synth_noteoff(synth_.get(), 0, key);
      }
      fluid_synth_write_float(synth_.get(), kSynthBlockFrames, left, 0, 1, right, 0, 1);
      float peak = 0.0F;
      for (int i = 0; i < kSynthBlockFrames; ++i) {
        out.push_back(0.5F * (left[i] + right[i]));
        peak = std::max(peak, std::fabs(out.back()));
      }
      quiet_blocks = peak < kSilence ? quiet_blocks + 1 : 0;
      if (at > held && quiet_blocks > 8) {
        break;
      }
    }
    return out;
  }

 private:
  struct Delete {
    void operator()(fluid_settings_t* p) const { delete_fluid_settings(p); }
    void operator()(fluid_synth_t* p) const { delete_fluid_synth(p); }
  };
  std::unique_ptr<fluid_settings_t, Delete> settings_;
  std::unique_ptr<fluid_synth_t, Delete> synth_;
};

std::vector<float> resample(const std::vector<float>& in, int rate_hz) {
  const auto size = static_cast<std::size_t>(
      std::llround(static_cast<double>(in.size()) * rate_hz / kSynthRateHz));
  std::vector<float> out(size);
  std::size_t done = 0;
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, 0);
  const soxr_error_t error =
      soxr_oneshot(kSynthRateHz, rate_hz, 1, in.data(), in.size(), nullptr, out.data(), out.size(),
                   &done, nullptr, &quality, nullptr);
  if (error != nullptr) {
    throw Error(ErrorCode::usage, std::string("soxr: ") + soxr_strerror(error));
  }
  out.resize(done);
  return out;
}

struct Plan {
  double bend = 0.0;
  int velocity = 64;
  int held = 0;  // frames at kSynthRateHz
  Split split = Split::train;
};

Plan draw_note(const SoundfontCorpusSpec& spec, std::uint64_t index, int stratum) {
  NoteDice dice(spec.seed, index);
  Plan plan;
  plan.split = split_of(dice.uniform(), {spec.test_share, spec.validation_share});
  const double low = 12.0;  // below it notes are all but silent
  plan.velocity =
      static_cast<int>(low + (127.99 - low) * (stratum + dice.uniform()) / spec.notes_per_key);
  const double held_s =
      spec.shortest_s * std::pow(spec.longest_s / spec.shortest_s, dice.uniform());
  plan.held =
      std::max(1, static_cast<int>(held_s * kSynthRateHz / kSynthBlockFrames)) * kSynthBlockFrames;
  const double bend = (2.0 * dice.uniform() - 1.0) * spec.bend_semitones;
  const bool bent = dice.uniform() < 0.6;  // the others keep the exact key, as scores do
  plan.bend = bent && plan.split == Split::train ? bend : 0.0;
  return plan;
}

}  // namespace

void make_soundfont_corpus(const SoundfontCorpusSpec& spec,
                           const std::filesystem::path& folder,
                           const std::function<void(int, int)>& progress) {
  Fluid fluid(spec.soundfont, spec.synth_gain);
  NoteCorpusWriter writer(folder, spec.sample_rate_hz);
  int total = 0;
  for (const SoundfontInstrument& instrument : spec.instruments) {
    total += (instrument.highest_key - instrument.lowest_key + 1) * spec.notes_per_key;
  }
  const int longest_release = static_cast<int>(spec.longest_release_s * kSynthRateHz) /
                              kSynthBlockFrames * kSynthBlockFrames;
  int done = 0;
  std::vector<CorpusInstrument> instruments;
  for (std::size_t i = 0; i < spec.instruments.size(); ++i) {
    const SoundfontInstrument& instrument = spec.instruments[i];
    instruments.push_back({instrument.name, instrument.program});
    for (int key = instrument.lowest_key; key <= instrument.highest_key; ++key) {
      for (int stratum = 0; stratum < spec.notes_per_key; ++stratum) {
        const auto index =
            (static_cast<std::uint64_t>(i) << 32U) | static_cast<std::uint64_t>(key * 64 + stratum);
        const Plan plan = draw_note(spec, index, stratum);
        CorpusNote note;
        note.instrument = static_cast<int>(i);
        note.pitch_semitones = static_cast<float>(key + plan.bend);
        note.velocity = plan.velocity;
        note.split = plan.split;
        note.release_sample = static_cast<int>(static_cast<std::int64_t>(plan.held) *
                                               spec.sample_rate_hz / kSynthRateHz);
        const int added =
            writer.add(note, resample(fluid.note(instrument.program, key, plan.bend, plan.velocity,
                                                 plan.held, longest_release),
                                      spec.sample_rate_hz));
        if (plan.split == Split::test) {
          CorpusNote neighbour = note;
          neighbour.velocity = plan.velocity > 112 ? plan.velocity - 8 : plan.velocity + 8;
          neighbour.is_neighbour = true;
          writer.set_neighbour(
              added, writer.add(neighbour,
                                resample(fluid.note(instrument.program, key, 0.0,
                                                    neighbour.velocity, plan.held, longest_release),
                                         spec.sample_rate_hz)));
        }
        progress(++done, total);
      }
    }
  }
  writer.finish(instruments, {{"source", spec.soundfont.filename().string()},
                              {"licence", spec.soundfont_licence},
                              {"synthesizer", std::string("FluidSynth ") + fluid_version_str()},
                              {"processing", "dry, mono sum, 48 kHz, soxr VHQ to the corpus rate"},
                              {"seed", spec.seed},
                              {"synth_gain", spec.synth_gain},
                              {"notes_per_key", spec.notes_per_key}});
}

}  // namespace ondes
