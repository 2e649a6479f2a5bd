#include "apps/evaluation_tables.h"

#include <cmath>
#include <cstdio>

namespace ondes {
namespace {

nlohmann::json number_or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr);
}

}  // namespace

std::string instrument_name(const InstrumentSummary& summary, const NoteCorpus& corpus) {
  return summary.instrument < 0
             ? "all"
             : corpus.instruments[static_cast<std::size_t>(summary.instrument)].name;
}

nlohmann::json summary_json(const InstrumentSummary& s, const std::string& name) {
  return {{"instrument", name},
          {"notes", s.notes},
          {"pitch_measured", s.pitch_measured},
          {"pitch_within_20_cents", number_or_null(s.pitch_within_20_cents)},
          {"recorded_pitch_within_20_cents", number_or_null(s.recorded_within_20_cents)},
          {"median_pitch_error_cents", number_or_null(s.median_pitch_error_cents)},
          {"level_within_3_db", number_or_null(s.level_within_3_db)},
          {"median_level_error_db", number_or_null(s.median_level_error_db)},
          {"spectral_difference_db", number_or_null(s.spectral_db)},
          {"neighbour_spectral_difference_db", number_or_null(s.neighbour_spectral_db)},
          {"mu_law_spectral_difference_db", number_or_null(s.companded_spectral_db)},
          {"clicks", s.clicks},
          {"loud_tails", s.loud_tails}};
}

nlohmann::json note_json(const NoteFigures& f, const NoteCorpus& corpus) {
  const CorpusNote& note = corpus.notes[static_cast<std::size_t>(f.note)];
  return {{"instrument", corpus.instruments[static_cast<std::size_t>(note.instrument)].name},
          {"key", note.pitch_semitones},
          {"velocity", note.velocity},
          {"held_s", static_cast<double>(note.release_sample) / corpus.sample_rate_hz},
          {"pitch_error_cents", number_or_null(f.pitch_error_cents)},
          {"recorded_pitch_error_cents", number_or_null(f.recorded_pitch_error_cents)},
          {"level_error_db", number_or_null(f.level_error_db)},
          {"spectral_difference_db", number_or_null(f.spectral_db)},
          {"neighbour_spectral_difference_db", number_or_null(f.neighbour_spectral_db)},
          {"mu_law_spectral_difference_db", number_or_null(f.companded_spectral_db)},
          {"click", has_click(f)},
          {"tail_dbfs", number_or_null(f.tail_dbfs)}};
}

nlohmann::json intervals_json(std::span<const FigureInterval> intervals) {
  nlohmann::json json = nlohmann::json::object();
  for (const FigureInterval& figure : intervals) {
    nlohmann::json& entry = json[figure.name];
    entry = {{"count", figure.count}, {"mean", nullptr}, {"low", nullptr}, {"high", nullptr}};
    if (figure.mean) {
      entry["mean"] = *figure.mean;
    }
    if (figure.interval) {
      entry["low"] = figure.interval->low;
      entry["high"] = figure.interval->high;
    }
  }
  return json;
}

void print_summaries(std::span<const InstrumentSummary> summaries,
                     std::span<const std::string> names,
                     const char* first_column) {
  std::printf(
      "| %s | notes | pitch within 20 cents | (recording) | median cents | level within 3 "
      "dB | median dB | spectral dB | neighbour velocity dB | mu-law dB | clicks | loud tails |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|---|\n",
      first_column);
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    const InstrumentSummary& s = summaries[i];
    const std::string name = names[i] == "all" ? "**all**" : names[i];
    std::printf(
        "| %s | %d | %.1f %% | %.1f %% | %.1f | %.1f %% | %.2f | %.2f | %.2f | %.2f | %d | %d |\n",
        name.c_str(), s.notes, 100.0 * s.pitch_within_20_cents, 100.0 * s.recorded_within_20_cents,
        s.median_pitch_error_cents, 100.0 * s.level_within_3_db, s.median_level_error_db,
        s.spectral_db, s.neighbour_spectral_db, s.companded_spectral_db, s.clicks, s.loud_tails);
  }
}

void print_intervals(std::span<const FigureInterval> intervals, const char* over) {
  std::printf("| over %s | count | mean | 95 %% interval |\n|---|---|---|---|\n", over);
  for (const FigureInterval& figure : intervals) {
    const auto number = [&](double value) {
      char text[48];
      std::snprintf(text, sizeof text, "%.*f", figure.decimals, figure.scale * value);
      return std::string(text);
    };
    const std::string mean = figure.mean ? number(*figure.mean) + " " + figure.unit : "-";
    const std::string interval =
        figure.interval ? number(figure.interval->low) + " to " + number(figure.interval->high)
                        : "-";
    std::printf("| %s | %d | %s | %s |\n", figure.label.c_str(), figure.count, mean.c_str(),
                interval.c_str());
  }
}

}  // namespace ondes
