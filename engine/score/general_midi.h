// General MIDI: program names and families, and which of a voice's instruments plays a program.
//
// A voice has few instruments, a score may ask for any of 128 programs. The choice, in this order:
//   1. an instrument that stands for the very program;
//   2. one of the same family of eight, the nearest program number (ties: the lower);
//   3. one of the first family that the voice has in the program family's fallback row
//      (general_midi.cpp), lowest program number; the rows keep struck and plucked sounds together
//      and sustained ones together;
//   4. the voice's first instrument, where it has programs outside 0..127 only.
// Programs are 0-based everywhere. Any thread; nothing here allocates but describe().
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace ondes {

inline constexpr int kGmPrograms = 128;
inline constexpr int kGmFamilies = 16;

std::string_view gm_program_name(int program) noexcept;  // "unknown" outside 0..127
std::string_view gm_family_name(int family) noexcept;    // "unknown" outside 0..15
constexpr int gm_family(int program) noexcept {
  return program / 8;
}

enum class InstrumentMatch { exact, family, fallback };

struct InstrumentChoice {
  int program = 0;             // asked for
  int instrument = -1;         // index into the voice's instruments; -1 if it has none
  int instrument_program = 0;  // the program that instrument stands for
  InstrumentMatch match = InstrumentMatch::exact;

  bool substituted() const noexcept { return match != InstrumentMatch::exact; }
};

// `instrument_programs[i]` is the program that the voice's instrument i stands for
// (NoteContract::programs). `program` is clamped to 0..127.
InstrumentChoice choose_instrument(int program, std::span<const int> instrument_programs) noexcept;

// "program 41 (viola) is played by violin (same family: strings)", for reports.
std::string describe(const InstrumentChoice& choice);

}  // namespace ondes
