// Strict JSON from outside: a parser that refuses what nlohmann::json lets pass, and a reader of an
// object's fields whose messages name file, field, expected and found.
//
// Set-up thread. Everything throws Error{bad_input}.
#pragma once
#include <cstddef>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ondes {

inline constexpr int kMaxJsonDepth = 64;

// `text` in quotes for a message: control characters and non-ASCII bytes escaped, 80 bytes at most.
std::string quote(std::string_view text);

// Refuses duplicate keys, NUL bytes (which end nlohmann's input silently), a byte order mark, and
// nesting deeper than kMaxJsonDepth. `where` is what messages start with.
nlohmann::json parse_json(std::string_view text, const std::string& where);

// The same for a whole file, whose path messages start with. Throws Error{io} too.
nlohmann::json read_json_file(const std::string& path);

// Reads the fields of one object. A field asked for with a fallback may be absent; the others must
// be there. refuse_unknown() afterwards names the first field nobody asked for.
class JsonFields {
 public:
  // `object` must outlive this. Throws if it is not an object.
  JsonFields(const nlohmann::json& object, std::string where);

  bool has(const std::string& key) const;
  int integer(const std::string& key, int low, int high);
  int integer(const std::string& key, int low, int high, int fallback);
  double number(const std::string& key, double low, double high);
  double number(const std::string& key, double low, double high, double fallback);
  bool boolean(const std::string& key, bool fallback);
  std::string text(const std::string& key, std::size_t max_bytes = 4096);
  std::string text(const std::string& key, const std::string& fallback);
  // The index of the field's text in `names`.
  std::size_t choice(const std::string& key, const std::vector<std::string>& names);
  std::size_t choice(const std::string& key,
                     const std::vector<std::string>& names,
                     std::size_t fallback);
  const nlohmann::json& object(const std::string& key);

  struct Count {
    std::size_t min = 0;
    std::size_t max = std::numeric_limits<std::size_t>::max();
  };
  std::vector<int> integers(const std::string& key, Count count, int low, int high);
  std::vector<float> numbers(const std::string& key, Count count, double low, double high);
  std::vector<std::string> texts(const std::string& key, Count count, std::size_t max_bytes);
  // An array whose elements are objects, to be read by a JsonFields each.
  const nlohmann::json& objects(const std::string& key, Count count);

  // Counts a field as asked for, whatever it holds.
  void ignore(const std::string& key);
  void refuse_unknown() const;
  // For conditions between fields. Throws "<where>: field 'key': expected ..., found ...".
  [[noreturn]] void refuse(const std::string& key,
                           const std::string& expected,
                           const std::string& found) const;

 private:
  const nlohmann::json& required(const std::string& key);
  const nlohmann::json& array(const std::string& key, Count count);

  const nlohmann::json& object_;
  std::string where_;
  std::set<std::string> asked_;
};

}  // namespace ondes
