#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <tuple>

#include "apps/play/display_text.h"
#include "apps/play/first_failure.h"
#include "apps/play/keys.h"
#include "apps/play/terminal_view.h"

using namespace ondes;

namespace {

PlayView busy_view() {
  PlayView view;
  view.title = "Pr\u00e4ludium \u65e5\u672c\u8a9e \x1b[2J.mid";
  view.voice = "chamber";
  view.device = "a device with quite a long name, as sound servers give them to their outputs";
  view.duration_s = 3725.0;
  view.items = 12;
  view.loop_from_s = 1.0;
  view.loop_to_s = 2.0;
  view.message = std::string(300, 'm');
  view.keys = "space pause  left right seek  up down tempo  q quit";
  view.stream.position_s = 61.25;
  view.stream.load = 1.7;
  view.stream.worst_load = 12.5;
  view.stream.peak = {0.9F, 0.0F};
  view.stream.underruns = 1'234'567;
  view.stream.source.lanes_limit = 64;
  view.stream.source.stolen_notes = 99;
  view.late_events = 5;
  return view;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += line + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("no line is wider than the terminal, from 1 column to 300") {
  for (const bool unicode : {false, true}) {
    for (int columns = 1; columns <= 300; ++columns) {
      for (const std::string& line : draw_view(busy_view(), {columns, false, unicode})) {
        CHECK(display_columns(line) <= columns);
      }
    }
  }
}

TEST_CASE("without colour there are no escape sequences, not even from a file's name") {
  const std::string text = joined(draw_view(busy_view(), {80, false, true}));
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("\u65e5\u672c\u8a9e ?[2J") != std::string::npos);
  CHECK(joined(draw_view(busy_view(), {80, true, true})).find("\x1b[31m") != std::string::npos);
}

TEST_CASE("a terminal without Unicode gets ASCII alone") {
  const std::string text = joined(draw_view(busy_view(), {80, false, false}));
  CHECK(std::all_of(text.begin(), text.end(), [](char c) { return c >= '\n' && c <= '~'; }));
  CHECK(text.find("====") != std::string::npos);
}

TEST_CASE("bars stand under each other, and show their part") {
  const std::vector<std::string> lines = draw_view(busy_view(), {80, false, false});
  std::vector<std::size_t> begins;
  for (const std::string& line : lines) {
    const std::size_t begin = line.find_first_of("=-");
    if (line.find("----") != std::string::npos || line.find("====") != std::string::npos) {
      begins.push_back(begin);
      CHECK(line.size() == 80);
    }
  }
  CHECK(begins == std::vector<std::size_t>{7, 7, 7, 7});
  CHECK(lines[3].find("-0.9 dB") != std::string::npos);
  CHECK(lines[4].find("silent") != std::string::npos);
}

TEST_CASE("where there is no room for bars the values stand alone, as far as they fit") {
  const std::vector<std::string> lines = draw_view(busy_view(), {19, false, false});
  CHECK(lines[2] == "time 1:01.2 / 1:02:");
  CHECK(lines[4] == "R silent");
  CHECK(draw_view(busy_view(), {6, false, false})[3] == "L -0.9");
  CHECK(draw_view(busy_view(), {29, false, false})[4].find("---") != std::string::npos);
}

TEST_CASE("what the keys do goes on in the next line where it is long") {
  const std::vector<std::string> narrow = draw_view(busy_view(), {30, false, true});
  const std::vector<std::string> wide = draw_view(busy_view(), {100, false, true});
  CHECK(narrow.size() > wide.size());
  CHECK(joined(narrow).find("q quit") != std::string::npos);
}

TEST_CASE("columns of text: wide characters count two, combining ones none") {
  CHECK(display_columns("abc") == 3);
  CHECK(display_columns("\u00e4") == 1);
  CHECK(display_columns("a\u0308") == 1);
  CHECK(display_columns("\u65e5\u672c") == 4);
  CHECK(cut_to_columns("\u65e5\u672c", 3) == "\u65e5");
  CHECK(cut_to_columns("abc", 2) == "ab");
  CHECK(printable("a\xff\n", true) == "a??");
  CHECK(printable("\u00e4", false) == "?");
}

TEST_CASE("keys are read one after the other, arrows as terminals send them") {
  CHECK(read_key("q").key == PlayKey::quit);
  CHECK(read_key("\x1b[C ").key == PlayKey::forward);
  CHECK(read_key("\x1b[C ").bytes == 3);
  CHECK(read_key("\x1bOD").key == PlayKey::back);
  CHECK(read_key("T").key == PlayKey::warmer);
  CHECK_FALSE(read_key("\x1b[15~x").key.has_value());
  CHECK(read_key("\x1b[15~x").bytes == 5);
  CHECK(read_key("").bytes == 0);
  CHECK_FALSE(read_key("\x1b").key.has_value());
}

TEST_CASE("a sequence that a read has cut off is known from one that is whole") {
  for (const char* text : {"\x1b", "\x1b[", "\x1bO", "\x1b[1", "\x1b[15;2"}) {
    CAPTURE(text);
    CHECK(is_cut_off(text));
  }
  for (const char* text :
       {"", "[", "q\x1b", "\x1b[C", "\x1b[C\x1b", "\x1bOD", "\x1bq", "\x1b[15~"}) {
    CAPTURE(text);
    CHECK_FALSE(is_cut_off(text));
  }
  CHECK_FALSE(is_cut_off("\x1b[" + std::string(30, '1')));  // no key has so many bytes
}

TEST_CASE("a file's name that is no UTF-8 does not keep the telemetry from being JSON") {
  PlayView view = busy_view();
  view.title = "n\xff\xfe.mid";
  view.voice = "\xe9";
  const auto read = nlohmann::json::parse(telemetry_to_json(view, 48000, 2).dump());
  CHECK(read["title"] == "n\xef\xbf\xbd\xef\xbf\xbd.mid");
  CHECK(read["voice"] == "\xef\xbf\xbd");
}

TEST_CASE("whatever goes wrong first, all is attempted, and that is thrown") {
  FirstFailure failure;
  int attempted = 0;
  failure.attempt([&] { ++attempted; });
  CHECK_FALSE(failure.any());
  failure.attempt([&] {
    ++attempted;
    throw std::logic_error("a bug");
  });
  failure.attempt([&] {
    ++attempted;
    throw Error(ErrorCode::interrupted, "a signal");
  });
  CHECK(attempted == 3);
  CHECK_FALSE(failure.is(ErrorCode::interrupted));
  CHECK_THROWS_AS(failure.throw_it(), std::logic_error);
  failure.clear();
  failure.throw_it();
  failure.attempt([] { throw Error(ErrorCode::interrupted, "a signal"); });
  CHECK(failure.is(ErrorCode::interrupted));
  CHECK_THROWS_AS(failure.throw_it(), Error);
}

TEST_CASE("a limit of notes is told of when it falls, when it rises, and when it is gone") {
  CHECK_FALSE(lane_limit_remark(0, 0, 1.0).has_value());
  CHECK_FALSE(lane_limit_remark(8, 8, 1.0).has_value());
  CHECK(lane_limit_remark(0, 8, 1.25) ==
        "the load was too high: at most 8 notes at once from 1.2 s on");
  CHECK(lane_limit_remark(8, 4, 2.0) ==
        "the load was too high: at most 4 notes at once from 2.0 s on");
  CHECK(lane_limit_remark(4, 6, 3.0) ==
        "the load is lower: up to 6 notes at once again from 3.0 s on");
  CHECK(lane_limit_remark(6, 0, 4.0) ==
        "the load is low again: as many notes at once as before, from 4.0 s on");
}

TEST_CASE("limits of two sources are not compared: each voice begins with what fits of it") {
  StreamTelemetry before;
  before.source_number = 1;
  before.lane_limit = 4;
  StreamTelemetry after = before;
  after.lane_limit = 0;
  CHECK(source_limit_remark(before, after, 2.6) == lane_limit_remark(4, 0, 2.6));
  after.source_number = 2;
  CHECK_FALSE(source_limit_remark(before, after, 2.6).has_value());
  CHECK_FALSE(source_limit_remark(after, before, 2.6).has_value());
}

TEST_CASE("how the render thread is scheduled is in the picture and in the telemetry") {
  for (const auto& [scheduling, name, shown] :
       {std::tuple{RenderScheduling::real_time, "real time", "  real time"},
        std::tuple{RenderScheduling::refused, "refused", "real-time scheduling refused"},
        std::tuple{RenderScheduling::as_everything, "normal", ""}}) {
    PlayView view = busy_view();
    view.stream.scheduling = scheduling;
    const nlohmann::json telemetry = telemetry_to_json(view, 48000, 2);
    CHECK(telemetry["scheduling"] == name);
    CHECK(telemetry["realtime_priority"] == (scheduling == RenderScheduling::real_time));
    const std::string text = joined(draw_view(view, {100, false, true}));
    CHECK(text.find(shown) != std::string::npos);
    CHECK((text.find("real") == std::string::npos) == (*shown == '\0'));
    CHECK(scheduling_advice(scheduling).empty() == (scheduling != RenderScheduling::refused));
  }
  CHECK(scheduling_advice(RenderScheduling::refused).find("limits.conf") != std::string::npos);
}

TEST_CASE("a recording that has ended early is shown as long as the picture is") {
  PlayView view = busy_view();
  CHECK(telemetry_to_json(view, 48000, 2)["recording"].is_null());
  view.recording = true;
  CHECK(telemetry_to_json(view, 48000, 2)["recording"] == "on");
  CHECK(joined(draw_view(view, {80, false, true})).find("recording") != std::string::npos);
  view.recording_failed = true;
  CHECK(telemetry_to_json(view, 48000, 2)["recording"] == "failed");
  CHECK(joined(draw_view(view, {80, false, true})).find("recording FAILED") != std::string::npos);
}

TEST_CASE("frames that were silenced are in the picture and in the telemetry") {
  PlayView view = busy_view();
  CHECK(telemetry_to_json(view, 48000, 2)["silenced_frames"] == 0);
  CHECK(joined(draw_view(view, {100, false, true})).find("silenced") == std::string::npos);
  view.stream.silenced_frames = 1970;
  CHECK(telemetry_to_json(view, 48000, 2)["silenced_frames"] == 1970);
  CHECK(joined(draw_view(view, {100, false, true})).find("silenced 1970 frames") !=
        std::string::npos);
}

TEST_CASE("a rate that is converted is in the telemetry") {
  PlayView view = busy_view();
  CHECK(telemetry_to_json(view, 44100, 2)["voice_rate"] == 44100);
  view.voice_rate_hz = 24000;
  CHECK(telemetry_to_json(view, 44100, 2)["voice_rate"] == 24000);
}
