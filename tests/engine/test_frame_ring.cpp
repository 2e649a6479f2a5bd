#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "engine/stream/frame_ring.h"
#include "engine/stream/message_queue.h"

using namespace ondes;

TEST_CASE("a ring takes what fits and gives it back in order, across its end") {
  FrameRing ring(5, 2);
  REQUIRE(ring.capacity_frames() == 8);
  std::vector<float> in(12 * 2);
  std::vector<float> out(12 * 2);
  float next = 0.0F;
  float expected = 0.0F;
  for (int round = 0; round < 50; ++round) {
    for (float& x : in) {
      x = next++;
    }
    const int written = ring.write({in.data(), 3 + round % 9, 2});
    next -= 2.0F * static_cast<float>(12 - written);
    const int read = ring.read({out.data(), 1 + round % 7, 2});
    for (int i = 0; i < 2 * read; ++i) {
      CHECK(out[static_cast<std::size_t>(i)] == expected++);
    }
    CHECK(ring.writable() + ring.readable() == 8);
  }
  CHECK(ring.consumed() > 3 * 8);
}

TEST_CASE("skipping forgets frames and never goes back") {
  FrameRing ring(8, 1);
  const std::vector<float> in{1, 2, 3, 4, 5};
  ring.write({in.data(), 5, 1});
  ring.skip_to(3);
  ring.skip_to(2);
  float out = 0.0F;
  CHECK(ring.read({&out, 1, 1}) == 1);
  CHECK(out == 4.0F);
  CHECK(ring.readable() == 1);
}

TEST_CASE("two threads pass a million frames without losing or splitting one") {
  constexpr int kFrames = 1'000'000;
  FrameRing ring(64, 2);
  std::thread producer([&] {
    std::vector<float> block(2 * 17);
    int made = 0;
    while (made < kFrames) {
      const int count = std::min(1 + made % 17, kFrames - made);
      for (int t = 0; t < count; ++t) {
        block[2 * static_cast<std::size_t>(t)] = static_cast<float>(made + t);
        block[2 * static_cast<std::size_t>(t) + 1] = -static_cast<float>(made + t);
      }
      const int written = ring.write({block.data(), count, 2});
      made += written;
      if (written == 0) {
        std::this_thread::yield();
      }
    }
  });
  std::vector<float> block(2 * 23);
  int seen = 0;
  int wrong = 0;
  while (seen < kFrames) {
    const int read = ring.read({block.data(), 1 + seen % 23, 2});
    for (int t = 0; t < read; ++t, ++seen) {
      wrong += static_cast<int>(block[2 * static_cast<std::size_t>(t)] != static_cast<float>(seen));
      wrong +=
          static_cast<int>(block[2 * static_cast<std::size_t>(t) + 1] != -static_cast<float>(seen));
    }
    if (read == 0) {
      std::this_thread::yield();
    }
  }
  producer.join();
  CHECK(wrong == 0);
}

TEST_CASE("a full queue refuses, an empty one has nothing, order is kept") {
  MessageQueue<int> queue(4);
  CHECK_FALSE(queue.pop());
  for (int i = 0; i < 4; ++i) {
    CHECK(queue.push(i));
  }
  CHECK_FALSE(queue.push(4));
  for (int i = 0; i < 4; ++i) {
    CHECK(queue.pop() == i);
  }
  CHECK_FALSE(queue.pop());
}
