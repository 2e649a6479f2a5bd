#include "models/training/sfz_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "engine/error.h"

namespace ondes {
namespace {

constexpr std::size_t kMaxSfzBytes = std::size_t{16} << 20;

using Opcodes = std::map<std::string, std::string>;

constexpr std::array<const char*, 10> kKnown = {
    "sample", "key",  "pitch_keycenter", "lokey",  "hikey", "lovel",
    "hivel",  "tune", "default_path",    "trigger"};

// Comments become spaces; line breaks stay.
std::string without_comments(std::string text) {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] != '/' || (text[i + 1] != '/' && text[i + 1] != '*')) {
      continue;
    }
    const bool line = text[i + 1] == '/';
    const std::size_t close = line ? text.find('\n', i) : text.find("*/", i + 2);
    const std::size_t end = close == std::string::npos ? text.size() : close + (line ? 0 : 2);
    for (; i < end; ++i) {
      text[i] = text[i] == '\n' ? '\n' : ' ';
    }
    --i;
  }
  return text;
}

bool blank(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}

bool name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Whether an opcode (name=) or a header starts at `at`.
bool starts_item(const std::string& line, std::size_t at) {
  if (line[at] == '<') {
    return true;
  }
  std::size_t end = at;
  while (end < line.size() && name_character(line[end])) {
    ++end;
  }
  return end > at && end < line.size() && line[end] == '=';
}

class SfzReader {
 public:
  SfzFile read(const std::string& text) {
    std::istringstream lines(without_comments(text));
    for (std::string line; std::getline(lines, line);) {
      ++line_;
      read_line(line);
    }
    end_region();
    return std::move(file_);
  }

 private:
  void read_line(const std::string& line) {
    for (std::size_t at = 0; at < line.size();) {
      if (blank(line[at])) {
        ++at;
      } else if (line[at] == '#') {  // #define, #include
        file_.ignored.insert(line.substr(at, line.find_first_of(" \t\r", at) - at));
        return;
      } else if (line[at] == '<') {
        const std::size_t close = std::min(line.find('>', at), line.size());
        open_header(line.substr(at + 1, close - at - 1));
        at = close + 1;
      } else if (starts_item(line, at)) {
        at = read_opcode(line, at);
      } else {
        const std::size_t end = std::min(line.find_first_of(" \t\r<", at), line.size());
        file_.ignored.insert(line.substr(at, end - at));
        at = std::max(end, at + 1);
      }
    }
  }

  // A value runs to the next opcode or header, because file names hold spaces.
  std::size_t read_opcode(const std::string& line, std::size_t at) {
    const std::size_t equals = line.find('=', at);
    std::size_t end = equals + 1;
    while (end < line.size() && line[end] != '<' &&
           !(blank(line[end - 1]) && end > equals + 1 && starts_item(line, end))) {
      ++end;
    }
    std::size_t last = end;
    while (last > equals + 1 && blank(line[last - 1])) {
      --last;
    }
    const std::string name = line.substr(at, equals - at);
    if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end()) {
      file_.ignored.insert(name);
    } else if (scope_ != nullptr) {
      (*scope_)[name] = line.substr(equals + 1, last - equals - 1);
    }
    return end;
  }

  void open_header(const std::string& name) {
    end_region();
    if (name == "region") {
      region_.clear();
      region_line_ = line_;
      in_region_ = true;
      scope_ = &region_;
      return;
    }
    scope_ = nullptr;
    // Each level forgets those below it.
    const std::array<std::pair<const char*, Opcodes*>, 3> levels = {
        {{"global", &global_}, {"master", &master_}, {"group", &group_}}};
    for (const auto& [level, opcodes] : levels) {
      if (scope_ != nullptr || name == level) {
        scope_ = scope_ != nullptr ? scope_ : opcodes;
        opcodes->clear();
      }
    }
    if (name == "control") {
      scope_ = &control_;
    } else if (scope_ == nullptr) {
      file_.ignored.insert("<" + name + ">");
    }
  }

  std::string value(const std::string& name) const {
    for (const Opcodes* level : {&region_, &group_, &master_, &global_, &control_}) {
      if (const auto found = level->find(name); found != level->end()) {
        return found->second;
      }
    }
    return "";
  }

  void end_region() {
    if (!in_region_) {
      return;
    }
    in_region_ = false;
    const std::string sample = value("sample");
    const std::string label = sample.empty() ? "line " + std::to_string(region_line_) : sample;
    std::string reason;
    RecordedNote note;
    if (sample.empty()) {
      reason = "the region has no sample";
    } else if (sample[0] == '*') {
      reason = "a generator, not a recording";
    } else if (value("trigger").starts_with("release")) {
      reason = "plays at the release";
    } else if (!find_pitch(&note.pitch_semitones)) {
      reason = "neither pitch_keycenter nor key gives its pitch";
    } else if (!find_velocity(&note.velocity)) {
      reason = "lovel or hivel is not a velocity";
    }
    if (!reason.empty()) {
      file_.left_out.push_back({label, reason});
      return;
    }
    std::string path = value("default_path") + sample;
    std::replace(path.begin(), path.end(), '\\', '/');
    if (used_.insert(path).second) {
      note.file = path;
      file_.notes.push_back(note);
    }
  }

  bool find_pitch(double* pitch) const {
    auto key = key_from_text(value("pitch_keycenter"));
    if (!key) {
      key = key_from_text(value("key"));
    }
    if (!key && !value("lokey").empty() && value("lokey") == value("hikey")) {
      key = key_from_text(value("lokey"));
    }
    if (!key) {
      return false;
    }
    int tune_cents = 0;
    const std::string tune = value("tune");
    std::from_chars(tune.data(), tune.data() + tune.size(), tune_cents);
    *pitch = *key - 0.01 * std::clamp(tune_cents, -2400, 2400);
    return true;
  }

  bool find_velocity(int* velocity) const {
    const auto bound = [this](const char* name, int fallback) {
      const std::string text = value(name);
      if (text == "0" || text.empty()) {
        return text.empty() ? fallback : 1;
      }
      return velocity_from_text(text).value_or(-1);
    };
    const int low = bound("lovel", 1);
    const int high = bound("hivel", 127);
    *velocity = (low + high + 1) / 2;
    return low > 0 && high > 0 && low <= high;
  }

  SfzFile file_;
  Opcodes control_, global_, master_, group_, region_;
  Opcodes* scope_ = nullptr;
  bool in_region_ = false;
  int line_ = 0;
  int region_line_ = 0;
  std::set<std::string> used_;
};

}  // namespace

SfzFile parse_sfz(const std::string& text) {
  return SfzReader().read(text);
}

SfzFile read_sfz(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    throw Error(ErrorCode::io, path.string() + ": cannot open");
  }
  std::string text(kMaxSfzBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > kMaxSfzBytes || text.find('\0') != std::string::npos) {
    throw Error(ErrorCode::bad_input, path.string() + ": expected an SFZ text of at most 16 MB");
  }
  return parse_sfz(text);
}

}  // namespace ondes
