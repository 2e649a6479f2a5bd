#include "apps/play/display_text.h"

#include <cstdint>
#include <utility>

namespace ondes {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

// The first character of a text that is not empty. What is no UTF-8 is one byte.
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80U) {
    return {lead, 1, true};
  }
  const std::size_t bytes = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : 2;
  if (lead < 0xC2U || lead > 0xF4U || text.size() < bytes) {
    return {lead, 1, false};
  }
  std::uint32_t code = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) {
      return {lead, 1, false};
    }
    code = code << 6U | (byte(i) & 0x3FU);
  }
  return {code, bytes, true};
}

// The blocks of Unicode's EastAsianWidth.txt that are wide, in outline.
int columns_of(std::uint32_t code) {
  constexpr std::pair<std::uint32_t, std::uint32_t> kWide[] = {
      {0x1100, 0x115F},   {0x2E80, 0xA4CF},  {0xAC00, 0xD7A3}, {0xF900, 0xFAFF},
      {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F},
      {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
  constexpr std::pair<std::uint32_t, std::uint32_t> kCombining[] = {
      {0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};
  for (const auto& [first, last] : kCombining) {
    if (code >= first && code <= last) {
      return 0;
    }
  }
  for (const auto& [first, last] : kWide) {
    if (code >= first && code <= last) {
      return 2;
    }
  }
  return 1;
}

}  // namespace

int display_columns(std::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    const Character character = first_character(text);
    columns += columns_of(character.code);
    text.remove_prefix(character.bytes);
  }
  return columns;
}

std::string cut_to_columns(std::string_view text, int columns) {
  std::size_t end = 0;
  for (int width = 0; end < text.size();) {
    const Character character = first_character(text.substr(end));
    width += columns_of(character.code);
    if (width > columns) {
      break;
    }
    end += character.bytes;
  }
  return std::string(text.substr(0, end));
}

std::string printable(std::string_view text, bool unicode) {
  std::string result;
  while (!text.empty()) {
    const Character character = first_character(text);
    const bool control =
        character.code < 0x20U || (character.code >= 0x7FU && character.code < 0xA0U);
    if (!character.valid || control || (character.code > 0x7EU && !unicode)) {
      result += '?';
    } else {
      result += text.substr(0, character.bytes);
    }
    text.remove_prefix(character.bytes);
  }
  return result;
}

}  // namespace ondes
