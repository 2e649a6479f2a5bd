// Exit codes of the command-line programs. Documented in README.md; scripts rely on them.
#pragma once
#include "engine/error.h"

namespace ondes {

inline constexpr int kExitDone = 0;
inline constexpr int kExitInternal = 1;  // a bug: an exception that is not an ondes::Error
inline constexpr int kExitUsage = 2;
inline constexpr int kExitBadInput = 3;
inline constexpr int kExitIo = 4;
inline constexpr int kExitNoDevice = 5;
inline constexpr int kExitThreshold = 6;
inline constexpr int kExitInterrupted = 130;  // 128 + SIGINT, as shells report it

constexpr int exit_code(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::usage:
      return kExitUsage;
    case ErrorCode::bad_input:
      return kExitBadInput;
    case ErrorCode::io:
      return kExitIo;
    case ErrorCode::no_device:
      return kExitNoDevice;
    case ErrorCode::threshold:
      return kExitThreshold;
    case ErrorCode::interrupted:
      return kExitInterrupted;
  }
  return kExitInternal;
}

}  // namespace ondes
