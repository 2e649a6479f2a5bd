#include "engine/score/general_midi.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace ondes {
namespace {

// clang-format off
constexpr std::array<std::string_view, kGmPrograms> kProgramNames = {
    "acoustic grand piano", "bright acoustic piano", "electric grand piano", "honky-tonk piano",
    "electric piano 1", "electric piano 2", "harpsichord", "clavinet",
    "celesta", "glockenspiel", "music box", "vibraphone",
    "marimba", "xylophone", "tubular bells", "dulcimer",
    "drawbar organ", "percussive organ", "rock organ", "church organ",
    "reed organ", "accordion", "harmonica", "bandoneon",
    "nylon guitar", "steel guitar", "jazz guitar", "clean guitar",
    "muted guitar", "overdriven guitar", "distortion guitar", "guitar harmonics",
    "acoustic bass", "fingered bass", "picked bass", "fretless bass",
    "slap bass 1", "slap bass 2", "synth bass 1", "synth bass 2",
    "violin", "viola", "cello", "contrabass",
    "tremolo strings", "pizzicato strings", "harp", "timpani",
    "string ensemble 1", "string ensemble 2", "synth strings 1", "synth strings 2",
    "choir aahs", "voice oohs", "synth voice", "orchestra hit",
    "trumpet", "trombone", "tuba", "muted trumpet",
    "French horn", "brass section", "synth brass 1", "synth brass 2",
    "soprano sax", "alto sax", "tenor sax", "baritone sax",
    "oboe", "English horn", "bassoon", "clarinet",
    "piccolo", "flute", "recorder", "pan flute",
    "blown bottle", "shakuhachi", "whistle", "ocarina",
    "square lead", "sawtooth lead", "calliope lead", "chiff lead",
    "charang lead", "voice lead", "fifths lead", "bass and lead",
    "new age pad", "warm pad", "polysynth pad", "choir pad",
    "bowed pad", "metallic pad", "halo pad", "sweep pad",
    "rain effect", "soundtrack effect", "crystal effect", "atmosphere effect",
    "brightness effect", "goblins effect", "echoes effect", "sci-fi effect",
    "sitar", "banjo", "shamisen", "koto",
    "kalimba", "bagpipe", "fiddle", "shanai",
    "tinkle bell", "agogo", "steel drums", "woodblock",
    "taiko drum", "melodic tom", "synth drum", "reverse cymbal",
    "guitar fret noise", "breath noise", "seashore", "bird tweet",
    "telephone ring", "helicopter", "applause", "gunshot"};

constexpr std::array<std::string_view, kGmFamilies> kFamilyNames = {
    "piano", "chromatic percussion", "organ", "guitar",
    "bass", "strings", "ensemble", "brass",
    "reed", "pipe", "synth lead", "synth pad",
    "synth effects", "ethnic", "percussive", "sound effects"};

enum class Family {
  piano, chromatic, organ, guitar, bass, strings, ensemble, brass,
  reed, pipe, lead, pad, effects, ethnic, percussive, sounds
};
using enum Family;

// Row f: where to look for family f's programs once f itself is not there, best first. What decides
// is the envelope (does the sound die away or is it held?), then the colour.
constexpr std::array<std::array<Family, kGmFamilies - 1>, kGmFamilies> kFallback = {{
    /* piano      */ {chromatic, guitar, ethnic, bass, percussive, organ, strings, reed,
                      pipe, brass, ensemble, lead, pad, effects, sounds},
    /* chromatic  */ {piano, guitar, ethnic, percussive, bass, pipe, organ, reed,
                      strings, brass, ensemble, lead, pad, effects, sounds},
    /* organ      */ {reed, pipe, ensemble, pad, strings, brass, lead, piano,
                      guitar, chromatic, bass, effects, ethnic, percussive, sounds},
    /* guitar     */ {piano, ethnic, bass, chromatic, percussive, strings, reed, brass,
                      pipe, organ, ensemble, lead, pad, effects, sounds},
    /* bass       */ {guitar, piano, strings, brass, ethnic, reed, chromatic, organ,
                      ensemble, pipe, lead, pad, percussive, effects, sounds},
    /* strings    */ {ensemble, reed, pipe, brass, pad, organ, lead, piano,
                      guitar, ethnic, chromatic, bass, effects, percussive, sounds},
    /* ensemble   */ {strings, pad, organ, brass, reed, pipe, lead, piano,
                      guitar, ethnic, chromatic, bass, effects, percussive, sounds},
    /* brass      */ {reed, ensemble, strings, lead, pipe, organ, pad, piano,
                      guitar, ethnic, chromatic, bass, effects, percussive, sounds},
    /* reed       */ {pipe, brass, strings, lead, organ, ensemble, pad, piano,
                      guitar, ethnic, chromatic, bass, effects, percussive, sounds},
    /* pipe       */ {reed, strings, lead, brass, organ, ensemble, pad, piano,
                      chromatic, guitar, ethnic, bass, effects, percussive, sounds},
    /* lead       */ {reed, brass, pipe, strings, organ, ensemble, pad, guitar,
                      piano, ethnic, chromatic, bass, effects, percussive, sounds},
    /* pad        */ {ensemble, strings, organ, pipe, reed, brass, lead, piano,
                      chromatic, guitar, ethnic, bass, effects, percussive, sounds},
    /* effects    */ {pad, chromatic, ensemble, strings, pipe, organ, lead, piano,
                      guitar, reed, brass, ethnic, bass, percussive, sounds},
    /* ethnic     */ {guitar, piano, chromatic, strings, reed, pipe, bass, brass,
                      organ, ensemble, lead, pad, percussive, effects, sounds},
    /* percussive */ {chromatic, piano, guitar, ethnic, bass, brass, strings, reed,
                      pipe, organ, ensemble, lead, pad, effects, sounds},
    /* sounds     */ {effects, percussive, pipe, pad, chromatic, reed, lead, strings,
                      ensemble, brass, organ, piano, guitar, ethnic, bass},
}};
// clang-format on

// The instrument of `family` whose program is nearest to `program`, ties to the lower; -1 if none.
int nearest_in_family(int family, int program, std::span<const int> instrument_programs) noexcept {
  int best = -1;
  int best_distance = kGmPrograms;
  int best_program = kGmPrograms;
  for (std::size_t i = 0; i < instrument_programs.size(); ++i) {
    const int candidate = instrument_programs[i];
    if (candidate < 0 || candidate >= kGmPrograms || gm_family(candidate) != family) {
      continue;
    }
    const int distance = std::abs(candidate - program);
    if (distance < best_distance || (distance == best_distance && candidate < best_program)) {
      best = static_cast<int>(i);
      best_distance = distance;
      best_program = candidate;
    }
  }
  return best;
}

}  // namespace

