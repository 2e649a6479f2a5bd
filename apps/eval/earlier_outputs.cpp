#include "apps/eval/earlier_outputs.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "apps/output_path.h"
#include "engine/error.h"

namespace ondes {
namespace fs = std::filesystem;
namespace {

// The first line of --csv, of pairs and of --nearest, up to where the metrics begin.
constexpr std::array<std::string_view, 2> kCsvStarts{"system,pair,reference,generated,",
                                                     "sound,rank,clip,likeness,"};
constexpr std::string_view kReportStart = "<!DOCTYPE html>";
constexpr std::string_view kJsonLinesKey = "\"ondes_eval\":";
// A header of JSON lines has every metric's parameters: some ten thousand bytes.
constexpr std::size_t kMostOfFirstLine = std::size_t{1} << 20U;

std::string first_line(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw Error(ErrorCode::io, path + ": cannot be opened");
  }
  std::string line(kMostOfFirstLine, ' ');
  file.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<std::size_t>(file.gcount()));
  return line.substr(0, line.find('\n'));
}

bool begins_as(EvalOutputKind kind, std::string_view line) {
  switch (kind) {
    case EvalOutputKind::csv:
      return line.starts_with(kCsvStarts[0]) || line.starts_with(kCsvStarts[1]);
    case EvalOutputKind::json_lines:
      return line.starts_with('{') && line.find(kJsonLinesKey) != std::string_view::npos;
    case EvalOutputKind::report:
      break;
  }
  return line.starts_with(kReportStart);
}

const char* name_of(EvalOutputKind kind) {
  return kind == EvalOutputKind::csv          ? "expected a table of ondes eval --csv to replace"
         : kind == EvalOutputKind::json_lines ? "expected lines of ondes eval --jsonl to replace"
                                              : "expected a report to replace";
}

bool is_one_file(const std::string& a, const std::string& b) {
  std::error_code error;
  if (fs::exists(a, error) && fs::exists(b, error)) {
    return fs::equivalent(a, b, error);
  }
  const fs::path first = fs::weakly_canonical(fs::absolute(a), error);
  return !error && first == fs::weakly_canonical(fs::absolute(b), error);
}

}  // namespace

void refuse_other_than_earlier_outputs(const std::vector<EvalOutput>& outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const EvalOutput& output = outputs[i];
    if (output.path.empty() || is_special_output(output.path)) {
      continue;
    }
    for (std::size_t other = 0; other < i; ++other) {
      if (!outputs[other].path.empty() && is_one_file(outputs[other].path, output.path)) {
        throw Error(ErrorCode::usage,
                    fmt::format("{}: expected a file for each output, found it as {} and as {}",
                                output.path, outputs[other].option, output.option));
      }
    }
    std::error_code ignored;
    if (fs::is_regular_file(output.path, ignored) && fs::file_size(output.path, ignored) > 0 &&
        !begins_as(output.kind, first_line(output.path))) {
      throw Error(ErrorCode::usage, fmt::format("{}: {}: {}, found a file of another kind",
                                                output.option, output.path, name_of(output.kind)));
    }
  }
}

}  // namespace ondes
