// The subcommands of `ondes`, one file each. Every function adds a command to the parser and stores
// what it does in `action`, which runs after parsing and returns the exit code.
#pragma once
#include <functional>

namespace CLI {
class App;  // CLI11 is a large header: only the files that use it include it
}

namespace ondes {

using Action = std::function<int()>;

void add_render_command(CLI::App& app, Action& action);
void add_rerender_command(CLI::App& app, Action& action);
void add_info_command(CLI::App& app, Action& action);
void add_import_command(CLI::App& app, Action& action);
void add_mel_command(CLI::App& app, Action& action);
void add_eval_command(CLI::App& app, Action& action);
void add_play_command(CLI::App& app, Action& action);
void add_live_command(CLI::App& app, Action& action);
void add_devices_command(CLI::App& app, Action& action);
void add_voices_command(CLI::App& app, Action& action);
void add_doctor_command(CLI::App& app, Action& action);
void add_bench_command(CLI::App& app, Action& action);

// `ondes train ...` becomes `ondes-train ...`; returns only by throwing Error{io}.
[[noreturn]] void exec_train(char** arguments);

}  // namespace ondes
