#include "apps/bench_peer.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "apps/bench_common.h"
#include "engine/error.h"

namespace ondes {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& one : command) {
    arguments.push_back(const_cast<char*>(one.c_str()));  // exec changes nothing
  }
  arguments.push_back(nullptr);
  return arguments;
}

int wait_for(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

BenchPeer::BenchPeer(const std::vector<std::string>& command) {
  for (const std::string& one : command) {
    command_ += command_.empty() ? "'" + one + "'" : " '" + one + "'";
  }
  const std::vector<char*> arguments = pointers(command);
  int input[2] = {-1, -1};
  int output[2] = {-1, -1};
  if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0 || (process_ = fork()) < 0) {
    const std::string reason = std::strerror(errno);
    for (const int descriptor : {input[0], input[1], output[0], output[1]}) {
      if (descriptor >= 0) {
        close(descriptor);
      }
    }
    throw Error(ErrorCode::io, command_ + ": cannot be started: " + reason);
  }
  if (process_ == 0) {
    dup2(input[0], STDIN_FILENO);
    dup2(output[1], STDOUT_FILENO);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  close(input[0]);
  close(output[1]);
  to_ = fdopen(input[1], "w");
  from_ = fdopen(output[0], "r");
}

BenchPeer::~BenchPeer() {
  std::fclose(to_);
  std::fclose(from_);
  kill(process_, SIGKILL);  // it has nothing to put in order, and may be in the middle of a clip
  wait_for(process_);
}

nlohmann::json BenchPeer::answer(const std::string& field) {
  std::string line;
  for (int c = std::fgetc(from_); c != EOF && c != '\n'; c = std::fgetc(from_)) {
    line += static_cast<char>(c);
  }
  check_bench_interrupted();
  nlohmann::json found = nlohmann::json::parse(line, nullptr, false);
  if (!found.is_object() || !found.contains(field) || !found.at(field).is_number()) {
    throw Error(ErrorCode::io, command_ + ": expected a figure `" + field + "`, found " +
                                   (line.empty() ? "nothing" : "`" + line + "`") +
                                   "; leave the comparison out with --torch '' or --onnx ''");
  }
  return found;
}

void BenchPeer::ask() {
  // A peer that is gone shows in its answer.
  std::fputs("clip\n", to_);
  std::fflush(to_);
}

bool succeeds(const std::vector<std::string>& command) {
  const std::vector<char*> arguments = pointers(command);
  const pid_t process = fork();
  if (process < 0) {
    return false;
  }
  if (process == 0) {
    const int nowhere = open("/dev/null", O_RDWR);
    dup2(nowhere, STDIN_FILENO);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  const int status = wait_for(process);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace ondes
