// The report in a real browser: it loads without an error and without a request, sorts, plays,
// seeks, unfolds, fits a telephone, is legible in light and dark. The page gets one more script at
// its end that does what a reader does and says what happened on the console of headless Chromium,
// which is then interrupted. Skipped, out loud, where no Chromium is installed.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "apps/eval/report/report.h"
#include "tests/support/example_evaluation.h"
#include "tests/support/program.h"

using namespace ondes;

namespace {

std::optional<std::string> installed_chromium() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    for (const char* name : {"chromium", "chromium-browser", "google-chrome"}) {
      const std::filesystem::path program = std::filesystem::path(folder) / name;
      std::error_code ignored;
      if (std::filesystem::is_regular_file(program, ignored)) {
        return program.string();
      }
    }
  }
  return std::nullopt;
}

// Before all else in the page: what goes wrong while it loads is written down too.
constexpr std::string_view kListener = R"js(<script>
window.wrong = [];
addEventListener("error", event => wrong.push(event.message || event.target.tagName), true);
addEventListener("unhandledrejection", event => wrong.push(String(event.reason)));
document.addEventListener("securitypolicyviolation", event => wrong.push("refused " + event.blockedURI));
</script>)js";

// check(claim, holds) makes a line "ok: claim" or "FAILED: claim".
constexpr std::string_view kTools = R"js(
const lines = [];
function check(claim, holds) { lines.push((holds ? "ok: " : "FAILED: ") + claim); }
async function until(condition) {
  const end = performance.now() + 15000;
  while (!condition() && performance.now() < end) { await new Promise(go => setTimeout(go, 20)); }
  return condition();
}
function luminance(colour) {
  const [r, g, b] = colour.match(/[\d.]+/g).map(Number).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(element) {  // WCAG 2, against the page
  const [a, b] = [getComputedStyle(element).color, getComputedStyle(document.body).backgroundColor]
      .map(luminance);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
function report() {
  for (const line of lines) { console.log(line); }
  console.log("the page is done");
}
setTimeout(() => { check("it came to an end", false); report(); }, 60000);
)js";

class Browser {
 public:
  explicit Browser(const std::string& chromium) : chromium_(chromium) {}

  // The page with `script` (the body of an async function) run at its end: a line "ok: ..." or
  // "FAILED: ..." for each check. What else the console showed stays in console().
  std::string run(const Evaluation& evaluation,
                  const std::string& script,
                  const std::vector<std::string>& options = {}) {
    std::string page;
    write_report(evaluation, {.worst = 4}, example_detail,
                 [&](std::string_view html) { page += html; });
    const auto insert = [&](const std::string& before, const std::string& text) {
      page.insert(page.rfind(before), text);
    };
    page.insert(page.find("<style>"), kListener);
    insert("</body>", "<script>" + std::string(kTools) + "(async () => {" + script +
                          "})().catch(error => check(String(error), false)).finally(report);"
                          "</script>");
    const std::string file = folder_.file("report.html");
    std::ofstream(file, std::ios::binary) << page;
    // The sandbox needs privileges that containers lack; the page is our own. What the browser
    // itself would like to fetch finds no network.
    std::vector<std::string> arguments{"--headless=new",
                                       "--no-sandbox",
                                       "--disable-gpu",
                                       "--no-first-run",
                                       "--disable-background-networking",
                                       "--disable-component-update",
                                       "--disable-dev-shm-usage",
                                       "--host-resolver-rules=MAP * ~NOTFOUND",
                                       "--autoplay-policy=no-user-gesture-required",
                                       "--mute-audio",
                                       "--enable-logging=stderr",
                                       "--user-data-dir=" + folder_.file("profile")};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.push_back("file://" + file);
    // Real time, not --virtual-time-budget: sounds play in real time.
    ProgramOptions run_options;
    run_options.interrupt_after = kDone;
    return sort_out(run_program(chromium_, arguments, run_options));
  }
  const std::string& console() const { return console_; }

 private:
  static constexpr const char* kDone = "the page is done";

  // [1:1:0101/000000.0:INFO:CONSOLE:1] "text", source: file:///... (1)
  std::string sort_out(const ProgramResult& result) {
    console_.clear();
    std::string checks = "\n";
    bool done = false;
    std::istringstream lines(result.err);
    for (std::string line; std::getline(lines, line);) {
      const auto begin = line.find("] \"");
      if (line.find(":CONSOLE") == std::string::npos || begin == std::string::npos) {
        continue;
      }
      const std::string text = line.substr(begin + 3, line.rfind("\", source: ") - begin - 3);
      done = done || text == kDone;
      if (text.starts_with("ok: ") || text.starts_with("FAILED: ")) {
        checks += text + "\n";
      } else if (text != kDone) {
        console_ += text + "\n";
      }
    }
    return done ? checks : "FAILED: the page did not come to an end\n" + result.err;
  }

  std::string chromium_;
  TemporaryFolder folder_;
  std::string console_;
};

// All checks held, and there were as many as there should be: a script that ended early says less.
void check_all_held(const std::string& result, std::size_t checks) {
  INFO(result);
  CHECK(result.find("FAILED") == std::string::npos);
  std::size_t held = 0;
  for (auto at = result.find("\nok: "); at != std::string::npos;
       at = result.find("\nok: ", at + 1)) {
    ++held;
  }
  CHECK(held == checks);
}

#define NEED_CHROMIUM()                                                        \
  const std::optional<std::string> chromium = installed_chromium();            \
  if (!chromium) {                                                             \
    WARN("SKIPPED: no Chromium in PATH (the page was not seen by a browser)"); \
    return;                                                                    \
  }                                                                            \
  Browser browser(*chromium)

}  // namespace

