// Programs that `ondes bench` times in turns with itself.
#include <signal.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "apps/bench_peer.h"
#include "apps/interrupt.h"
#include "engine/error.h"
#include "tests/support/thrown_error.h"

namespace ondes {
namespace {

std::vector<std::string> shell(const std::string& script) {
  return {"/bin/sh", "-c", script};
}

}  // namespace

TEST_CASE("a peer introduces itself and answers every line it is asked") {
  BenchPeer peer(
      shell("echo '{\"ready\": 1}'; n=0; while read line; do n=$((n + 1)); "
            "echo \"{\\\"seconds\\\": $n}\"; done"));
  CHECK(peer.answer("ready").at("ready") == 1);
  for (int n = 1; n < 4; ++n) {
    peer.ask();
    CHECK(peer.answer("seconds").at("seconds") == n);
  }
}

TEST_CASE("a peer that ends, says something else or is not there is named") {
  BenchPeer silent(shell("exit 0"));
  check_contains(message_of(ErrorCode::io, [&] { silent.answer("seconds"); }),
                 {"/bin/sh", "found nothing"});
  BenchPeer chatty(shell("echo hello"));
  check_contains(message_of(ErrorCode::io, [&] { chatty.answer("seconds"); }),
                 {"expected a figure `seconds`", "found `hello`"});
  BenchPeer missing({"ondes-bench-is-not-there"});
  check_contains(message_of(ErrorCode::io, [&] { missing.answer("seconds"); }),
                 {"ondes-bench-is-not-there"});
  CHECK_FALSE(succeeds({"ondes-bench-is-not-there"}));
  CHECK_FALSE(succeeds(shell("exit 3")));
  CHECK(succeeds(shell("exit 0")));
}

// The last of this file: the flag of a signal stays.
TEST_CASE("a signal while a peer works is an interruption, not a peer that says nothing") {
  install_signal_handlers();
  BenchPeer peer(shell("kill -INT $PPID; sleep 20"));
  check_contains(message_of(ErrorCode::interrupted, [&] { peer.answer("seconds"); }),
                 {"interrupted"});
}

}  // namespace ondes
