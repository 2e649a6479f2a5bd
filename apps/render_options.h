// What decides a rendered file besides the voice and the score: the options of `ondes render`,
// their command line and their JSON in a recipe.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "dsp/audio_file.h"
#include "engine/conditioning/note_contract.h"
#include "engine/lanes/synth.h"
#include "engine/plan/step_runner.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's name
class App;
}  // namespace CLI

namespace ondes {

enum class ClipChoice { error, rescale, clamp };

struct RenderOptions {
  std::map<int, std::string> programs;  // --program N=INSTRUMENT
  std::uint64_t seed = 0;
  std::optional<double> temperature;  // nothing: the voice's own
  Precision precision = Precision::f32;
  std::optional<std::string> speaker;  // a name or a number; nothing: the first
  int rate_hz = 0;                     // 0: the voice's own
  SampleFormat format = SampleFormat::pcm24;
  bool dither = true;
  ClipChoice clip = ClipChoice::rescale;
  std::optional<double> lufs;
  std::optional<double> tail_s;  // nothing: until the sound has died away
  int max_lanes = 64;
  double gain_db = 0.0;

  // How, not what: these do not change the samples and are not part of a recipe.
  std::string device = "auto";
  bool device_named = false;  // on the command line: then what `auto` chose is told
  int threads = 0;            // 0: one a processor
};

// Add options to a command; `options` must outlive the parsing. Those of the synthesis (also for
// playing), and with them those of a file.
void add_synthesis_options(CLI::App& command, RenderOptions& options);
void add_render_options(CLI::App& command, RenderOptions& options);
void add_device_options(CLI::App& command, RenderOptions& options);

nlohmann::json render_options_to_json(const RenderOptions& options);
// Throws Error{bad_input} naming `where` and the field.
RenderOptions render_options_from_json(const nlohmann::json& object, const std::string& where);

// Sample formats by their names on the command line.
const std::map<std::string, SampleFormat>& format_names();

// The instrument of every program: General MIDI's choice (engine/score/general_midi.h), then the
// overrides. Throws Error{usage}, listing the voice's instruments, for one that it does not have.
std::array<int, kPrograms> map_programs(const NoteContract& contract,
                                        const std::map<int, std::string>& overrides);

}  // namespace ondes
