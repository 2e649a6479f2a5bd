#include "engine/files/json_fields.h"

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/files/mapped_file.h"

namespace ondes {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxQuotedBytes = 80;

std::string describe(const json& value) {
  if (value.is_object() || value.is_array()) {
    return std::string(value.is_object() ? "an object" : "an array") + " of " +
           std::to_string(value.size());
  }
  if (value.is_string()) {
    return quote(value.get_ref<const std::string&>());
  }
  return value.dump();
}

std::string format(double value) {
  return json(value).dump();
}

std::string range(const std::string& what, const std::string& low, const std::string& high) {
  return what + " from " + low + " to " + high;
}

// JSON integers beyond 64 bits arrive as floating point and are refused with the fractions.
bool integer_in(const json& value, int low, int high) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    return number <= static_cast<std::uint64_t>(std::numeric_limits<int>::max()) &&
           static_cast<int>(number) >= low && static_cast<int>(number) <= high;
  }
  if (value.is_number_integer()) {
    const auto number = value.get<std::int64_t>();
    return number >= low && number <= high;
  }
  return false;
}

bool number_in(const json& value, double low, double high) {
  if (!value.is_number()) {
    return false;
  }
  const auto number = value.get<double>();
  return number >= low && number <= high;  // false for NaN
}

std::string element(const std::string& key, std::size_t i) {
  return key + "[" + std::to_string(i) + "]";
}

}  // namespace

std::string quote(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result = "'";
  for (const char c : text.substr(0, kMaxQuotedBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7F) {
      result += "\\x";
      result += kDigits[byte >> 4U];
      result += kDigits[byte & 15U];
    } else {
      result += c;
    }
  }
  return result + (text.size() > kMaxQuotedBytes ? "...'" : "'");
}

json parse_json(std::string_view text, const std::string& where) {
  if (text.find('\0') != std::string_view::npos) {
    throw Error(ErrorCode::bad_input, where + ": expected JSON, found a NUL byte at byte " +
                                          std::to_string(text.find('\0')));
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    throw Error(ErrorCode::bad_input, where + ": expected JSON, found a byte order mark");
  }
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
        keys.emplace_back();
        [[fallthrough]];
      case json::parse_event_t::array_start:
        if (depth >= kMaxJsonDepth) {
          throw Error(ErrorCode::bad_input, where + ": expected at most " +
                                                std::to_string(kMaxJsonDepth) +
                                                " levels of nesting, found more");
        }
        break;
      case json::parse_event_t::key:
        if (!keys.back().insert(parsed.get_ref<const std::string&>()).second) {
          throw Error(ErrorCode::bad_input, where + ": field " +
                                                quote(parsed.get_ref<const std::string&>()) +
                                                ": expected once, found twice");
        }
        break;
      case json::parse_event_t::object_end:
        keys.pop_back();
        break;
      default:
        break;
    }
    return true;
  };
  try {
    return json::parse(text, watch);
  } catch (const json::parse_error& error) {
    throw Error(ErrorCode::bad_input,
                where + ": expected JSON, found an error at byte " + std::to_string(error.byte));
  } catch (const json::exception&) {  // a number beyond double
    throw Error(ErrorCode::bad_input, where + ": expected JSON, found a number out of range");
  }
}