TEST_CASE("in a browser: no error, no request, and one that is tried is refused") {
  NEED_CHROMIUM();
  const std::string result = browser.run(example_evaluation(2, 12), R"js(
    check("nothing went wrong", wrong.length === 0);
    check("nothing was fetched", performance.getEntriesByType("resource").length === 0);
    const images = Array.from(document.querySelectorAll("image"), image => image.href.baseVal);
    const sizes = await Promise.all(images.map(async source => {
      const image = new Image();
      image.src = source;
      await image.decode();
      return image.naturalWidth * image.naturalHeight;
    }));
    check("every picture can be decoded", images.length === 20 && sizes.every(n => n === 501 * 256));
    const image = new Image();  // the control
    image.src = "http://127.0.0.1:9/control.png";
    check("a request is refused", await until(() => wrong.some(w => w.startsWith("refused http"))));
  )js");
  check_all_held(result, 4);
  // One line in the console: the control's.
  INFO(browser.console());
  CHECK(browser.console().find("control.png") != std::string::npos);
  CHECK(std::count(browser.console().begin(), browser.console().end(), '\n') == 1);
}

TEST_CASE("in a browser: headings sort both ways, say so, and leave what failed at the end") {
  NEED_CHROMIUM();
  const std::string result = browser.run(example_evaluation(1, 12), R"js(
    const table = document.getElementById("all");
    const column = i => Array.from(table.tBodies[0].rows, row => row.cells[i]?.textContent);
    const numbers = i => column(i).slice(0, 11).map(Number);
    const sorted = (values, sign) => values.every((v, i) => i === 0 || sign * (v - values[i - 1]) >= 0);
    const [name, , mcd, stoi, , cents] = table.querySelectorAll("thead button");
    const order = button => button.closest("th").getAttribute("aria-sort");
    check("worst first at first", order(mcd) === "descending" && sorted(numbers(2), -1));
    mcd.focus();
    check("a heading takes the keyboard", document.activeElement === mcd);
    mcd.click();
    check("again is the other way", order(mcd) === "ascending" && sorted(numbers(2), 1));
    stoi.click();
    check("another column", order(stoi) === "descending" && sorted(numbers(3), -1));
    check("one heading says so", table.querySelectorAll("[aria-sort]").length === 1);
    cents.click();
    check("no number comes after numbers", column(5)[10] === "\u2013" && column(0)[11].includes("clip3"));
    cents.click();
    check("either way", column(5)[10] === "\u2013" && column(0)[11].includes("clip3"));
    name.click();
    const names = column(0).filter(text => text.startsWith("speaker"));
    check("names count as people do",
          names.indexOf("speaker/clip2") < names.indexOf("speaker/clip10"));
    const filter = document.getElementById("filter");
    filter.value = "CLIP1";
    filter.dispatchEvent(new Event("input"));
    const shown = Array.from(table.tBodies[0].rows).filter(row => row.offsetHeight > 0).length;
    check("a filter shows what fits", shown === 2 &&
          document.getElementById("shown").textContent === "2 of 12");
    check("nothing went wrong", wrong.length === 0);
  )js");
  check_all_held(result, 10);
  CHECK(browser.console() == "");
}

