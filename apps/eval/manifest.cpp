#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "apps/eval/pairing.h"
#include "engine/error.h"
#include "engine/files/json_fields.h"

namespace ondes {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxManifestBytes = 256U << 20U;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string read_text(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) {
    throw Error(ErrorCode::io, path + ": " + (error ? error.message() : "cannot be opened"));
  }
  if (size > kMaxManifestBytes) {
    throw Error(ErrorCode::bad_input, fmt::format("{}: expected at most {} bytes, found {}", path,
                                                  kMaxManifestBytes, size));
  }
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (text.starts_with(kByteOrderMark)) {
    text.erase(0, kByteOrderMark.size());
  }
  return text;
}

struct Row {
  int line = 0;
  std::vector<std::string> cells;
};

// RFC 4180: cells in quotes may hold commas, line ends and doubled quotes.
class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  // False at the end. Empty lines are left out.
  bool next(Row& row) {
    while (at_ < text_.size()) {
      row = {line_, {}};
      while (read_cell(row)) {
      }
      if (row.cells.size() > 1 || !row.cells.front().empty()) {
        return true;
      }
    }
    return false;
  }

 private:
  // True if another cell follows in the row.
  bool read_cell(Row& row) {
    std::string& cell = row.cells.emplace_back();
    if (at_ < text_.size() && text_[at_] == '"') {
      read_quoted(cell);
    } else {
      while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n') {
        cell += text_[at_++];
      }
      if (cell.ends_with('\r')) {
        cell.pop_back();
      }
    }
    if (text_.substr(at_).starts_with("\r\n")) {
      ++at_;
    }
    if (at_ == text_.size() || text_[at_] == '\n') {
      ++at_;
      ++line_;
      return false;
    }
    if (text_[at_] != ',') {
      refuse("expected a comma after a cell in quotes");
    }
    ++at_;
    return true;
  }

  void read_quoted(std::string& cell) {
    for (++at_;; ++at_) {
      if (at_ == text_.size()) {
        refuse("a quote is never closed");
      }
      if (text_[at_] == '"') {
        if (++at_ == text_.size() || text_[at_] != '"') {
          return;
        }
      }
      line_ += text_[at_] == '\n' ? 1 : 0;
      cell += text_[at_];
    }
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::bad_input, fmt::format("{}: line {}: {}", name_, line_, what));
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  int line_ = 1;
};

class ManifestBuilder {
 public:
  explicit ManifestBuilder(const std::string& path)
      : path_(path), folder_(fs::path(path).parent_path()) {}

  void add(int line, PairFiles pair) {
    const std::string where = fmt::format("{}: line {}", path_, line);
    if (pair.reference.empty() || pair.generated.empty()) {
      throw Error(ErrorCode::bad_input, fmt::format("{}: expected a path, found an empty {}", where,
                                                    pair.reference.empty() ? "ref" : "gen"));
    }
    if (pair.id.empty()) {
      pair.id = fs::path(pair.generated).replace_extension().generic_string();
    }
    if (!ids_.insert(pair.id).second) {
      throw Error(ErrorCode::bad_input,
                  fmt::format("{}: expected an id of its own, found {} a second time", where,
                              quote(pair.id)));
    }
    pair.reference = (folder_ / pair.reference).string();
    pair.generated = (folder_ / pair.generated).string();
    pairing_.pairs.push_back(std::move(pair));
  }

  Pairing finish() {
    if (pairing_.pairs.empty()) {
      throw Error(ErrorCode::bad_input, path_ + ": expected pairs, found none");
    }
    return std::move(pairing_);
  }

 private:
  const std::string& path_;
  fs::path folder_;
  std::set<std::string> ids_;
  Pairing pairing_;
};

Pairing read_csv_manifest(const std::string& path, const std::string& text) {
  CsvReader reader(text, path);
  ManifestBuilder builder(path);
  Row names;
  if (!reader.next(names)) {
    throw Error(ErrorCode::bad_input, path + ": expected the names ref,gen[,id], found nothing");
  }
  const auto column = [&](const std::string& name) {
    return std::find(names.cells.begin(), names.cells.end(), name) - names.cells.begin();
  };
  const auto count = std::ssize(names.cells);
  const auto ref = column("ref");
  const auto gen = column("gen");
  const auto id = column("id");
  if (ref == count || gen == count) {
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: line {}: expected the names ref,gen[,id], found {}", path,
                            names.line, quote(fmt::format("{}", fmt::join(names.cells, ",")))));
  }
  for (Row row; reader.next(row);) {
    if (row.cells.size() != names.cells.size()) {
      throw Error(ErrorCode::bad_input, fmt::format("{}: line {}: expected {} cells, found {}",
                                                    path, row.line, count, row.cells.size()));
    }
    const auto cell = [&](std::ptrdiff_t c) { return row.cells[static_cast<std::size_t>(c)]; };
    builder.add(row.line, {id == count ? "" : cell(id), cell(ref), cell(gen)});
  }
  return builder.finish();
}

Pairing read_json_manifest(const std::string& path, const std::string& text) {
  ManifestBuilder builder(path);
  std::size_t begin = 0;
  for (int line = 1; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view object(text.data() + begin, end - begin);
    begin = end + 1;
    if (object.find_first_not_of(" \t\r") == std::string_view::npos) {
      continue;
    }
    const std::string where = fmt::format("{}: line {}", path, line);
    const nlohmann::json json = parse_json(object, where);
    JsonFields fields(json, where);
    PairFiles pair{fields.text("id", ""), fields.text("ref"), fields.text("gen")};
    fields.refuse_unknown();
    builder.add(line, std::move(pair));
  }
  return builder.finish();
}

}  // namespace

Pairing read_manifest(const std::string& path) {
  const std::string text = read_text(path);
  return path.ends_with(".jsonl") ? read_json_manifest(path, text) : read_csv_manifest(path, text);
}

}  // namespace ondes
