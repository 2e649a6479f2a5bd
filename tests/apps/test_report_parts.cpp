// What the report is made of: text, colours, axes, plots, pictures, sounds, the order of rows.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "apps/eval/report/colour_map.h"
#include "apps/eval/report/detail_section.h"
#include "apps/eval/report/distribution_plots.h"
#include "apps/eval/report/html_text.h"
#include "apps/eval/report/pair_rows.h"
#include "apps/eval/report/picture.h"
#include "apps/eval/report/plots.h"
#include "dsp/audio_file.h"
#include "tests/support/example_evaluation.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
using namespace ondes::report;

namespace {

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("html: what could break a page becomes a reference, and broken UTF-8 a question mark") {
  CHECK(escape_html("a<b>&\"c\"'d'") == "a&lt;b&gt;&amp;&quot;c&quot;&#39;d&#39;");
  CHECK(escape_html("na\xC3\xAFve \xF0\x9F\x8E\xB5") == "na\xC3\xAFve \xF0\x9F\x8E\xB5");
  const std::string bad = "\xEF\xBF\xBD";
  CHECK(escape_html("x\xFFy") == "x" + bad + "y");
  CHECK(escape_html("\xC3") == bad);                      // cut short
  CHECK(escape_html("\xC0\xAF") == bad + bad);            // overlong
  CHECK(escape_html("\xED\xA0\x80") == bad + bad + bad);  // a surrogate
  CHECK(escape_html(std::string("\0\x1B\n", 3)) == bad + bad + " ");
}

TEST_CASE("html: base64 is that of RFC 4648") {
  for (const auto& [plain, coded] : std::vector<std::pair<std::string, std::string>>{
           {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}}) {
    CHECK(base64(bytes_of(plain)) == coded);
  }
  CHECK(base64(bytes_of("\xFB\xFF\xFE")) == "+//+");
}

TEST_CASE("html: numbers and durations are for people") {
  CHECK(number_text(5.125, 2) == "5.12");
  CHECK(number_text(-0.001, 2) == "0.00");
  CHECK(number_text(-0.01, 2) == "-0.01");
  CHECK(number_text(std::nullopt, 2) == "\xE2\x80\x93");
  CHECK(duration_text(9.04) == "9.0 s");
  CHECK(duration_text(59.99) == "1 min 00 s");
  CHECK(duration_text(185.2) == "3 min 05 s");
  CHECK(last_component("runs/melgan/") == "melgan");
  CHECK(last_component("melgan") == "melgan");
  CHECK(last_component("/") == "/");
}

TEST_CASE("colours: equal steps of the number are equal steps of lightness") {
  const std::vector<Colour> colours = sequential_colours(64);
  const double step = (lightness(colours.back()) - lightness(colours.front())) / 63.0;
  CHECK(step == Approx(0.84 / 63.0).epsilon(0.01));
  for (std::size_t i = 1; i < colours.size(); ++i) {
    // 8 bits a channel round dark colours by up to a third of a step.
    CHECK(std::fabs(lightness(colours[i]) - lightness(colours[i - 1]) - step) < 0.4 * step);
  }
}

TEST_CASE("colours: no difference shows the page, and both signs are as strong") {
  const std::vector<Colour> colours = diverging_colours(49);
  CHECK(colours[24].alpha == 0);
  for (std::size_t i = 0; i < 24; ++i) {
    CHECK(colours[i].alpha == colours[48 - i].alpha);
    CHECK(colours[i].alpha > colours[i + 1].alpha);
  }
  CHECK(std::fabs(lightness(colours[0]) - lightness(colours[48])) < 0.01);  // 8 bits a channel
  CHECK(colours[0].blue > colours[0].red);
  CHECK(colours[48].red > colours[48].blue);
}

TEST_CASE("axes: ticks are round, inside, and about as many as asked for") {
  const auto ticks = [](double low, double high, bool logarithmic, int count) {
    return tick_values({low, high, "", logarithmic, count});
  };
  CHECK(ticks(0.0, 9.1, false, 6) == std::vector<double>{0, 2, 4, 6, 8});
  CHECK(ticks(-10.0, 10.0, false, 4) == std::vector<double>{-10, -5, 0, 5, 10});
  CHECK(ticks(60.0, 1100.0, true, 4) == std::vector<double>{100, 200, 500, 1000});
  CHECK(ticks(0.0, 1.0, false, 0).empty());
  for (const double width : {1e-9, 0.03, 0.7, 12.0, 999.0, 1e12}) {
    const std::vector<double> found = ticks(width, 2.0 * width, false, 5);
    CHECK(found.size() >= 2);
    CHECK(found.size() <= 6);
    CHECK(found.front() >= width * (1.0 - 1e-9));
    CHECK(found.back() <= 2.0 * width * (1.0 + 1e-9));
  }
}

TEST_CASE("axes: one value, or none, still make an axis of some width") {
  for (const std::vector<double>& values :
       {std::vector<double>{}, {0.0}, {-7.0, -7.0}, {1e300}, {3.0, 3.0 + 1e-12}}) {
    const PlotAxis axis = axis_around(values, "dB", 4);
    CHECK(axis.high > axis.low);
    CHECK(tick_values(axis).size() < 12);
  }
}

TEST_CASE("plots: thinning a curve keeps its peaks") {
  std::vector<CurvePoint> points;
  for (int i = 0; i < 10000; ++i) {
    points.push_back({static_cast<double>(i), i == 4321 ? 9.0 : i == 777 ? -9.0 : std::sin(i)});
  }
  const std::vector<CurvePoint> few = thinned(points, 500);
  CHECK(few.size() <= 500);
  const auto has = [&](double x) {
    return std::any_of(few.begin(), few.end(), [&](const CurvePoint& p) { return p.x == x; });
  };
  CHECK(has(4321.0));
  CHECK(has(777.0));
  CHECK(std::is_sorted(few.begin(), few.end(),
                       [](const CurvePoint& a, const CurvePoint& b) { return a.x < b.x; }));
}

TEST_CASE("plots: a histogram counts every value once, the ends too") {
  const std::vector<double> values{0.0, 0.1, 0.49, 0.5, 0.99, 1.0};
  CHECK(histogram(values, 0.0, 1.0, 2) == std::vector<std::size_t>{3, 3});
  const std::vector<double> sorted{1.0, 2.0, 4.0};
  CHECK(quantile(sorted, 0.0) == 1.0);
  CHECK(quantile(sorted, 0.25) == 1.5);
  CHECK(quantile(sorted, 1.0) == 4.0);
}

TEST_CASE("pictures: a spectrogram is a PNG file of its size, frequency upwards") {
  // Two columns, three rows; the loudest cell is the highest frequency of the first column.
  const SpectrogramImage image{2, 3, {-80, -80, 0, -80, -80, -80}, 0.1, 100.0};
  const std::vector<std::byte> png = spectrogram_png(image, 80.0);
  const auto at = [&](std::size_t i) { return std::to_integer<int>(png.at(i)); };
  CHECK(at(0) == 0x89);
  CHECK(at(1) == 'P');
  CHECK(at(19) == 2);  // IHDR: width, height
  CHECK(at(23) == 3);
  SpectrogramImage swapped = image;
  std::swap(swapped.db[0], swapped.db[2]);
  CHECK(spectrogram_png(swapped, 80.0) != png);
  CHECK(difference_png(image, {}).empty());
  CHECK_FALSE(difference_png(image, image).empty());
}

TEST_CASE("sounds: 16-bit samples go through unchanged, and no more than the limit") {
  std::vector<float> x(1000);
  for (std::size_t n = 0; n < x.size(); ++n) {
    x[n] = static_cast<float>(static_cast<int>(n * 65) - 32768) / 32768.0F;
  }
  const std::vector<std::byte> wav = wav_bytes(x, 1000, 0.5);
  AudioFileReader reader(wav, "in memory");
  REQUIRE(reader.info().frames == 500);
  CHECK(reader.info().sample_rate_hz == 1000);
  std::vector<float> back(500);
  CHECK(reader.read({back.data(), 500, 1}) == 500);
  CHECK(std::equal(back.begin(), back.end(), x.begin()));
}

TEST_CASE("rows: worst first, then without that value, then failed; higher may be better") {
  const Evaluation evaluation = example_evaluation(1, 8);
  for (const std::size_t metric : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) {
    const std::vector<PairRow> rows = rows_worst_first(evaluation, metric);
    REQUIRE(rows.size() == 8);
    CHECK(rows[7].id == "speaker/clip3");
    CHECK(rows[7].failed());
    const std::size_t measured = metric == 3 ? 6 : 7;
    for (std::size_t i = 1; i < measured; ++i) {
      const double before = *value_of(rows[i - 1].results[0], metric);
      const double here = *value_of(rows[i].results[0], metric);
      CHECK((metric == 1 ? before <= here : before >= here));
    }
    if (metric == 3) {
      CHECK(rows[6].id == "speaker/clip2");
      CHECK(reason_of(rows[6].results[0], metric) == "no frame is voiced in both");
    }
  }
  CHECK(ranking_metric(evaluation, "") == 0);
  CHECK(ranking_metric(evaluation, "stoi") == 1);
  check_contains(message_of(ErrorCode::usage, [&] { ranking_metric(evaluation, "mdc"); }),
                 {"mdc", "mcd_db", "f0_rmse_cents"});
}
