// The report as bytes: what stands in the page, in which order, and that nothing from outside gets
// in unescaped. How it behaves in a browser is test_report_browser.cpp's matter.
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

#include "apps/eval/report/colour_map.h"
#include "apps/eval/report/detail_section.h"
#include "apps/eval/report/distribution_plots.h"
#include "apps/eval/report/html_text.h"
#include "apps/eval/report/pair_rows.h"
#include "apps/eval/report/picture.h"
#include "apps/eval/report/plots.h"
#include "apps/eval/report/report.h"
#include "dsp/audio_file.h"
#include "tests/support/example_evaluation.h"
#include "tests/support/program.h"
#include "tests/support/thrown_error.h"

using namespace ondes;
using namespace ondes::report;

namespace {

std::string page_of(const Evaluation& evaluation,
                    const ReportOptions& options = {},
                    const DetailSource& details = example_detail) {
  std::string page;
  write_report(evaluation, options, details, [&](std::string_view html) { page += html; });
  return page;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// What is wrong with the nesting of elements, "" if nothing is. Void and self-closing elements
// aside; what stands in <style> and <script> is not looked at, what stands in quotes neither.
std::string first_unbalanced(const std::string& page) {
  const std::vector<std::string> never_closed{"meta", "link", "br", "wbr", "input", "!DOCTYPE"};
  std::vector<std::string> open;
  for (std::size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at)) {
    const bool closes = page[at + 1] == '/';
    const std::size_t name_at = at + (closes ? 2 : 1);
    const std::string name = page.substr(name_at, page.find_first_of(" />\n", name_at) - name_at);
    std::size_t end = name_at;
    for (bool quoted = false; page.at(end) != '>' || quoted; ++end) {
      quoted = quoted != (page[end] == '"');
      if (page[end] == '<') {
        return "< inside of <" + name;
      }
    }
    const bool self_closing = page[end - 1] == '/';
    at = end;
    if (self_closing || std::count(never_closed.begin(), never_closed.end(), name) > 0) {
      continue;
    }
    if (!closes) {
      open.push_back(name);
      if (name == "style" || name == "script") {
        at = page.find("</" + name, end);
      }
    } else if (open.empty() || open.back() != name) {
      return "</" + name + "> closes " + (open.empty() ? "nothing" : open.back());
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : open.back() + " is never closed";
}

// A number that is none, where numbers stand; base64 may spell anything.
bool shows_no_number(const std::string& page) {
  for (const char* wrong : {">nan", ">-nan", "\"nan", "\"-nan", "nan%", " nan", "inf%", ">inf"}) {
    if (page.find(wrong) != std::string::npos) {
      return true;
    }
  }
  return false;
}

PairDetail no_pictures(const PairResult& /*pair*/) {
  PairDetail detail;
  detail.failure = "not wanted here";
  return detail;
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

TEST_CASE("the check of elements finds what it is there for") {
  CHECK(first_unbalanced("<p class=\"a>b\">x<br>y<i/></p>") == "");
  CHECK(first_unbalanced("<p><b></p>") != "");
  CHECK(first_unbalanced("<p>") != "");
  CHECK(first_unbalanced("</p>") != "");
  CHECK(first_unbalanced("<p title=\"<\"></p>") != "");
}

TEST_CASE("report: no text from outside reaches the page unescaped, and every element is closed") {
  for (const int systems : {1, 2}) {
    const std::string page = page_of(example_evaluation(systems, 6), {.worst = 3});
    CHECK(page.find("alert(\"1\")") == std::string::npos);
    CHECK(page.find("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;more&#39;") !=
          std::string::npos);
    CHECK(page.find('\xFF') == std::string::npos);
    CHECK(count_of(page, "<script>") == 1);
    CHECK(page.find("alone&lt;1&gt;") != std::string::npos);
    CHECK(first_unbalanced(page) == "");
    CHECK_FALSE(shows_no_number(page));
  }
}

TEST_CASE("report: it forbids itself every request and names no other place") {
  const std::string page = page_of(example_evaluation(2, 6), {.worst = 2});
  check_contains(page, {"default-src 'none'", "img-src data:", "media-src data:"});
  CHECK(count_of(page, "http://") == 1);  // the icon's XML namespace, in a data URI
  CHECK(count_of(page, "https://") == 0);
  CHECK(count_of(page, "src=\"") == count_of(page, "src=\"data:"));
  CHECK(count_of(page, "href=\"") == count_of(page, "href=\"data:") + count_of(page, "href=\"#"));
  CHECK(count_of(page, "url(") == 0);
  CHECK(count_of(page, "@import") == 0);
}

TEST_CASE("report: details of the worst pairs only, of all if asked, of none that failed") {
  const Evaluation evaluation = example_evaluation(1, 8);
  CHECK(count_of(page_of(evaluation, {.worst = 3}), "<details ") == 3);
  CHECK(count_of(page_of(evaluation, {.worst = 0}, no_pictures), "<details ") == 0);
  const std::string all = page_of(evaluation, {.all = true}, no_pictures);
  CHECK(count_of(all, "<details ") == 7);
  CHECK(count_of(all, "no pictures: not wanted here") == 7);
  CHECK(all.find("speaker/clip3.wav: not a sound file") != std::string::npos);
  CHECK(count_of(page_of(evaluation), "<audio ") == 14);
  CHECK(count_of(page_of(example_evaluation(2, 8)), "<audio ") == 21);  // one reference for both
}

TEST_CASE("report: sound past the limit is named instead, and a long one is cut") {
  const auto minute = [](const PairResult& pair) {
    PairDetail detail = example_detail(pair);
    detail.reference.resize(std::size_t{16000} * 60);
    detail.rate_hz = 16000;
    return detail;
  };
  const std::string page = page_of(example_evaluation(1, 3), {.worst = 1}, minute);
  CHECK(page.find("The first 30.0 s of 1 min 00 s.") != std::string::npos);

  const Evaluation evaluation = example_evaluation(1, 4);
  const std::vector<PairRow> rows = rows_worst_first(evaluation, 0);
  SoundBudget budget;
  budget.bytes_left = 100000;  // one sound of 64 kB
  const std::string html =
      pair_html(evaluation, rows[0], 0, {example_detail(*rows[0].results[0])}, budget);
  CHECK(count_of(html, "<audio ") == 1);
  CHECK(html.find("2.0 s of sound left out") != std::string::npos);
  CHECK(budget.bytes_left < 100000 - 64000);
}

TEST_CASE("report: gates stand on top, with what broke them") {
  Evaluation evaluation = example_evaluation(1, 5);
  const std::string broken = page_of(evaluation, {}, no_pictures);
  check_contains(broken, {"Failed: 1 of 2 thresholds not met", "mean(stoi)&gt;0.99",
                          "mean 0.950 is not above 0.99"});
  CHECK(broken.find("id=\"gates\"") < broken.find("id=\"summary\""));
  evaluation.gates.pop_back();
  CHECK(page_of(evaluation, {}, no_pictures).find("Passed: 1 threshold met") != std::string::npos);
  evaluation.gates.clear();
  CHECK(page_of(evaluation, {}, no_pictures).find("id=\"gates\"") == std::string::npos);
}

TEST_CASE("report: two systems are compared with the paired interval and a verdict") {
  const std::string page = page_of(example_evaluation(2, 6), {}, no_pictures);
  check_contains(page, {"<strong>A: first</strong> is better in 2 of 3 measures",
                        "<strong>B: second</strong> in 0; 1 does not tell them apart",
                        "[1.10, 1.90]", "not told apart"});
  CHECK(page_of(example_evaluation(1, 6), {}, no_pictures).find("id=\"comparison\"") ==
        std::string::npos);
}

TEST_CASE("report: with fewer than five pairs nobody wins, and that stands above the table") {
  Evaluation evaluation = example_evaluation(2, 6);
  for (PairedDifference& difference : evaluation.differences) {
    difference.count = 2;
  }
  const std::string page = page_of(evaluation, {}, no_pictures);
  check_contains(page, {"A: first is ahead in 3 of 3 measures", "2 pairs are too few to say",
                        "A: first in these 2 pairs"});
  CHECK(page.find("is better</td>") == std::string::npos);
  CHECK(page.find("2 pairs are too few for an interval") < page.find("<table"));
}

TEST_CASE("report: one pair, no pair, silence and the shortest sounds still make a page") {
  Evaluation evaluation = example_evaluation(1, 1);
  const auto empty = [](const PairResult& /*pair*/) { return PairDetail{}; };
  const auto short_sound = [](const PairResult& /*pair*/) {
    PairDetail detail;
    detail.rate_hz = 8000;
    detail.reference = {0.0F};
    detail.generated = {0.0F};
    detail.reference_image = {1, 1, {-80.0F}, 0.01, 4000.0};
    detail.generated_image = detail.reference_image;
    detail.warp = {{0.0, 0.0}};
    detail.mfcc_distance = {0.0F};
    detail.reference_f0.hz = {0.0F};
    return detail;
  };
  for (const DetailSource& source : {DetailSource(empty), DetailSource(short_sound)}) {
    const std::string page = page_of(evaluation, {}, source);
    CHECK(first_unbalanced(page) == "");
    CHECK_FALSE(shows_no_number(page));
  }
  evaluation = example_evaluation(1, 0);
  CHECK(first_unbalanced(page_of(evaluation)) == "");
}

TEST_CASE("report: one pair has values and details, but no statistics") {
  for (const int systems : {1, 2}) {
    const std::string page = page_of(example_evaluation(systems, 1));
    CHECK(first_unbalanced(page) == "");
    for (const char* section : {"distributions", "pairs", "comparison"}) {
      CHECK(count_of(page, std::string("id=\"") + section + "\"") == 0);
    }
    CHECK(count_of(page, "95 % interval</th>") == 0);
    CHECK(count_of(page, "<details ") == 1);
    check_contains(page, {"<code>mcd_db</code>", "id=\"summary\"", "id=\"method\""});
  }
}

TEST_CASE("report: a render against its score shows the notes, and no reference sound") {
  Evaluation evaluation = example_evaluation(1, 1);
  evaluation.systems[0].pairs[0].reference = {"demo.mid", 0, 0, 0, 100, 0, "score, 3 notes"};
  const auto render = [](const PairResult& /*pair*/) {
    PairDetail detail;
    detail.rate_hz = 16000;
    detail.generated = example_sound(2.0, 0.01, 1);
    detail.generated_image = example_image(detail.generated);
    detail.score_notes = {{0.0, 0.5, 220.0, 0.0}, {0.5, 1.0, 330.0, 0.0}, {1.0, 1.9, 440.0, 0.0}};
    detail.heard_notes = {{0.01, 0.45, 220.0, -20.0}, {1.01, 1.8, 440.0, -20.0}};
    return detail;
  };
  const std::string page = page_of(evaluation, {}, render);
  CHECK(first_unbalanced(page) == "");
  CHECK(count_of(page, "class=\"note ref wide\"") == 3);
  CHECK(count_of(page, "class=\"note s0\"") == 2);
  CHECK(count_of(page, "<audio ") == 1);
  CHECK(count_of(page, "<image ") == 1);
  CHECK(page.find("No pitch") == std::string::npos);
}

TEST_CASE("report: the same evaluation gives the same bytes") {
  CHECK(page_of(example_evaluation(2, 5), {.worst = 1}) ==
        page_of(example_evaluation(2, 5), {.worst = 1}));
}

TEST_CASE("report file: a path that cannot be written is refused before anything is measured") {
  const TemporaryFolder folder;
  const std::string path = folder.file("missing/out.html");
  check_contains(message_of(ErrorCode::io, [&] { ReportFile file(path); }), {path});
  check_contains(message_of(ErrorCode::io, [&] { ReportFile file(folder.path().string()); }),
                 {folder.path().string()});
}

TEST_CASE("report file: it appears when it is complete, and not at all if details fail") {
  const TemporaryFolder folder;
  {
    ReportFile file(folder.file("out.html"));
    const auto failing = [](const PairResult& /*pair*/) -> PairDetail {
      throw Error(ErrorCode::interrupted, "stopped");
    };
    CHECK(thrown_error([&] { file.write(example_evaluation(1, 3), {}, failing); }).has_value());
  }
  CHECK(folder.names().empty());
  ReportFile file(folder.file("out.html"));
  CHECK_FALSE(std::filesystem::exists(folder.file("out.html")));
  const std::size_t bytes = file.write(example_evaluation(1, 3), {}, no_pictures);
  CHECK(read_text(folder.file("out.html")).size() == bytes);
  CHECK(folder.names() == std::vector<std::string>{"out.html"});
}
