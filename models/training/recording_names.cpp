#include "models/training/recording_names.h"

#include <array>
#include <cctype>
#include <charconv>
#include <vector>

namespace ondes {
namespace {

std::optional<int> whole_number(std::string_view text, int low, int high) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < low || value > high) {
    return std::nullopt;
  }
  return value;
}

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t to = std::min(text.find('_', from), text.size());
    parts.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

}  // namespace

std::optional<int> key_from_text(std::string_view text) {
  if (const auto number = whole_number(text, 0, 127)) {
    return number;
  }
  // Semitones of a..g above c.
  constexpr std::array<int, 7> kSemitones = {9, 11, 0, 2, 4, 5, 7};
  if (text.size() < 2 || lower(text[0]) < 'a' || lower(text[0]) > 'g') {
    return std::nullopt;
  }
  int key = kSemitones[static_cast<std::size_t>(lower(text[0]) - 'a')];
  text.remove_prefix(1);
  if (text[0] == '#' || lower(text[0]) == 's') {
    ++key;
    text.remove_prefix(1);
  } else if (lower(text[0]) == 'b') {
    --key;
    text.remove_prefix(1);
  }
  const auto octave = whole_number(text, -1, 9);
  if (!octave) {
    return std::nullopt;
  }
  key += 12 * (*octave + 1);
  return key >= 0 && key <= 127 ? std::optional<int>(key) : std::nullopt;
}

std::optional<int> velocity_from_text(std::string_view text) {
  for (const std::string_view prefix : {"vel", "v"}) {
    if (text.size() > prefix.size() && lower(text[0]) == 'v' &&
        (prefix.size() == 1 || (lower(text[1]) == 'e' && lower(text[2]) == 'l'))) {
      return whole_number(text.substr(prefix.size()), 1, 127);
    }
  }
  return whole_number(text, 1, 127);
}

std::optional<RecordedNote> recorded_note_from_name(const std::filesystem::path& relative) {
  const std::string stem = relative.stem().string();
  const std::vector<std::string_view> parts = parts_of(stem);
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    const auto key = key_from_text(parts[i]);
    const auto velocity = velocity_from_text(parts[i + 1]);
    const bool named = i > 0 && parts[i].data() - stem.data() > 1;
    if (key && velocity && (named || relative.has_parent_path())) {
      RecordedNote note;
      note.file = relative;
      note.instrument =
          named ? stem.substr(0, static_cast<std::size_t>(parts[i].data() - stem.data()) - 1)
                : relative.parent_path().filename().string();
      note.pitch_semitones = *key;
      note.velocity = *velocity;
      return note;
    }
  }
  return std::nullopt;
}

}  // namespace ondes
