// Which MIDI port `ondes live --midi-in` means.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "apps/play/midi_input.h"
#include "engine/error.h"
#include "tests/support/thrown_error.h"

using namespace ondes;

namespace {

const std::vector<std::string> kNames{
    "Midi Through:Midi Through Port-0 14:0",
    "nanoKEY2:nanoKEY2 MIDI 1 20:0",
    "Keystation 49:Keystation 49 MIDI 1 24:0",
    "Keystation 49:Keystation 49 MIDI 1 24:1",
    "keys",
};

}  // namespace

TEST_CASE("a part of a port's name, in capitals or not, says which one is meant") {
  CHECK(find_midi_port("nano", kNames, "ALSA") == 1);
  CHECK(find_midi_port("NANOkey2", kNames, "ALSA") == 1);
  CHECK(find_midi_port("through", kNames, "ALSA") == 0);
  CHECK(find_midi_port("24:1", kNames, "ALSA") == 3);
}

TEST_CASE("a part that fits more than one port is refused, a whole name wins") {
  CHECK(message_of(ErrorCode::usage, [] { find_midi_port("keySTATION", kNames, "ALSA"); }) ==
        "--midi-in keySTATION: fits more than one ALSA port: " + kNames[2] + ", " + kNames[3]);
  CHECK(find_midi_port("keys", kNames, "ALSA") == 4);
  CHECK_THROWS_AS(find_midi_port("Keys", kNames, "ALSA"), Error);  // not the whole name: three
  CHECK(find_midi_port(kNames[3], kNames, "ALSA") == 3);
}

TEST_CASE("a port that is not there is refused with those that are") {
  CHECK(message_of(ErrorCode::no_device, [] {
          find_midi_port("organ", {"a:b", "c:d"}, "JACK");
        }) == "--midi-in organ: no JACK port of that name; there are a:b, c:d");
  CHECK(message_of(ErrorCode::no_device, [] { find_midi_port("organ", {}, "JACK"); }) ==
        "--midi-in organ: no JACK port of that name; there is none");
}
