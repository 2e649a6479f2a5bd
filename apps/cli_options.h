// What the command lines of `ondes` and `ondes-train` share beyond CLI11. Set-up thread.
#pragma once
#include <string>

namespace CLI {
class App;
class ParseError;
class Validator;
}  // namespace CLI

namespace ondes {

// A number from `low` to `high`. CLI::Range lets NaN through: it compares false with both ends.
CLI::Validator finite_range(double low, double high);

// Prints help on standard output, or the refusal as every other message of the program, on standard
// error behind its name; returns the exit code.
int exit_of_parse_error(CLI::App& app, const CLI::ParseError& error, const std::string& program);

}  // namespace ondes
