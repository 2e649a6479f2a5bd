// The terminal while a program has it for itself: keys come one by one and unseen, there is no cursor.
//
// What is held is given back by whatever stops the program: the handler of SIGTSTP does that, then
// the program stops by the signal's default action. After SIGCONT nothing is held until it is taken
// again, which only a program in the foreground may do. A second Ctrl-C, which ends the program at
// once, gives it back, too. Where the shell has SIGTSTP ignored, it stays
// so.
//
// One terminal, one thread: the control thread. Signals may come to any thread.
#pragma once

namespace ondes {

// Remembers how the terminal is, and whether its cursor is to be hidden. Returns whether standard
// input is a terminal that keys can be read from.
bool borrow_terminal(bool hides_cursor);
// Whether the terminal's shell has given it to this program; true where there is no such shell.
bool is_in_foreground();
// False if it is held already.
bool take_terminal();
void give_terminal_back();  // if it is held

void handle_stops();
void forget_stops();

}  // namespace ondes
