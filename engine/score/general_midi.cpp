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

enum Family {
  kPiano, kChromatic, kOrgan, kGuitar, kBass, kStrings, kEnsemble, kBrass,
  kReed, kPipe, kLead, kPad, kEffects, kEthnic, kPercussive, kSounds
};

// Row f: where to look for family f's programs once f itself is not there, best first. What decides
// is the envelope (does the sound die away or is it held?), then the colour.
constexpr std::array<std::array<Family, kGmFamilies - 1>, kGmFamilies> kFallback = {{
    /* piano      */ {kChromatic, kGuitar, kEthnic, kBass, kPercussive, kOrgan, kStrings, kReed,
                      kPipe, kBrass, kEnsemble, kLead, kPad, kEffects, kSounds},
    /* chromatic  */ {kPiano, kGuitar, kEthnic, kPercussive, kBass, kPipe, kOrgan, kReed,
                      kStrings, kBrass, kEnsemble, kLead, kPad, kEffects, kSounds},
    /* organ      */ {kReed, kPipe, kEnsemble, kPad, kStrings, kBrass, kLead, kPiano,
                      kGuitar, kChromatic, kBass, kEffects, kEthnic, kPercussive, kSounds},
    /* guitar     */ {kPiano, kEthnic, kBass, kChromatic, kPercussive, kStrings, kReed, kBrass,
                      kPipe, kOrgan, kEnsemble, kLead, kPad, kEffects, kSounds},
    /* bass       */ {kGuitar, kPiano, kStrings, kBrass, kEthnic, kReed, kChromatic, kOrgan,
                      kEnsemble, kPipe, kLead, kPad, kPercussive, kEffects, kSounds},
    /* strings    */ {kEnsemble, kReed, kPipe, kBrass, kPad, kOrgan, kLead, kPiano,
                      kGuitar, kEthnic, kChromatic, kBass, kEffects, kPercussive, kSounds},
    /* ensemble   */ {kStrings, kPad, kOrgan, kBrass, kReed, kPipe, kLead, kPiano,
                      kGuitar, kEthnic, kChromatic, kBass, kEffects, kPercussive, kSounds},
    /* brass      */ {kReed, kEnsemble, kStrings, kLead, kPipe, kOrgan, kPad, kPiano,
                      kGuitar, kEthnic, kChromatic, kBass, kEffects, kPercussive, kSounds},
    /* reed       */ {kPipe, kBrass, kStrings, kLead, kOrgan, kEnsemble, kPad, kPiano,
                      kGuitar, kEthnic, kChromatic, kBass, kEffects, kPercussive, kSounds},
    /* pipe       */ {kReed, kStrings, kLead, kBrass, kOrgan, kEnsemble, kPad, kPiano,
                      kChromatic, kGuitar, kEthnic, kBass, kEffects, kPercussive, kSounds},
    /* lead       */ {kReed, kBrass, kPipe, kStrings, kOrgan, kEnsemble, kPad, kGuitar,
                      kPiano, kEthnic, kChromatic, kBass, kEffects, kPercussive, kSounds},
    /* pad        */ {kEnsemble, kStrings, kOrgan, kPipe, kReed, kBrass, kLead, kPiano,
                      kChromatic, kGuitar, kEthnic, kBass, kEffects, kPercussive, kSounds},
    /* effects    */ {kPad, kChromatic, kEnsemble, kStrings, kPipe, kOrgan, kLead, kPiano,
                      kGuitar, kReed, kBrass, kEthnic, kBass, kPercussive, kSounds},
    /* ethnic     */ {kGuitar, kPiano, kChromatic, kStrings, kReed, kPipe, kBass, kBrass,
                      kOrgan, kEnsemble, kLead, kPad, kPercussive, kEffects, kSounds},
    /* percussive */ {kChromatic, kPiano, kGuitar, kEthnic, kBass, kBrass, kStrings, kReed,
                      kPipe, kOrgan, kEnsemble, kLead, kPad, kEffects, kSounds},
    /* sounds     */ {kEffects, kPercussive, kPipe, kPad, kChromatic, kReed, kLead, kStrings,
                      kEnsemble, kBrass, kOrgan, kPiano, kGuitar, kEthnic, kBass},
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
    const int found = nearest_in_family(other, 8 * other, instrument_programs);
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
