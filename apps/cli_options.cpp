#include "apps/cli_options.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "apps/exit_codes.h"

namespace ondes {
namespace {

// 0.01 and not 0.010000.
std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", value);
  return text;
}

}  // namespace

CLI::Validator finite_range(double low, double high) {
  const std::string from = short_number(low);
  const std::string to = short_number(high);
  return CLI::Validator(
      [low, high, from, to](std::string& text) {
        double value = 0.0;
        const bool good = CLI::detail::lexical_cast(text, value) && value >= low && value <= high;
        return good ? std::string()
                    : "expected a number from " + from + " to " + to + ", found '" + text + "'";
      },
      "[" + from + " - " + to + "]");
}

int exit_of_parse_error(CLI::App& app, const CLI::ParseError& error, const std::string& program) {
  app.failure_message([&program](const CLI::App* asked, const CLI::Error& refusal) {
    return program + ": " + CLI::FailureMessage::simple(asked, refusal);
  });
  return app.exit(error) == 0 ? kExitDone : kExitUsage;
}

}  // namespace ondes
