#include "models/training/evaluation_intervals.h"

#include <cmath>

namespace ondes {
namespace {

FigureInterval figure(
    const char* name, const char* label, const char* unit, int decimals, double scale = 1.0) {
  return {.name = name,
          .label = label,
          .unit = unit,
          .decimals = decimals,
          .scale = scale,
          .mean = {},
          .interval = {}};
}

// NaN: the item has no such figure.
template <class Item, class Value>
FigureInterval filled(FigureInterval figure,
                      std::span<const Item> items,
                      const BootstrapOptions& options,
                      Value value) {
  std::vector<double> values;
  for (const Item& item : items) {
    if (const double x = value(item); !std::isnan(x)) {
      values.push_back(x);
    }
  }
  figure.count = static_cast<int>(values.size());
  figure.mean = mean(values);
  figure.interval = bootstrap_interval(values, options);
  return figure;
}

double within(double error, double limit) {
  return std::isnan(error) ? error : std::fabs(error) <= limit ? 1.0 : 0.0;
}

}  // namespace

std::vector<FigureInterval> intervals_over_notes(std::span<const NoteFigures> figures,
                                                 const BootstrapOptions& options) {
  const auto over = [&](FigureInterval of, auto value) {
    return filled(std::move(of), figures, options, value);
  };
  using F = const NoteFigures&;
  return {
      over(figure("pitch_within_20_cents", "pitch within 20 cents", "%", 1, 100.0),
           [](F f) { return within(f.pitch_error_cents, 20.0); }),
      over(figure("pitch_error_cents", "absolute pitch error", "cents", 2),
           [](F f) { return std::fabs(f.pitch_error_cents); }),
      over(figure("level_within_3_db", "level within 3 dB", "%", 1, 100.0),
           [](F f) { return within(f.level_error_db, 3.0); }),
      over(figure("level_error_db", "absolute level error", "dB", 2),
           [](F f) { return std::fabs(f.level_error_db); }),
      over(figure("spectral_difference_db", "spectral difference", "dB", 2),
           [](F f) { return f.spectral_db; }),
      over(figure("neighbour_spectral_difference_db", "the same, neighbour velocity", "dB", 2),
           [](F f) { return f.neighbour_spectral_db; }),
      over(figure("mu_law_spectral_difference_db", "the same, mu-law", "dB", 2),
           [](F f) { return f.companded_spectral_db; }),
      over(figure("clicks", "notes with a click", "%", 1, 100.0),
           [](F f) { return has_click(f) ? 1.0 : 0.0; }),
  };
}

std::vector<FigureInterval> intervals_over_folds(std::span<const InstrumentSummary> folds,
                                                 const BootstrapOptions& options) {
  const auto over = [&](FigureInterval of, auto value) {
    return filled(std::move(of), folds, options, value);
  };
  using S = const InstrumentSummary&;
  return {
      over(figure("pitch_within_20_cents", "pitch within 20 cents", "%", 1, 100.0),
           [](S s) { return s.pitch_within_20_cents; }),
      over(figure("median_pitch_error_cents", "median absolute pitch error", "cents", 2),
           [](S s) { return s.median_pitch_error_cents; }),
      over(figure("level_within_3_db", "level within 3 dB", "%", 1, 100.0),
           [](S s) { return s.level_within_3_db; }),
      over(figure("median_level_error_db", "median absolute level error", "dB", 2),
           [](S s) { return s.median_level_error_db; }),
      over(figure("spectral_difference_db", "spectral difference", "dB", 2),
           [](S s) { return s.spectral_db; }),
      over(figure("neighbour_spectral_difference_db", "the same, neighbour velocity", "dB", 2),
           [](S s) { return s.neighbour_spectral_db; }),
      over(figure("mu_law_spectral_difference_db", "the same, mu-law", "dB", 2),
           [](S s) { return s.companded_spectral_db; }),
      over(figure("clicks", "notes with a click", "%", 1, 100.0),
           [](S s) { return static_cast<double>(s.clicks) / s.notes; }),
  };
}

}  // namespace ondes
