#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/voices.h"
#include "engine/error.h"

namespace ondes {

void exec_train(char** arguments) {
  std::vector<char*> argv;
  std::string name = "ondes-train";
  argv.push_back(name.data());
  for (; *arguments != nullptr; ++arguments) {
    argv.push_back(*arguments);
  }
  argv.push_back(nullptr);
  const std::string beside = (program_folder() / name).string();
  std::error_code ignored;
  if (std::filesystem::exists(beside, ignored)) {
    ::execv(beside.c_str(), argv.data());
  } else {
    ::execvp(name.c_str(), argv.data());
    if (errno == ENOENT) {
      throw Error(ErrorCode::io,
                  "ondes-train was found neither beside ondes (" + beside +
                      ") nor on PATH: training is a separate program, built by `make train`");
    }
  }
  throw Error(ErrorCode::io, std::string("ondes-train cannot be run: ") + std::strerror(errno));
}

}  // namespace ondes
