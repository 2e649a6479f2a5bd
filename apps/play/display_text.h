// Text that comes from outside (names of files, voices, devices) on a terminal of so many columns.
//
// Plain functions; any thread.
#pragma once
#include <string>
#include <string_view>

namespace ondes {

// Columns that UTF-8 text takes: East Asian wide characters and emoji 2, combining ones 0, others 1.
int display_columns(std::string_view text);

// The longest beginning of whole characters that takes at most `columns`.
std::string cut_to_columns(std::string_view text, int columns);

// Control characters, bytes that are no UTF-8 and, where the terminal does not show Unicode, all
// that is not ASCII become a question mark: a file's name cannot send commands to the terminal.
std::string printable(std::string_view text, bool unicode);

}  // namespace ondes
