// What the keys of `ondes play` mean.
//
//   space pause, go on      left right   5 s back, on        up down   tempo 5 % up, down
//   , .   1 s back, on      home         to the beginning    [ ]       loop from here, to here
//   n p   next, previous    l            loop off            v         next voice
//   t T   temperature down, up           q, Ctrl-C           stop
//
// Plain data; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace ondes {

enum class PlayKey {
  pause,
  back,
  forward,
  back_little,
  forward_little,
  begin,
  faster,
  slower,
  loop_from,
  loop_to,
  loop_off,
  next,
  previous,
  next_voice,
  cooler,
  warmer,
  quit,
};

// The first key in what a terminal sent, and how many bytes it took (at least 1 for a non-empty
// text, so that unknown ones are passed over).
struct KeyPress {
  std::optional<PlayKey> key;
  std::size_t bytes = 0;
};
KeyPress read_key(std::string_view text) noexcept;

// Whether `text` is the beginning of an escape sequence that may go on in what the terminal sends
// next: a held key fills the reader's buffer, which then ends anywhere.
bool is_cut_off(std::string_view text) noexcept;

}  // namespace ondes
