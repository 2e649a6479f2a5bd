#include <catch2/catch.hpp>
#include <fstream>
#include <string>
#include <vector>

#include "dsp/pitch_track.h"
#include "engine/error.h"
#include "tests/support/temporary_folder.h"

using namespace ondes;

TEST_CASE("tracks of other tools are read: CREPE, pYIN, plain columns") {
  const std::string crepe = "time,frequency,confidence\n0.00,220.5,0.9\n0.01,221.0,0.2\r\n";
  const PitchTrack all = parse_f0_track(crepe, "x.csv");
  CHECK(all.times_s == std::vector<double>{0.0, 0.01});
  CHECK(all.hz == std::vector<double>{220.5, 221.0});
  const PitchTrack sure = parse_f0_track(crepe, "x.csv", {.confidence_threshold = 0.5});
  CHECK(sure.hz == std::vector<double>{220.5, -221.0});
  const PitchTrack nans = parse_f0_track("# made by\n\n0.0\tnan\n0.005\t-110\n", "x.txt");
  CHECK(nans.hz == std::vector<double>{0.0, -110.0});
  const PitchTrack plain = parse_f0_track("100\n0\n101.5", "x.f0", {.hop_s = 0.01});
  CHECK(plain.times_s == std::vector<double>{0.0, 0.01, 0.02});
  CHECK(plain.hz == std::vector<double>{100.0, 0.0, 101.5});
}

TEST_CASE("a file that is no track gets one error that names file and line") {
  const auto message = [](const std::string& text) {
    try {
      parse_f0_track(text, "take.csv");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::bad_input);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  CHECK(message("") == "take.csv: pitch track: expected lines of time and frequency, found none");
  CHECK(message("time,hz\n") == message("# nothing\n"));
  CHECK_THAT(message("0,100\n0.1,abc\n"), Catch::Contains("line 2") && Catch::Contains("0.1,abc"));
  CHECK_THAT(message("a,b\nc,d\n"), Catch::Contains("line 2"));
  CHECK_THAT(message("0,100\n0,100\n"), Catch::Contains("line 2: expected a time after"));
  CHECK_THAT(message("0,100\n0.1\n"), Catch::Contains("expected 2 columns as before, found 1"));
  CHECK_THAT(message("0,inf\n"), Catch::Contains("line 1: expected finite"));
  CHECK_THAT(message("nan,100\n"), Catch::Contains("line 1: expected finite"));
  CHECK_THROWS_AS(parse_f0_track("1\n", "x", {.hop_s = 0.0}), Error);
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(read_f0_track(folder.path() / "none.csv"), Catch::Contains("cannot be opened"));
  std::ofstream(folder.path() / "some.csv") << "0 50\n1 60\n";
  CHECK(read_f0_track(folder.path() / "some.csv").hz == std::vector<double>{50.0, 60.0});
}

TEST_CASE("arrays of one, two and three columns are tracks, others are refused") {
  const std::vector<double> values = {0.0, 100.0, 0.9, 0.1, 110.0, 0.1};
  using Shape = std::vector<std::int64_t>;
  CHECK(f0_track_of_array(values, Shape{6}, "x").size() == 6);
  CHECK(f0_track_of_array(values, Shape{2, 3}, "x", {.confidence_threshold = 0.5}).hz ==
        std::vector<double>{100.0, -110.0});
  for (const Shape& shape : {Shape{}, Shape{3, 2, 1}, Shape{1, 6}, Shape{7}, Shape{0}}) {
    CHECK_THROWS_AS(f0_track_of_array(values, shape, "x"), Error);
  }
}

TEST_CASE("a track at other times: linear between pitches, never across a gap") {
  PitchTrack track;
  track.times_s = {1.0, 1.1, 1.2, 1.3, 1.4};
  track.hz = {100.0, 200.0, 0.0, 300.0, -400.0};
  const std::vector<double> times = {0.95, 1.0, 1.05, 1.15, 1.25, 1.3, 1.35, 1.44, 1.46};
  const std::vector<double> expected = {0.0, 100.0, 150.0, 200.0, 0.0, 300.0, 350.0, -400.0, 0.0};
  const PitchTrack drawn = pitch_track_at(track, times);
  CHECK(drawn.times_s == times);
  REQUIRE(drawn.hz.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CHECK(drawn.hz[i] == Approx(expected[i]).margin(1e-9));
  }
  CHECK(pitch_track_at(PitchTrack(), times).hz == std::vector<double>(times.size(), 0.0));
  CHECK(pitch_track_at(track, track.times_s).hz == track.hz);
}
