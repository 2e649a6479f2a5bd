// Whether a program under test makes its sound in less time than it lasts: watched by the thread
// sanitizer it does not, and leaves notes out.
#pragma once

namespace ondes {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kKeepsUp = false;
#else
inline constexpr bool kKeepsUp = true;
#endif

}  // namespace ondes
