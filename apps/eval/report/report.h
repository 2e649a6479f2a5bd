// `ondes eval --report`: an Evaluation as one HTML file that needs nothing else, no network either:
// style, script, pictures and sounds stand inside, and a Content-Security-Policy forbids the rest.
//
// All pairs are in the table; the worst of them have details, which `detail_of` computes one by one
// while the file is written, so that memory holds one pair's at a time. The same evaluation and
// details give the same bytes.
//
// Main thread. Throws Error{io} naming the path if the file cannot be written, Error{usage} for an
// order that no metric has, and what `detail_of` throws.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "apps/eval/evaluation.h"
#include "apps/eval/pair_detail.h"
#include "engine/files/atomic_file.h"

namespace ondes {

struct ReportOptions {
  int worst = 10;             // pairs with details
  bool all = false;           // details of every pair
  std::string order_by = {};  // the metric that decides what is worst; "": the first that ranks
};

// Of one pair that could be measured; called in the order of the page.
using DetailSource = std::function<PairDetail(const PairResult&)>;
// Takes the page piece by piece.
using HtmlSink = std::function<void(std::string_view)>;

void write_report(const Evaluation& evaluation,
                  const ReportOptions& options,
                  const DetailSource& detail_of,
                  const HtmlSink& sink);

// The file. Constructed before anything is measured, it refuses a path that cannot be written; the
// report appears there when write() has ended, and not at all if it throws.
class ReportFile {
 public:
  explicit ReportFile(const std::string& path) : file_(path) {}
  // At most once. Returns the size in bytes.
  std::size_t write(const Evaluation& evaluation,
                    const ReportOptions& options,
                    const DetailSource& detail_of);

 private:
  AtomicFileWriter file_;
};

}  // namespace ondes
