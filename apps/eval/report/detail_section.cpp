#include "apps/eval/report/detail_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "apps/eval/report/detail_plots.h"
#include "apps/eval/report/html_text.h"
#include "apps/eval/report/pair_sections.h"
#include "dsp/level.h"
#include "dsp/wav_container.h"

namespace ondes::report {
namespace {

constexpr std::size_t kOpenAtFirst = 3;  // pairs whose details are unfolded when the page opens

std::string player_html(const std::string& label,
                        std::string_view side,
                        const std::vector<float>& samples,
                        int rate_hz,
                        SoundBudget& budget) {
  std::string html = fmt::format(
      "<figure class=\"player\"><figcaption><span class=\"key {}\"></span>{}</figcaption>", side,
      label);
  const double seconds = rate_hz > 0 ? static_cast<double>(samples.size()) / rate_hz : 0.0;
  const std::vector<std::byte> wav = wav_bytes(samples, rate_hz, budget.longest_s);
  if (samples.empty()) {
    html += "<p class=\"unit\">Nothing to play.</p>";
  } else if (wav.size() > budget.bytes_left) {
    html += fmt::format(
        "<p class=\"unit\">{} of sound left out: the report holds as much as it may.</p>",
        duration_text(seconds));
  } else {
    budget.bytes_left -= wav.size();
    html += fmt::format("<audio controls preload=\"metadata\" data-source=\"{}\"></audio>",
                        data_uri("audio/wav", wav));
    if (seconds > budget.longest_s) {
      html += fmt::format("<p class=\"unit\">The first {} of {}.</p>",
                          duration_text(budget.longest_s), duration_text(seconds));
    }
  }
  return html + "</figure>\n";
}

std::string sound_text(const SoundInfo& sound) {
  if (sound.rate_hz < 1) {
    return fmt::format("<br><span class=\"path\">{}</span><br><span class=\"unit\">{}</span>",
                       escape_html(sound.path), escape_html(sound.format));
  }
  return fmt::format(
      "<br><span class=\"path\">{}</span><br><span class=\"unit\">{}, {} Hz, {}, {}</span>",
      escape_html(sound.path), duration_text(sound.duration_s()), sound.rate_hz,
      counted(static_cast<std::size_t>(std::max(0, sound.channels)), "channel", "channels"),
      escape_html(sound.format));
}

// What was measured of any system; what was not stands in the notes.
std::string values_html(const Evaluation& evaluation, const PairRow& row) {
  if (is_single_pair(evaluation)) {
    return "";  // the summary has them
  }
  std::string html = "<dl class=\"values\">";
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    const MetricInfo& metric = evaluation.metrics[m];
    std::string values;
    bool measured = false;
    for (std::size_t s = 0; s < row.results.size(); ++s) {
      const std::optional<double> value = value_of(row.results[s], m);
      measured = measured || value.has_value();
      values += fmt::format(
          "<dd>{}{} <span class=\"unit\">{}</span></dd>",
          row.results.size() > 1 ? fmt::format("<span class=\"key s{}\"></span>", s) : "",
          number_text(value, metric.decimals), value ? escape_html(metric.unit) : "");
    }
    if (measured) {
      html += "<div><dt>" + escape_html(metric.label) + "</dt>" + values + "</div>";
    }
  }
  return html + "</dl>\n";
}

// "Not measured: no frame is voiced (F0 error, voicing errors)", a line a reason.
std::string unmeasured_notes(const Evaluation& evaluation,
                             const PairResult& result,
                             const std::string& who) {
  std::map<std::string, std::string> by_reason;
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    if (!value_of(&result, m)) {
      std::string& labels = by_reason[reason_of(&result, m)];
      labels += (labels.empty() ? "" : ", ") + escape_html(evaluation.metrics[m].label);
    }
  }
  std::string html;
  for (const auto& [reason, labels] : by_reason) {
    html += "<li>" + who + "not measured: " + escape_html(reason) + " (" + labels + ")</li>";
  }
  return html;
}

// What the policies did, and why a system has no pictures.
std::string notes_html(const Evaluation& evaluation,
                       const PairRow& row,
                       const std::vector<PairDetail>& details) {
  std::string html;
  for (std::size_t s = 0; s < row.results.size(); ++s) {
    const std::string who =
        row.results.size() > 1 ? escape_html(system_label(evaluation, s)) + ": " : "";
    const PairResult* result = row.results[s];
    if (result == nullptr || !result->failure.empty()) {
      html += "<li class=\"reason\">" + who + escape_html(reason_of(result, 0)) + "</li>";
      continue;
    }
    for (const std::string& note : result->notes) {
      html += "<li>" + who + escape_html(note) + "</li>";
    }
    for (std::size_t m = 0; m < result->values.size(); ++m) {
      if (!result->values[m].parameters.empty()) {
        html += "<li>" + who + "<code>" + escape_html(evaluation.metrics[m].name) +
                "</code> was measured with " + escape_html(result->values[m].parameters) + "</li>";
      }
    }
    html += unmeasured_notes(evaluation, *result, who);
    if (!details[s].failure.empty()) {
      html += "<li class=\"reason\">" + who + "no pictures: " + escape_html(details[s].failure) +
              "</li>";
    }
  }
  return html.empty() ? "" : "<ul class=\"notes\">" + html + "</ul>\n";
}

}  // namespace

std::vector<std::byte> wav_bytes(const std::vector<float>& samples, int rate_hz, double longest_s) {
  const auto count = static_cast<std::size_t>(
      std::min(static_cast<double>(samples.size()), std::floor(longest_s * rate_hz)));
  AudioWriteOptions options;
  options.sample_rate_hz = rate_hz;
  options.format = SampleFormat::pcm16;
  options.container = AudioContainer::wav;
  std::vector<std::byte> bytes = wav_header(options, static_cast<std::int64_t>(count));
  bytes.reserve(bytes.size() + 2 * count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = static_cast<std::uint32_t>(quantise(samples[i], 16, 0.0));
    bytes.push_back(static_cast<std::byte>(value & 255U));
    bytes.push_back(static_cast<std::byte>(value >> 8U & 255U));
  }
  return bytes;
}

std::string pair_html(const Evaluation& evaluation,
                      const PairRow& row,
                      std::size_t index,
                      const std::vector<PairDetail>& details,
                      SoundBudget& budget) {
  std::string html =
      fmt::format("<details class=\"pair\" id=\"{}\"{}>\n<summary><h3>{}</h3></summary>\n",
                  pair_anchor(index), index < kOpenAtFirst ? " open" : "", escape_html(row.id));
  html += values_html(evaluation, row) + notes_html(evaluation, row, details);
  std::string players;
  std::vector<SystemDetail> shown;
  for (std::size_t s = 0; s < row.results.size(); ++s) {
    const PairResult* result = row.results[s];
    const PairDetail& detail = details[s];
    if (result == nullptr || !result->failure.empty() || !detail.failure.empty()) {
      continue;
    }
    if (shown.empty() && !detail.reference.empty()) {
      players += player_html("Reference" + sound_text(result->reference), "ref", detail.reference,
                             detail.rate_hz, budget);
    }
    shown.push_back({row.results.size() > 1 ? system_label(evaluation, s) : "Generated",
                     fmt::format("s{}", s), &detail});
    players += player_html(escape_html(shown.back().label) + sound_text(result->generated),
                           shown.back().side, detail.generated, detail.rate_hz, budget);
  }
  if (!players.empty()) {
    html += "<div class=\"players\">\n" + players + "</div>\n";
  }
  return html + detail_plots_html(shown) + "</details>\n";
}

}  // namespace ondes::report
