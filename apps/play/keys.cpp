#include "apps/play/keys.h"

#include <algorithm>

namespace ondes {
namespace {

struct Binding {
  std::string_view bytes;
  PlayKey key;
};

// Longer ones first: an escape sequence begins with a key of its own.
constexpr Binding kBindings[] = {
    {"\x1b[1~", PlayKey::begin},  {"\x1b[A", PlayKey::faster},    {"\x1b[B", PlayKey::slower},
    {"\x1b[C", PlayKey::forward}, {"\x1b[D", PlayKey::back},      {"\x1b[H", PlayKey::begin},
    {"\x1bOA", PlayKey::faster},  {"\x1bOB", PlayKey::slower},    {"\x1bOC", PlayKey::forward},
    {"\x1bOD", PlayKey::back},    {"\x1bOH", PlayKey::begin},     {" ", PlayKey::pause},
    {",", PlayKey::back_little},  {".", PlayKey::forward_little}, {"[", PlayKey::loop_from},
    {"]", PlayKey::loop_to},      {"l", PlayKey::loop_off},       {"n", PlayKey::next},
    {"p", PlayKey::previous},     {"v", PlayKey::next_voice},     {"t", PlayKey::cooler},
    {"T", PlayKey::warmer},       {"q", PlayKey::quit},           {"\x03", PlayKey::quit},
    {"\x04", PlayKey::quit},
};

// Of an escape sequence that means nothing here: ESC [ parameters, then one letter or ~.
std::size_t sequence_bytes(std::string_view text) noexcept {
  if (text.size() < 2 || (text[1] != '[' && text[1] != 'O')) {
    return 1;
  }
  std::size_t end = 2;
  while (end < text.size() && (text[end] < '@' || text[end] > '~')) {
    ++end;
  }
  return end < text.size() ? end + 1 : text.size();
}

constexpr std::size_t kMostSequenceBytes = 16;  // no key has more

}  // namespace

bool is_cut_off(std::string_view text) noexcept {
  if (text.empty() || text.front() != '\x1b' || text.size() > kMostSequenceBytes) {
    return false;
  }
  if (text.size() == 1) {
    return true;
  }
  if (text[1] != '[' && text[1] != 'O') {
    return false;
  }
  const auto ends = [](char c) { return c >= '@' && c <= '~'; };
  return std::none_of(text.begin() + 2, text.end(), ends);
}

KeyPress read_key(std::string_view text) noexcept {
  if (text.empty()) {
    return {};
  }
  for (const Binding& binding : kBindings) {
    if (text.starts_with(binding.bytes)) {
      return {binding.key, binding.bytes.size()};
    }
  }
  return {std::nullopt, text.front() == '\x1b' ? sequence_bytes(text) : 1};
}

}  // namespace ondes
