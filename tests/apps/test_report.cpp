// The report as bytes: what stands in the page, in which order, and that nothing from outside gets
// in unescaped. Its parts are test_report_parts.cpp's matter, how it behaves in a browser
// test_report_browser.cpp's.
#include <catch2/catch.hpp>
#include <filesystem>

#include "apps/eval/report/detail_section.h"
#include "apps/eval/report/pair_rows.h"
#include "apps/eval/report/report.h"
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
