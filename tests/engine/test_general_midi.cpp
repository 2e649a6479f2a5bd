// Which instrument of a voice plays a General MIDI program.
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <vector>

#include "engine/score/general_midi.h"

using ondes::choose_instrument;
using ondes::InstrumentMatch;

namespace {

// Piano, vibraphone, nylon guitar, violin, cello, trumpet, clarinet, flute.
const std::vector<int> kVoice = {0, 11, 24, 40, 42, 56, 71, 73};

int chosen(int program) {
  return choose_instrument(program, kVoice).instrument_program;
}

}  // namespace

TEST_CASE("an instrument for the very program comes first and is no substitution") {
  for (std::size_t i = 0; i < kVoice.size(); ++i) {
    const auto choice = choose_instrument(kVoice[i], kVoice);
    CHECK(choice.instrument == static_cast<int>(i));
    CHECK(choice.match == InstrumentMatch::exact);
    CHECK_FALSE(choice.substituted());
  }
}

TEST_CASE("then the nearest program of the family, ties to the lower") {
  CHECK(chosen(6) == 0);    // harpsichord: piano
  CHECK(chosen(41) == 40);  // viola lies between violin and cello
  CHECK(chosen(43) == 42);  // contrabass: cello
  CHECK(chosen(68) == 71);  // oboe: clarinet
  CHECK(chosen(75) == 73);  // pan flute: flute
  CHECK(choose_instrument(41, kVoice).match == InstrumentMatch::family);
}

TEST_CASE("then the first family of the fallback row, plucked with plucked, held with held") {
  CHECK(chosen(33) == 24);   // fingered bass: guitar
  CHECK(chosen(48) == 40);   // string ensemble: violin
  CHECK(chosen(19) == 71);   // church organ: clarinet
  CHECK(chosen(81) == 71);   // sawtooth lead: clarinet
  CHECK(chosen(107) == 24);  // koto: guitar
  CHECK(chosen(114) == 11);  // steel drums: vibraphone
  CHECK(choose_instrument(48, kVoice).match == InstrumentMatch::fallback);
}

TEST_CASE("every program finds an instrument in every voice of one instrument") {
  for (int only = 0; only < ondes::kGmPrograms; ++only) {
    const std::vector<int> voice = {only};
    for (int program = 0; program < ondes::kGmPrograms; ++program) {
      const auto choice = choose_instrument(program, voice);
      REQUIRE(choice.instrument == 0);
      REQUIRE(choice.substituted() == (program != only));
    }
  }
}

TEST_CASE("strange voices and programs give an answer as well") {
  CHECK(choose_instrument(5, {}).instrument == -1);
  const std::vector<int> outside = {-1, 200};
  CHECK(choose_instrument(5, outside).instrument == 0);
  CHECK(choose_instrument(5, outside).match == InstrumentMatch::fallback);
  CHECK(choose_instrument(-7, kVoice).program == 0);
  CHECK(choose_instrument(999, kVoice).program == 127);
}

TEST_CASE("every program and family has a name of its own") {
  std::set<std::string_view> names;
  for (int program = 0; program < ondes::kGmPrograms; ++program) {
    names.insert(ondes::gm_program_name(program));
  }
  CHECK(names.size() == 128);
  CHECK(ondes::gm_program_name(128) == "unknown");
  CHECK(ondes::gm_program_name(73) == "flute");
  CHECK(ondes::gm_family_name(ondes::gm_family(73)) == "pipe");
  CHECK(ondes::gm_family_name(-1) == "unknown");
}

TEST_CASE("a substitution is described in one line") {
  CHECK(describe(choose_instrument(41, kVoice)) ==
        "program 41 (viola) is played by violin (same family: strings)");
  CHECK(describe(choose_instrument(19, kVoice)) ==
        "program 19 (church organ) is played by clarinet (no organ in the voice)");
}
