// A program that is timed beside Ondes (ondes-bench-torch, bench_onnx.py), as a process that answers
// a line of JSON to every line it is sent, so that both can be timed in turns.
//
// One thread at a time.
#pragma once
#include <sys/types.h>

#include <cstdio>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace ondes {

class BenchPeer {
 public:
  // `command`: the program, searched for in PATH, and its arguments. Throws Error{io} if no process
  // can be made.
  explicit BenchPeer(const std::vector<std::string>& command);
  ~BenchPeer();  // ends the process
  BenchPeer(const BenchPeer&) = delete;
  BenchPeer& operator=(const BenchPeer&) = delete;

  // The object on the next line of the program's output, which must hold `field`. Throws Error{io}
  // with the command if there is none, Error{interrupted} if a signal came meanwhile.
  nlohmann::json answer(const std::string& field);
  // Sends a line; the next answer is the one to it.
  void ask();

 private:
  std::string command_;  // for messages
  pid_t process_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
};

// True if the program ends with exit status 0; what it prints is dropped.
bool succeeds(const std::vector<std::string>& command);

}  // namespace ondes
