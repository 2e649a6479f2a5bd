#include "apps/eval/report/detail_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "apps/eval/report/html_text.h"
#include "apps/eval/report/picture.h"
#include "apps/eval/report/plots.h"

namespace ondes::report {
namespace {

constexpr std::size_t kMostCurvePoints = 1200;  // of a curve; screens have not many more columns

double seconds_of(const std::vector<float>& samples, int rate_hz) {
  return rate_hz > 0 ? static_cast<double>(samples.size()) / rate_hz : 0.0;
}

using Systems = std::span<const SystemDetail>;

PlotAxis time_axis(Systems systems) {
  PlotAxis axis;
  axis.high = 1e-3;
  for (const SystemDetail& system : systems) {
    const PairDetail& detail = *system.detail;
    axis.high = std::max({axis.high, seconds_of(detail.reference, detail.rate_hz),
                          seconds_of(detail.generated, detail.rate_hz)});
  }
  axis.unit = "s";
  axis.ticks = 6;
  return axis;
}

// "(dot) A: hifigan (dot) B: melgan", after the reference's where that is drawn too.
std::string legend(Systems systems, bool with_reference) {
  std::string html = with_reference
                         ? " <span class=\"entry\"><span class=\"key ref\"></span>reference</span>"
                         : "";
  for (const SystemDetail& system : systems) {
    html += fmt::format(" <span class=\"entry\"><span class=\"key {}\"></span>{}</span>",
                        system.side, escape_html(system.label));
  }
  return html;
}

// "-80 dB [colours] 0 dB", a strip of the palette itself.
std::string scale_html(const std::string& low,
                       const std::string& high,
                       const std::vector<Colour>& colours) {
  std::string stops;
  const std::size_t step = std::max<std::size_t>(1, colours.size() / 16);
  for (std::size_t i = 0; i < colours.size(); i += step) {
    const Colour& c = colours[i];
    stops += fmt::format(",rgb({} {} {}/{:.2f})", c.red, c.green, c.blue, c.alpha / 255.0);
  }
  return fmt::format(
      "<span class=\"scale\">{}<span class=\"strip\" style=\"background:linear-gradient(to right"
      "{})\"></span>{}</span>",
      low, stops, high);
}

// `image` gives the cells' sizes; the picture may have fewer columns.
std::string picture_figure(const std::string& title,
                           const std::string& description,
                           const PlotAxis& time,
                           const SpectrogramImage& image,
                           std::span<const std::byte> png,
                           int columns) {
  Plot plot;
  plot.title = title;
  plot.description = description;
  plot.x = time;
  plot.y.high = image.rows * image.row_hz / 1000.0;
  plot.y.unit = "kHz";
  plot.y.ticks = 4;
  plot.height_px = 190;
  plot.has_time = true;
  plot.content = image_in_plot(png, 100.0 * time.position(columns * image.column_s));
  return plot_figure(plot);
}

std::string spectrogram_figure(const std::string& label,
                               const SpectrogramImage& image,
                               double range_db,
                               const PlotAxis& time) {
  if (image.columns < 1 || image.rows < 1) {
    return "";
  }
  const std::string scale = scale_html(fmt::format("\xE2\x88\x92{}", short_number(range_db)),
                                       "0 dB", sequential_colours(kSpectrogramColours));
  return picture_figure(escape_html(label) + scale, "Spectrogram: " + label, time, image,
                        spectrogram_png(image, range_db), image.columns);
}

std::string spectrograms(Systems systems, const PlotAxis& time) {
  const PairDetail& first = *systems.front().detail;
  std::string html = spectrogram_figure("Reference", first.reference_image, first.range_db, time);
  for (const SystemDetail& system : systems) {
    html += spectrogram_figure(system.label, system.detail->generated_image,
                               system.detail->range_db, time);
  }
  const std::string scale =
      scale_html(fmt::format("\xE2\x88\x92{}", short_number(kDifferenceRangeDb)),
                 fmt::format("+{} dB", short_number(kDifferenceRangeDb)),
                 diverging_colours(kDifferenceColours));
  for (const SystemDetail& system : systems) {
    const SpectrogramImage& reference = system.detail->reference_image;
    const SpectrogramImage& generated = system.detail->generated_image;
    const std::vector<std::byte> difference = difference_png(reference, generated);
    if (!difference.empty()) {
      html += picture_figure(escape_html(system.label) + " less reference" + scale,
                             system.label + ": difference of the spectrograms", time, generated,
                             difference, std::min(reference.columns, generated.columns));
    }
  }
  return html;
}

// A run of points for each stretch of voiced frames.
std::vector<std::vector<CurvePoint>> voiced_runs(const F0Track& track) {
  std::vector<std::vector<CurvePoint>> runs;
  bool voiced = false;
  for (std::size_t t = 0; t < track.hz.size(); ++t) {
    const auto hz = static_cast<double>(track.hz[t]);
    if (hz > 0.0) {
      if (!voiced) {
        runs.emplace_back();
      }
      runs.back().push_back({static_cast<double>(t) * track.hop_s, hz});
    }
    voiced = hz > 0.0;
  }
  return runs;
}

// Bars from onset to offset at their pitch.
std::string note_bars(const Plot& plot,
                      const std::vector<NoteEvent>& notes,
                      std::string_view style) {
  std::string svg;
  for (const NoteEvent& note : notes) {
    svg += fmt::format(
        "<line class=\"note {}\" x1=\"{:.2f}%\" x2=\"{:.2f}%\" y1=\"{:.1f}%\" y2=\"{:.1f}%\"/>",
        style, 100.0 * plot.x.position(note.onset_s), 100.0 * plot.x.position(note.offset_s),
        100.0 - 100.0 * plot.y.position(note.hz), 100.0 - 100.0 * plot.y.position(note.hz));
  }
  return svg;
}

// The score's notes and those that a blind transcription hears in the renders.
std::string notes_figure(Systems systems, const PlotAxis& time) {
  std::vector<double> pitches;
  const auto add = [&](const std::vector<NoteEvent>& notes) {
    for (const NoteEvent& note : notes) {
      pitches.push_back(note.hz);
    }
  };
  const std::vector<NoteEvent>& score = systems.front().detail->score_notes;
  add(score);
  for (const SystemDetail& system : systems) {
    add(system.detail->heard_notes);
  }
  if (pitches.empty()) {
    return "";
  }
  const auto [low, high] = std::minmax_element(pitches.begin(), pitches.end());
  Plot plot;
  plot.title = "Notes <span class=\"entry\"><span class=\"key ref\"></span>score</span>" +
               legend(systems, false);
  plot.description = fmt::format("{} in the score.", counted(score.size(), "note", "notes"));
  plot.x = time;
  plot.y = {*low / 1.12, *high * 1.12, "Hz", true, 4};
  plot.height_px = 240;
  plot.has_time = true;
  plot.content = note_bars(plot, score, "ref wide");
  for (const SystemDetail& system : systems) {
    plot.content += note_bars(plot, system.detail->heard_notes, system.side);
  }
  return plot_figure(plot);
}

std::string pitch_figure(Systems systems, const PlotAxis& time) {
  const F0Track& reference = systems.front().detail->reference_f0;
  std::vector<const F0Track*> tracks{&reference};
  for (const SystemDetail& system : systems) {
    tracks.push_back(&system.detail->generated_f0);
  }
  std::vector<double> voiced;
  for (const F0Track* track : tracks) {
    for (const float hz : track->hz) {
      if (hz > 0.0F) {
        voiced.push_back(static_cast<double>(hz));
      }
    }
  }
  if (voiced.empty()) {
    return "<p class=\"unit\">No pitch: no frame of any sound is voiced.</p>\n";
  }
  const auto [low, high] = std::minmax_element(voiced.begin(), voiced.end());
  Plot plot;
  plot.title = "Pitch" + legend(systems, true);
  plot.description =
      fmt::format("Fundamental frequency of the sounds, {:.0f} to {:.0f} Hz.", *low, *high);
  plot.x = time;
  plot.y = {*low / 1.08, *high * 1.08, "Hz", true, 4};
  plot.has_time = true;
  plot.content = curve(plot.x, plot.y, voiced_runs(reference), "line ref wide");
  for (const SystemDetail& system : systems) {
    plot.content +=
        curve(plot.x, plot.y, voiced_runs(system.detail->generated_f0), "line " + system.side);
  }
  return plot_figure(plot);
}

std::string distance_figure(Systems systems, const PlotAxis& time) {
  Plot plot;
  plot.x = time;
  plot.y = {0.0, 0.0, "", false, 3};
  std::vector<std::vector<CurvePoint>> curves;
  std::string averages;
  for (const SystemDetail& system : systems) {
    const PairDetail& detail = *system.detail;
    std::vector<CurvePoint>& points = curves.emplace_back();
    double sum = 0.0;
    for (std::size_t t = 0; t < detail.mfcc_distance.size(); ++t) {
      const auto value = static_cast<double>(detail.mfcc_distance[t]);
      points.push_back({static_cast<double>(t) * detail.mfcc_hop_s, value});
      sum += value;
      plot.y.high = std::max(plot.y.high, 1.05 * value);
    }
    if (!points.empty()) {
      averages += fmt::format("{} {:.1f}", averages.empty() ? ", mean" : " and",
                              sum / static_cast<double>(points.size()));
    }
  }
  if (averages.empty()) {
    return "";
  }
  plot.y.high = plot.y.high > 0.0 ? plot.y.high : 1.0;
  plot.title = "MFCC distance over time" + averages + legend(systems, false);
  plot.description = "Distance of the MFCCs over time" + averages + ".";
  plot.height_px = 110;
  plot.has_time = true;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const std::vector<std::vector<CurvePoint>> runs{
        thinned(std::move(curves[i]), kMostCurvePoints)};
    plot.content += curve(plot.x, plot.y, runs, "line " + systems[i].side);
  }
  return plot_figure(plot);
}

// The path itself, and how far it is from the diagonal: vocoded sounds stay within milliseconds.
std::string warp_figures(Systems systems, const PlotAxis& time) {
  double widest_ms = 10.0;
  std::size_t points = 0;
  for (const SystemDetail& system : systems) {
    points += system.detail->warp.size();
    for (const WarpPoint& point : system.detail->warp) {
      widest_ms = std::max(widest_ms, 1100.0 * std::fabs(point.generated_s - point.reference_s));
    }
  }
  if (points == 0) {
    return "";
  }
  Plot whole;
  whole.title = "Time warp path";
  whole.description = "The path of dynamic time warping, generated over reference time.";
  whole.x = time;
  whole.x.ticks = 3;
  whole.y = whole.x;
  whole.square = true;
  const std::vector<std::vector<CurvePoint>> diagonal{
      {{time.low, time.low}, {time.high, time.high}}};
  whole.content = curve(whole.x, whole.y, diagonal, "line diagonal");
  Plot lag;
  lag.title = "Along it, later (+) or earlier (\xE2\x88\x92) than the reference" +
              (systems.size() > 1 ? legend(systems, false) : "");
  lag.description = fmt::format("Offset of the path, within {:.0f} ms.", widest_ms);
  lag.x = time;
  lag.y = {-widest_ms, widest_ms, "ms", false, 4};
  lag.height_px = 180;
  lag.has_time = true;
  for (const SystemDetail& system : systems) {
    std::vector<std::vector<CurvePoint>> path(1);
    std::vector<std::vector<CurvePoint>> offset(1);
    for (const WarpPoint& point : system.detail->warp) {
      path[0].push_back({point.reference_s, point.generated_s});
      offset[0].push_back({point.reference_s, 1000.0 * (point.generated_s - point.reference_s)});
    }
    whole.content += curve(whole.x, whole.y, path, "line " + system.side);
    lag.content += curve(lag.x, lag.y, offset, "line " + system.side);
  }
  return "<div class=\"warp\">\n" + plot_figure(whole) + plot_figure(lag) + "</div>\n";
}

}  // namespace

std::string detail_plots_html(Systems systems) {
  if (systems.empty()) {
    return "";
  }
  const PlotAxis time = time_axis(systems);
  if (!systems.front().detail->score_notes.empty()) {
    return spectrograms(systems, time) + notes_figure(systems, time);
  }
  return spectrograms(systems, time) + pitch_figure(systems, time) +
         distance_figure(systems, time) + warp_figures(systems, time);
}

}  // namespace ondes::report
