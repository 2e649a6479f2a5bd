// How ondes eval spreads its pairs over threads.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "apps/eval/for_each_index.h"

using namespace ondes;

TEST_CASE("every index is worked on once, whatever the number of threads") {
  for (const int threads : {0, 1, 2, 7}) {
    for (const std::size_t count :
         {std::size_t{0}, std::size_t{1}, std::size_t{5}, std::size_t{500}}) {
      CAPTURE(threads, count);
      std::vector<int> times(count, 0);  // a plain int each: two threads at one would be a race
      for_each_index(count, threads, [&](std::size_t i) { ++times[i]; });
      CHECK(std::count(times.begin(), times.end(), 1) == std::ssize(times));
    }
  }
}

TEST_CASE("one thread works in order, and on the caller's own thread") {
  std::vector<std::size_t> order;
  const std::thread::id caller = std::this_thread::get_id();
  for_each_index(20, 1, [&](std::size_t i) {
    order.push_back(i);
    CHECK(std::this_thread::get_id() == caller);
  });
  CHECK(order.size() == 20);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("what one piece throws ends the others and is thrown again") {
  for (const int threads : {1, 4}) {
    CAPTURE(threads);
    std::atomic<int> begun{0};
    const auto fails_at_ten = [&](std::size_t i) {
      ++begun;
      if (i == 10) {
        throw std::runtime_error("the tenth");
      }
      if (i > 10) {  // the rest would take 25 s and more
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    };
    CHECK_THROWS_WITH(for_each_index(100'000, threads, fails_at_ten), "the tenth");
    CHECK(begun < 100'000);
  }
}
