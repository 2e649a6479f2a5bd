// The one exception type of Ondes.
//
// Set-up code (files, configurations, sizes) throws Error; the message names the file, the field,
// what was expected and what was found. Nothing on the audio thread throws. Libraries never print
// or exit: apps/ turns the code into an exit status (apps/exit_codes.h).
#pragma once
#include <stdexcept>
#include <string>

namespace ondes {

enum class ErrorCode {
  usage,        // the request itself makes no sense
  bad_input,    // a file or value from outside breaks its format or contract
  io,           // reading or writing failed: missing, unwritable, disk full
  no_device,    // the device asked for is not there
  threshold,    // a measured value broke a threshold that was asked for
  interrupted,  // stopped by a signal before it was done
};

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace ondes
