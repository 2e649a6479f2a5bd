#include "apps/eval/results_files.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "apps/eval/csv_cell_internal.h"
#include "apps/eval/policy_names.h"
#include "apps/eval/results_json.h"
#include "apps/eval/sound_pair.h"
#include "engine/error.h"
#include "engine/files/atomic_file.h"
#include "engine/files/json_fields.h"

namespace ondes {
namespace {

using nlohmann::json;

constexpr const char* kSchema = "ondes_eval";
constexpr int kSchemaVersion = 2;

std::string line_of(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

json header_of(const Evaluation& evaluation) {
  json header = measured_with_json(evaluation);
  header[kSchema] = kSchemaVersion;
  return header;
}

std::string whole_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw Error(ErrorCode::io, path + ": cannot be opened: " + std::strerror(errno));
  }
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Whole lines only: the last one of an interrupted run may be torn.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::string names_of(const json& metrics) {
  std::string names;
  for (const json& metric : metrics) {
    names += (names.empty() ? "" : ", ") + metric.value("name", "");
  }
  return names;
}

// What of the header differs, in words that fit on a line.
std::string difference_of(const json& found, const json& wanted) {
  for (const auto& [key, value] : wanted.items()) {
    const json other = found.value(key, json());
    if (other == value) {
      continue;
    }
    if (key != "metrics" || !other.is_array()) {
      return fmt::format("{} {}, found {}", key, value.dump(), quote(other.dump()));
    }
    if (names_of(other) != names_of(value)) {
      return fmt::format("the metrics {}, found {}", names_of(value), names_of(other));
    }
    for (std::size_t m = 0; m < value.size(); ++m) {
      if (other[m] != value[m]) {
        return fmt::format("{} with {}, found {}", value[m].value("name", ""),
                           quote(value[m].value("parameters", "")),
                           quote(other[m].value("parameters", "")));
      }
    }
  }
  return "the fields of this version, found others";
}

void refuse_other_header(const json& found, const json& wanted, const std::string& path) {
  if (found == wanted) {
    return;
  }
  if (!found.is_object() || !found.contains(kSchema)) {
    throw Error(ErrorCode::bad_input,
                path + ": --resume: expected a file of ondes eval --jsonl, found another");
  }
  throw Error(ErrorCode::bad_input,
              fmt::format("{}: --resume: it was measured otherwise: expected {}; --force without "
                          "--resume begins anew",
                          path, difference_of(found, wanted)));
}

bool is_same_file(const SoundInfo& measured, const std::string& path) {
  try {
    const SoundInfo now = file_identity(path);
    return measured.path == path && measured.size_bytes == now.size_bytes &&
           measured.modified_ns == now.modified_ns;
  } catch (const Error&) {
    return false;  // measuring it again says what is wrong
  }
}

}  // namespace

JsonLinesFile::JsonLinesFile(const std::string& path,
                             const Evaluation& measured_with,
                             const std::vector<WantedPair>& wanted,
                             bool resume)
    : path_(path), metrics_(measured_with.metrics) {
  const json header = header_of(measured_with);
  std::string text = line_of(header);
  std::error_code ignored;
  if (resume && std::filesystem::exists(path, ignored)) {
    const std::string old = whole_file(path);
    const std::vector<std::string_view> lines = lines_of(old);
    if (!lines.empty()) {
      // Through text, because numbers and bytes that are no UTF-8 come back from there as written.
      refuse_other_header(parse_json(lines.front(), path + ": line 1"), json::parse(text), path);
    }
    for (std::size_t i = 1; i < lines.size(); ++i) {
      const std::string where = fmt::format("{}: line {}", path, i + 1);
      PairLine line = pair_of_json(parse_json(lines[i], where), metrics_, where);
      const std::pair key{line.system, line.pair.id};
      kept_.insert_or_assign(key, std::move(line.pair));
    }
    keep_lines(wanted);
    for (const auto& [key, pair] : kept_) {
      text += line_of(pair_to_json(pair, key.first, metrics_));
    }
  }
  write_file_atomically(path, std::as_bytes(std::span(text)));
  file_.open(path, std::ios::binary | std::ios::app);
  if (!file_) {
    throw Error(ErrorCode::io, path + ": cannot be opened: " + std::strerror(errno));
  }
}

void JsonLinesFile::keep_lines(const std::vector<WantedPair>& wanted) {
  std::set<std::pair<std::string, std::string>> good;
  for (const WantedPair& pair : wanted) {
    const auto line = kept_.find({pair.system, pair.files.id});
    if (line != kept_.end() && line->second.failure.empty() &&
        is_same_file(line->second.reference, pair.files.reference) &&
        is_same_file(line->second.generated, pair.files.generated)) {
      good.insert(line->first);
    }
  }
  std::erase_if(kept_, [&good](const auto& line) { return !good.contains(line.first); });
}

const PairResult* JsonLinesFile::find(const std::string& system, const std::string& id) const {
  const auto line = kept_.find({system, id});
  return line == kept_.end() ? nullptr : &line->second;
}

void JsonLinesFile::add(const PairResult& pair, const std::string& system) {
  file_ << line_of(pair_to_json(pair, system, metrics_));
  file_.flush();
  if (!file_) {
    throw Error(ErrorCode::io, path_ + ": not everything was written: " + std::strerror(errno));
  }
}

namespace {

std::string measured_with_text(const Evaluation& evaluation, const PairResult& pair) {
  std::string text = "ondes " + evaluation.version + "; " + policy_text(evaluation.policies);
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    const MetricInfo& metric = evaluation.metrics[m];
    const bool own = m < pair.values.size() && !pair.values[m].parameters.empty();
    text += " | " + metric.name + ": " + (own ? pair.values[m].parameters : metric.parameters);
  }
  return text;
}

// Nothing is known of a sound that could not be read, and a score has neither: empty cells.
std::string duration_cell(const SoundInfo& sound) {
  return sound.rate_hz > 0 ? fmt::format("{}", sound.duration_s()) : "";
}
std::string rate_cell(const SoundInfo& sound) {
  return sound.rate_hz > 0 ? fmt::format("{}", sound.rate_hz) : "";
}

std::string joined(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, "; "));
}