json read_json_file(const std::string& path) {
  const MappedFile file(path);
  const std::span<const std::byte> bytes = file.bytes();
  return parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

JsonFields::JsonFields(const json& object, std::string where)
    : object_(object), where_(std::move(where)) {
  if (!object.is_object()) {
    throw Error(ErrorCode::bad_input,
                where_ + ": expected a JSON object, found " + describe(object));
  }
}

void JsonFields::refuse(const std::string& key,
                        const std::string& expected,
                        const std::string& found) const {
  throw Error(ErrorCode::bad_input,
              where_ + ": field " + quote(key) + ": expected " + expected + ", found " + found);
}

bool JsonFields::has(const std::string& key) const {
  return object_.contains(key);
}

const json& JsonFields::required(const std::string& key) {
  asked_.insert(key);
  const auto found = object_.find(key);
  if (found == object_.end()) {
    refuse(key, "a value", "nothing");
  }
  return *found;
}

int JsonFields::integer(const std::string& key, int low, int high) {
  const json& value = required(key);
  if (!integer_in(value, low, high)) {
    refuse(key, range("an integer", std::to_string(low), std::to_string(high)), describe(value));
  }
  return value.get<int>();
}

int JsonFields::integer(const std::string& key, int low, int high, int fallback) {
  asked_.insert(key);
  return has(key) ? integer(key, low, high) : fallback;
}

double JsonFields::number(const std::string& key, double low, double high) {
  const json& value = required(key);
  if (!number_in(value, low, high)) {
    refuse(key, range("a number", format(low), format(high)), describe(value));
  }
  return value.get<double>();
}

double JsonFields::number(const std::string& key, double low, double high, double fallback) {
  asked_.insert(key);
  return has(key) ? number(key, low, high) : fallback;
}

bool JsonFields::boolean(const std::string& key, bool fallback) {
  asked_.insert(key);
  if (!has(key)) {
    return fallback;
  }
  const json& value = required(key);
  if (!value.is_boolean()) {
    refuse(key, "true or false", describe(value));
  }
  return value.get<bool>();
}

std::string JsonFields::text(const std::string& key, std::size_t max_bytes) {
  const json& value = required(key);
  if (!value.is_string() || value.get_ref<const std::string&>().empty() ||
      value.get_ref<const std::string&>().size() > max_bytes) {
    refuse(key, "a text of 1 to " + std::to_string(max_bytes) + " bytes", describe(value));
  }
  return value.get<std::string>();
}

std::string JsonFields::text(const std::string& key, const std::string& fallback) {
  asked_.insert(key);
  return has(key) ? text(key) : fallback;
}

std::size_t JsonFields::choice(const std::string& key, const std::vector<std::string>& names) {
  const json& value = required(key);
  std::string expected;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (value.is_string() && value.get_ref<const std::string&>() == names[i]) {
      return i;
    }
    expected += (i == 0 ? "" : " or ") + quote(names[i]);
  }
  refuse(key, expected, describe(value));
}

std::size_t JsonFields::choice(const std::string& key,
                               const std::vector<std::string>& names,
                               std::size_t fallback) {
  asked_.insert(key);
  return has(key) ? choice(key, names) : fallback;
}

const json& JsonFields::object(const std::string& key) {
  const json& value = required(key);
  if (!value.is_object()) {
    refuse(key, "an object", describe(value));
  }
  return value;
}

const json& JsonFields::array(const std::string& key, Count count) {
  const json& value = required(key);
  if (!value.is_array() || value.size() < count.min || value.size() > count.max) {
    refuse(key, range("an array of", std::to_string(count.min), std::to_string(count.max)),
           describe(value));
  }
  return value;
}

std::vector<int> JsonFields::integers(const std::string& key, Count count, int low, int high) {
  const json& values = array(key, count);
  std::vector<int> result;
  for (const json& value : values) {
    if (!integer_in(value, low, high)) {
      refuse(element(key, result.size()),
             range("an integer", std::to_string(low), std::to_string(high)), describe(value));
    }
    result.push_back(value.get<int>());
  }
  return result;
}

std::vector<float> JsonFields::numbers(const std::string& key,
                                       Count count,
                                       double low,
                                       double high) {
  const json& values = array(key, count);
  std::vector<float> result;
  for (const json& value : values) {
    if (!number_in(value, low, high)) {
      refuse(element(key, result.size()), range("a number", format(low), format(high)),
             describe(value));
    }
    result.push_back(value.get<float>());
  }
  return result;
}

std::vector<std::string> JsonFields::texts(const std::string& key,
                                           Count count,
                                           std::size_t max_bytes) {
  const json& values = array(key, count);
  std::vector<std::string> result;
  for (const json& value : values) {
    if (!value.is_string() || value.get_ref<const std::string&>().empty() ||
        value.get_ref<const std::string&>().size() > max_bytes) {
      refuse(element(key, result.size()), "a text of 1 to " + std::to_string(max_bytes) + " bytes",
             describe(value));
    }
    result.push_back(value.get<std::string>());
  }
  return result;
}

const json& JsonFields::objects(const std::string& key, Count count) {
  const json& values = array(key, count);
  for (const json& value : values) {
    if (!value.is_object()) {
      refuse(key, "objects", describe(value));
    }
  }
  return values;
}

void JsonFields::ignore(const std::string& key) {
  asked_.insert(key);
}

void JsonFields::refuse_unknown() const {
  for (const auto& [key, value] : object_.items()) {
    if (!asked_.contains(key)) {
      throw Error(ErrorCode::bad_input, where_ + ": unknown field " + quote(key));
    }
  }
}

}  // namespace ondes