TEST_CASE("in a browser: sounds play one at a time, a line follows, a click in a plot seeks") {
  NEED_CHROMIUM();
  const std::string result = browser.run(example_evaluation(1, 12), R"js(
    const pair = document.querySelector(".pair");
    const [reference, generated] = pair.querySelectorAll("audio");
    const cursor = pair.querySelector(".cursor");
    check("no line before it plays", getComputedStyle(cursor).visibility === "hidden");
    await reference.play();
    check("it plays", await until(() => reference.currentTime > 0.1));
    check("its length is known", Math.abs(reference.duration - 2) < 1e-3);
    check("a line follows", getComputedStyle(cursor).visibility === "visible" &&
          await until(() => Number.parseFloat(cursor.getAttribute("x1")) > 2));
    await generated.play();
    check("one at a time", await until(() => reference.paused && generated.currentTime > 0.1));
    generated.pause();
    const plot = pair.querySelector(".timed");
    const box = plot.getBoundingClientRect();
    plot.dispatchEvent(new MouseEvent("click",
        {bubbles: true, clientX: box.left + 0.75 * box.width, clientY: box.top + 5}));
    check("a click seeks", await until(() => Math.abs(generated.currentTime - 1.5) < 0.02));
    check("the line is there", await until(
        () => Math.abs(Number.parseFloat(cursor.getAttribute("x1")) - 75) < 1));
    check("nothing went wrong", wrong.length === 0);
  )js");
  check_all_held(result, 8);
  CHECK(browser.console() == "");
}

TEST_CASE("in a browser: links unfold details, paper unfolds all, a telephone is wide enough") {
  NEED_CHROMIUM();
  const std::string result = browser.run(example_evaluation(2, 12),
                                         R"js(
    const details = Array.from(document.querySelectorAll("details"));
    check("three are open", details.filter(d => d.open).length === 3 && details.length === 4);
    location.hash = "#pair-4";
    check("a link unfolds", await until(() => document.getElementById("pair-4").open));
    const sources = d => d.querySelectorAll("audio[src]").length;
    check("unfolded pairs have players", details.every(d => d.querySelectorAll("audio").length === 3)
          && await until(() => details.every(d => sources(d) === 3)));
    details[0].open = false;
    check("a folded one has none", await until(() => sources(details[0]) === 0));
    dispatchEvent(new Event("beforeprint"));
    check("all are printed", details.every(d => d.open));
    dispatchEvent(new Event("afterprint"));
    check("and folded again", !details[0].open);
    // The browser's windows are 500 pixels wide at least: a telephone's width by hand.
    document.documentElement.style.width = "360px";
    const wide = Array.from(document.querySelectorAll("body *")).filter(element =>
        element.getBoundingClientRect().right > 360.5 && !element.closest(".wide") &&
        !element.closest("svg") && !element.closest(".unseen"));
    check("nothing is wider than a telephone " + wide.slice(0, 3).map(e => e.className), wide.length === 0);
  )js",
                                         {"--window-size=400,800"});
  check_all_held(result, 7);
}

TEST_CASE("in a browser: light and dark are both legible") {
  NEED_CHROMIUM();
  for (const bool dark : {false, true}) {
    const std::string result = browser.run(
        example_evaluation(1, 12), std::string("const dark = ") + (dark ? "true" : "false") + R"js(;
    check("it is " + (dark ? "dark" : "light"), matchMedia("(prefers-color-scheme: dark)").matches === dark);
    const ground = luminance(getComputedStyle(document.body).backgroundColor);
    check("the ground too", dark ? ground < 0.05 : ground > 0.9);
    // WCAG 2, level AAA for text, AA for what is beside it.
    check("text stands out", contrast(document.body) >= 7);
    for (const part of["a", ".unit", "dt", ".when", "tr.failed", "#gates h2"]) {
      check(part + " stands out", contrast(document.querySelector(part)) >= 4.5);
    }
  )js",
        {dark ? "--blink-settings=preferredColorScheme=0"
              : "--blink-settings=preferredColorScheme=1"});
    check_all_held(result, 9);
  }
}
