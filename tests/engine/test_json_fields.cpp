#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "engine/files/json_fields.h"
#include "tests/support/thrown_error.h"

namespace {

using namespace ondes;
using nlohmann::json;

std::string refusal_of(std::string_view text) {
  return message_of(ErrorCode::bad_input, [&] { parse_json(text, "f.json"); });
}

template <typename Read>
std::string refusal_of(const json& object, Read&& read) {
  return message_of(ErrorCode::bad_input, [&] {
    JsonFields fields(object, "f.json");
    read(fields);
    fields.refuse_unknown();
  });
}

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

}  // namespace

TEST_CASE("well-formed JSON is parsed as it stands") {
  CHECK(parse_json(R"({"a":[1,{"b":2}],"c":{"b":3}})", "f") ==
        json({{"a", {1, {{"b", 2}}}}, {"c", {{"b", 3}}}}));
  CHECK(parse_json(" 3 ", "f") == 3);
}

TEST_CASE("a key that comes twice in one object is refused, in two objects it is not") {
  check_contains(refusal_of(R"({"a":1,"b":{},"a":2})"), {"f.json", "'a'", "twice"});
  check_contains(refusal_of(R"([{"x":{"a":1,"a":1}}])"), {"'a'", "twice"});
  CHECK(parse_json(R"([{"a":1},{"a":{"a":2}}])", "f").size() == 2);
}

TEST_CASE("nesting is bounded at the stated depth") {
  CHECK(parse_json(nested(kMaxJsonDepth), "f").is_array());
  check_contains(refusal_of(nested(kMaxJsonDepth + 1)), {"f.json", "levels"});
  check_contains(refusal_of(nested(100'000)), {"levels"});
}

TEST_CASE("text that is not JSON is refused with the byte where it stops being so") {
  check_contains(refusal_of("{\"a\":}"), {"f.json", "byte 6"});
  for (const std::string& text :
       {std::string(), std::string("{}{}"), std::string("{}\0", 3), std::string("\xEF\xBB\xBF{}"),
        std::string("\"\xFF\""), std::string("1e999"), std::string("// c\n1")}) {
    INFO(text);
    check_contains(refusal_of(text), {"f.json"});
  }
}

TEST_CASE("integers are refused outside their range, as fractions, as texts, and beyond 64 bits") {
  for (const char* value : {"0", "11", "-1", "5.0", "\"5\"", "true", "null", "4294967301",
                            "18446744073709551621", "-9223372036854775808"}) {
    const json object = {{"n", parse_json(value, "f")}};
    INFO(value);
    check_contains(refusal_of(object, [](JsonFields& f) { f.integer("n", 1, 10); }),
                   {"f.json", "'n'", "an integer from 1 to 10", "found "});
  }
  const json object = {{"low", -3}, {"high", 10}};
  JsonFields fields(object, "f");
  CHECK(fields.integer("low", -3, 10) == -3);
  CHECK(fields.integer("high", 1, 10) == 10);
  CHECK(fields.integer("absent", 1, 10, 7) == 7);
}

TEST_CASE("a required field that is absent is named") {
  check_contains(refusal_of(json::object(), [](JsonFields& f) { f.integer("n", 1, 2); }),
                 {"'n'", "found nothing"});
  check_contains(refusal_of(json::array(), [](JsonFields&) {}), {"f.json", "object", "array"});
}

TEST_CASE("an element of an array is refused by its index") {
  const json object = {{"n", {1, 2, 30}}, {"x", {0.5, "a"}}, {"t", {"a", ""}}};
  check_contains(refusal_of(object, [](JsonFields& f) { f.integers("n", {}, 0, 9); }),
                 {"'n[2]'", "30"});
  check_contains(refusal_of(object, [](JsonFields& f) { f.numbers("x", {}, 0, 9); }), {"'x[1]'"});
  check_contains(refusal_of(object, [](JsonFields& f) { f.texts("t", {}, 9); }), {"'t[1]'"});
  check_contains(refusal_of(object,
                            [](JsonFields& f) {
                              f.integers("n", {4, 5}, 0, 9);
                            }),
                 {"'n'", "an array of from 4 to 5", "an array of 3"});
}

TEST_CASE("a choice lists what was possible") {
  const json object = {{"c", "green"}};
  check_contains(refusal_of(object,
                            [](JsonFields& f) {
                              f.choice("c", {"red", "blue"});
                            }),
                 {"'red' or 'blue'", "'green'"});
}

TEST_CASE("a field nobody asked for is named") {
  const json object = {{"known", 1}, {"unknwon", 2}};
  check_contains(refusal_of(object, [](JsonFields& f) { f.integer("known", 0, 9); }),
                 {"f.json", "unknown field 'unknwon'"});
}

TEST_CASE("quote escapes what a terminal could take for a command, and ends after 80 bytes") {
  CHECK(quote("plain") == "'plain'");
  CHECK(quote("\x1b[0m\n") == "'\\x1b[0m\\x0a'");
  CHECK(quote(std::string(81, 'a')) == "'" + std::string(80, 'a') + "...'");
}
