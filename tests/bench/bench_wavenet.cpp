// The measurements of `ondes bench wavenet`, as a program of their own:
//   bench_wavenet [--json] [--seconds S] [--torch PROGRAM] [-r 32,64] [-l 1,16] [-t 1,2] [-p
//   f32,i8]
#include "apps/bench_wavenet.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "engine/error.h"

namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) {
    parts.push_back(part);
  }
  return parts;
}

std::vector<int> numbers(const std::string& text) {
  std::vector<int> values;
  for (const std::string& part : split(text)) {
    values.push_back(std::atoi(part.c_str()));
  }
  return values;
}

}  // namespace

int main(int argc, char** argv) {
  ondes::BenchOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    if (flag == "--json") {
      options.json = true;
      continue;
    }
    ++i;
    if (flag == "--seconds") {
      options.seconds = std::atof(value.c_str());
    } else if (flag == "--torch") {
      options.torch_program = value;
    } else if (flag == "-r") {
      options.residual_channels = numbers(value);
    } else if (flag == "-l") {
      options.lanes = numbers(value);
    } else if (flag == "-t") {
      options.threads = numbers(value);
    } else if (flag == "-p") {
      options.precisions = split(value);
    }
  }
  try {
    return ondes::run_bench_wavenet(options);
  } catch (const ondes::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
