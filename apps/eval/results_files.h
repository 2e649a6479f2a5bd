// What a run leaves on disk.
//
// JSON lines grow while the run goes on, a whole line at a time, so that an interrupted run can be
// taken up again: the first line says what was measured with (version, policies, metrics with their
// parameters), every other one is a pair. --resume keeps the lines whose two files still have size
// and time of change, whole and measured; a run that measures otherwise is refused. CSV appears when
// it is complete.
//
// One thread at a time. Throws Error{io}, and Error{bad_input} for lines that are none.
#pragma once
#include <fstream>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "apps/eval/evaluation.h"
#include "apps/eval/pairing.h"

namespace ondes {

struct WantedPair {
  std::string system;
  PairFiles files;
};

class JsonLinesFile {
 public:
  // Begins a new file, or (resume) takes one up; a missing one is begun. Of `measured_with` version,
  // policies and metrics count.
  JsonLinesFile(const std::string& path,
                const Evaluation& measured_with,
                const std::vector<WantedPair>& wanted,
                bool resume);

  // What an earlier run measured of this pair, or nothing.
  const PairResult* find(const std::string& system, const std::string& id) const;

  // One whole line, flushed.
  void add(const PairResult& pair, const std::string& system);

 private:
  void keep_lines(const std::vector<WantedPair>& wanted);

  std::string path_;
  std::vector<MetricInfo> metrics_;
  std::map<std::pair<std::string, std::string>, PairResult> kept_;  // by system and id
  std::ofstream file_;
};

// A row a pair, all systems; the last column says what every number was measured with.
std::string results_csv(const Evaluation& evaluation);

}  // namespace ondes
