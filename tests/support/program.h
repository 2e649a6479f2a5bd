// Runs a built program as a user would: arguments, standard input, limits, signals; what it printed
// and how it ended.
#pragma once
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace ondes {

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct ProgramOptions {
  std::string stdin_file = "/dev/null";
  std::string stdout_file{};  // empty: captured
  std::string folder{};       // working folder; empty: the test's
  std::vector<std::pair<std::string, std::string>> environment{};
  std::optional<rlim_t> file_size_limit_bytes{};
  // SIGINT is sent as soon as standard error contains this text.
  std::string interrupt_after{};
};

struct ProgramResult {
  int exit_code = -1;  // 128 + signal where a signal ended it
  std::string out;
  std::string err;
  long peak_memory_kib = 0;
};

namespace program_detail {

inline void become(const std::string& program,
                   const std::vector<std::string>& arguments,
                   const ProgramOptions& options,
                   const std::string& out,
                   const std::string& err) {
  const auto redirect = [](const std::string& path, int flags, int target) {
    const int descriptor = ::open(path.c_str(), flags, 0600);
    if (descriptor < 0 || ::dup2(descriptor, target) < 0) {
      ::_exit(126);
    }
  };
  redirect(options.stdin_file, O_RDONLY, STDIN_FILENO);
  redirect(out, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
  redirect(err, O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
  for (const auto& [name, value] : options.environment) {
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  if (!options.folder.empty() && ::chdir(options.folder.c_str()) != 0) {
    ::_exit(126);
  }
  if (options.file_size_limit_bytes) {
    const rlimit limit{*options.file_size_limit_bytes, *options.file_size_limit_bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  ::_exit(127);
}

}  // namespace program_detail

inline ProgramResult run_program(const std::string& program,
                                 const std::vector<std::string>& arguments,
                                 const ProgramOptions& options = {}) {
  const TemporaryFolder streams;
  const std::string out = options.stdout_file.empty() ? streams.file("out") : options.stdout_file;
  const std::string err = streams.file("err");
  const pid_t child = ::fork();
  if (child == 0) {
    program_detail::become(program, arguments, options, out, err);
  }
  if (child < 0) {
    throw std::runtime_error("cannot fork");
  }
  int status = 0;
  rusage usage{};
  bool sent = options.interrupt_after.empty();
  while (::wait4(child, &status, sent ? 0 : WNOHANG, &usage) == 0) {
    if (!sent && read_text(err).find(options.interrupt_after) != std::string::npos) {
      ::kill(child, SIGINT);
      sent = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  ProgramResult result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = options.stdout_file.empty() ? read_text(out) : "";
  result.err = read_text(err);
  result.peak_memory_kib = usage.ru_maxrss;
  return result;
}

// The built `program` (ondes, ondes-train), with `folder` as its working folder.
inline ProgramResult run_built(const std::string& program,
                               const std::vector<std::string>& arguments,
                               const TemporaryFolder& folder,
                               ProgramOptions options = {}) {
  options.folder = folder.path().string();
  return run_program(ONDES_BINARY_DIR "/bin/" + program, arguments, options);
}

}  // namespace ondes
