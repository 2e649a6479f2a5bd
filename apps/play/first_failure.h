// Things that must all be attempted, whatever becomes of the others (the sound ends, the score and the
// recording get their names): the first error is kept and thrown at the end, those after it are said
// on standard error. That holds for every exception: a bug, too, must not cost what was played.
//
// Control thread.
#pragma once
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "engine/error.h"

namespace ondes {

class FirstFailure {
 public:
  template <typename Part>
  void attempt(Part&& part) {
    try {
      std::forward<Part>(part)();
    } catch (const Error& error) {
      keep(error.what(), error.code());
    } catch (const std::exception& error) {
      keep(error.what(), std::nullopt);
    }
  }
  bool any() const { return first_ != nullptr; }
  bool is(ErrorCode code) const { return any() && code_ == code; }
  const char* what() const { return what_.c_str(); }
  void clear() { first_ = nullptr; }
  void throw_it() const {
    if (any()) {
      std::rethrow_exception(first_);
    }
  }

 private:
  // In a handler.
  void keep(const char* what, std::optional<ErrorCode> code) {
    if (any()) {
      std::fputs(fmt::format("ondes: {}\n", what).c_str(), stderr);
      return;
    }
    first_ = std::current_exception();
    what_ = what;
    code_ = code;
  }

  std::exception_ptr first_;
  std::string what_;
  std::optional<ErrorCode> code_;
};

}  // namespace ondes
