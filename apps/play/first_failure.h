// Things that must all be attempted, whatever becomes of the others (the sound ends, the score and the
// recording get their names): the first error is kept and thrown at the end, those after it are said
// on standard error.
//
// Control thread.
#pragma once
#include <fmt/format.h>

#include <cstdio>
#include <optional>
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
      if (error_) {
        std::fputs(fmt::format("ondes: {}\n", error.what()).c_str(), stderr);
      } else {
        error_ = error;
      }
    }
  }
  bool any() const { return error_.has_value(); }
  bool is(ErrorCode code) const { return error_ && error_->code() == code; }
  const char* what() const { return error_->what(); }
  void clear() { error_.reset(); }
  void throw_it() const {
    if (error_) {
      throw Error(*error_);
    }
  }

 private:
  std::optional<Error> error_;
};

}  // namespace ondes
