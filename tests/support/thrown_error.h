// What a call throws, for tests that judge an Error's code and message.
#pragma once
#include <catch2/catch.hpp>
#include <optional>
#include <string>

#include "engine/error.h"

namespace ondes {

// The Error that `call` throws; nothing where it returns. Other exceptions pass through.
template <typename Call>
std::optional<Error> thrown_error(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

// Fails unless `call` throws an Error of `code`. Returns its message.
template <typename Call>
std::string message_of(ErrorCode code, Call&& call) {
  const std::optional<Error> error = thrown_error(std::forward<Call>(call));
  REQUIRE(error.has_value());
  INFO(error->what());
  CHECK(static_cast<int>(error->code()) == static_cast<int>(code));
  return error->what();
}

// Whether `text` contains every one of `parts`; the first that is missing is reported.
inline void check_contains(const std::string& text, std::initializer_list<std::string> parts) {
  for (const std::string& part : parts) {
    INFO("message: " << text);
    INFO("expected: " << part);
    CHECK(text.find(part) != std::string::npos);
  }
}

}  // namespace ondes
