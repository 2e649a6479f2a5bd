#include "apps/eval/report/html_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace ondes::report {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// The bytes of the character that begins `text`; 0 if none does (RFC 3629: no overlong forms, no
// surrogates, nothing above U+10FFFF).
std::size_t character_bytes(std::string_view text) {
  const auto at = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto continues = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const unsigned lead = at(0);
  if (lead < 0x80U) {
    return 1;
  }
  if (lead >= 0xC2U && lead <= 0xDFU) {
    return continues(1) ? 2 : 0;
  }
  if (lead >= 0xE0U && lead <= 0xEFU) {
    const bool allowed = (lead != 0xE0U || at(1) >= 0xA0U) && (lead != 0xEDU || at(1) <= 0x9FU);
    return allowed && continues(1) && continues(2) ? 3 : 0;
  }
  if (lead >= 0xF0U && lead <= 0xF4U) {
    const bool allowed = (lead != 0xF0U || at(1) >= 0x90U) && (lead != 0xF4U || at(1) <= 0x8FU);
    return allowed && continues(1) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string result;
  result.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    const char first = text.front();
    if (bytes == 0 ||
        (bytes == 1 && (static_cast<unsigned char>(first) < 0x20U || first == 0x7F))) {
      result += first == '\n' || first == '\t' ? " " : kReplacement;
      text.remove_prefix(1);
      continue;
    }
    switch (first) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += text.substr(0, bytes);
    }
    text.remove_prefix(bytes);
  }
  return result;
}

std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  result.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8U | (k < count ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0U);
    }
    const std::array<char, 4> digits{kDigits[group >> 18U], kDigits[group >> 12U & 63U],
                                     count > 1 ? kDigits[group >> 6U & 63U] : '=',
                                     count > 2 ? kDigits[group & 63U] : '='};
    result.append(digits.data(), digits.size());
  }
  return result;
}

std::string data_uri(std::string_view media_type, std::span<const std::byte> bytes) {
  return fmt::format("data:{};base64,{}", media_type, base64(bytes));
}

std::string number_text(std::optional<double> value, int decimals) {
  if (!value.has_value()) {
    return "\xE2\x80\x93";
  }
  std::string text = fmt::format("{:.{}f}", *value, decimals);
  if (text.front() == '-' && text.find_first_not_of("-0.") == std::string::npos) {
    text.erase(0, 1);
  }
  return text;
}

std::string short_number(double value) {
  return fmt::format("{:.6g}", value == 0.0 ? 0.0 : value);
}

std::string duration_text(double seconds) {
  if (seconds < 59.95) {
    return fmt::format("{:.1f} s", seconds);
  }
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  return fmt::format("{} min {:02} s", whole / 60, whole % 60);
}

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string last_component(const std::string& path) {
  const std::size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) {
    return path;
  }
  const std::size_t slash = path.find_last_of('/', end);
  const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
  return path.substr(begin, end + 1 - begin);
}

}  // namespace ondes::report
