// What `ondes-train evaluate` prints: Markdown tables for people and READMEs, JSON for programs.
// Main thread.
#pragma once
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "models/training/evaluation_intervals.h"
#include "models/training/note_corpus.h"
#include "models/training/note_evaluation.h"

namespace ondes {

// "all" for the summary of all instruments.
std::string instrument_name(const InstrumentSummary& summary, const NoteCorpus& corpus);

nlohmann::json summary_json(const InstrumentSummary& summary, const std::string& name);
nlohmann::json note_json(const NoteFigures& figures, const NoteCorpus& corpus);
nlohmann::json intervals_json(std::span<const FigureInterval> intervals);

// A header and a row a summary, the last one in bold.
void print_summaries(std::span<const InstrumentSummary> summaries,
                     std::span<const std::string> names,
                     const char* first_column);

// `over`: "notes", "folds".
void print_intervals(std::span<const FigureInterval> intervals, const char* over);

}  // namespace ondes