std::string csv_row(const PairResult& pair, const Evaluation& evaluation) {
  std::string row = fmt::format(",{},{},{},{},{},{}", csv_cell(pair.id),
                                csv_cell(pair.reference.path), csv_cell(pair.generated.path),
                                duration_cell(pair.reference), duration_cell(pair.generated),
                                rate_cell(pair.reference) + "," + rate_cell(pair.generated));
  std::vector<std::string> unmeasured;
  for (std::size_t m = 0; m < evaluation.metrics.size(); ++m) {
    row += ',';
    if (!pair.failure.empty()) {
      continue;
    }
    const MetricValue& value = pair.values[m];
    if (value.value) {
      row += fmt::format("{}", *value.value);  // the shortest text that reads back as the same
    } else {
      unmeasured.push_back(evaluation.metrics[m].name + ": " + value.reason);
    }
  }
  return row + ',' + csv_cell(joined(unmeasured)) + ',' + csv_cell(joined(pair.notes)) + ',' +
         csv_cell(pair.failure);
}

}  // namespace

std::string results_csv(const Evaluation& evaluation) {
  std::string text =
      "system,pair,reference,generated,reference_s,generated_s,reference_hz,generated_hz";
  for (const MetricInfo& metric : evaluation.metrics) {
    text += ',' + metric.name;
  }
  text += ",unmeasured,notes,failure,measured_with\n";
  for (const System& system : evaluation.systems) {
    for (const PairResult& pair : system.pairs) {
      text += csv_cell(system.name) + csv_row(pair, evaluation) + ',' +
              csv_cell(measured_with_text(evaluation, pair)) + '\n';
    }
  }
  return text;
}

}  // namespace ondes