std::string_view gm_program_name(int program) noexcept {
  const bool known = program >= 0 && program < kGmPrograms;
  return known ? kProgramNames[static_cast<std::size_t>(program)] : "unknown";
}

std::string_view gm_family_name(int family) noexcept {
  const bool known = family >= 0 && family < kGmFamilies;
  return known ? kFamilyNames[static_cast<std::size_t>(family)] : "unknown";
}

InstrumentChoice choose_instrument(int program, std::span<const int> instrument_programs) noexcept {
  InstrumentChoice choice;
  choice.program = std::clamp(program, 0, kGmPrograms - 1);
  const auto choose = [&](int instrument, InstrumentMatch match) {
    choice.instrument = instrument;
    choice.instrument_program = instrument_programs[static_cast<std::size_t>(instrument)];
    choice.match = choice.instrument_program == choice.program ? InstrumentMatch::exact : match;
    return choice;
  };
  const int family = gm_family(choice.program);
  const int same = nearest_in_family(family, choice.program, instrument_programs);
  if (same >= 0) {
    return choose(same, InstrumentMatch::family);
  }
  for (const Family other : kFallback[static_cast<std::size_t>(family)]) {
    const int found = nearest_in_family(static_cast<int>(other), 8 * static_cast<int>(other),
                                        instrument_programs);
    if (found >= 0) {
      return choose(found, InstrumentMatch::fallback);
    }
  }
  choice.match = InstrumentMatch::fallback;
  return instrument_programs.empty() ? choice : choose(0, InstrumentMatch::fallback);
}

std::string describe(const InstrumentChoice& choice) {
  std::string text = "program " + std::to_string(choice.program) + " (" +
                     std::string(gm_program_name(choice.program)) + ") is played by ";
  if (choice.instrument < 0) {
    return text + "nothing: the voice has no instruments";
  }
  text += gm_program_name(choice.instrument_program);
  if (choice.match == InstrumentMatch::family) {
    text += " (same family: " + std::string(gm_family_name(gm_family(choice.program))) + ")";
  } else if (choice.match == InstrumentMatch::fallback) {
    text += " (no " + std::string(gm_family_name(gm_family(choice.program))) + " in the voice)";
  }
  return text;
}

}  // namespace ondes
