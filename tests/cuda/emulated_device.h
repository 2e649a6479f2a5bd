// What every device without a GPU does alike: its memory is the host's, and nothing of it fails but
// what a test makes fail.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "cuda/device.h"

namespace ondes::gpu {

template <class Interface>
class EmulatedDeviceOf : public Interface {
 public:
  // Where *fails is true, finish() says so.
  explicit EmulatedDeviceOf(const DeviceLimits& limits, const bool* fails = nullptr)
      : limits_(limits), fails_(fails) {}

  const DeviceLimits& limits() const noexcept override { return limits_; }
  std::string name() const override { return "emulated"; }
  // Fresh memory holds what makes NaN: a kernel that reads what nobody wrote shows.
  void* allocate(std::size_t bytes) override {
    const std::size_t lines = (bytes + sizeof(Line) - 1) / sizeof(Line);
    memory_.push_back(std::make_unique<Line[]>(lines));
    std::fill_n(memory_.back().get(), lines, Line{{kPoison, kPoison, kPoison, kPoison}});
    return memory_.back().get();
  }
  void* allocate_staging(std::size_t bytes) override { return allocate(bytes); }
  void upload(void* to, const void* from, std::size_t bytes) noexcept override {
    std::memcpy(to, from, bytes);
  }
  void download(void* to, const void* from, std::size_t bytes) noexcept override {
    std::memcpy(to, from, bytes);
  }
  bool finish() noexcept override { return fails_ == nullptr || !*fails_; }
  std::string failure() const override {
    return fails_ != nullptr && *fails_ ? "made to fail" : "";
  }

 private:
  static constexpr std::uint32_t kPoison = 0x7FC0DEADU;
  struct alignas(16) Line {
    std::uint32_t words[4];
  };

  DeviceLimits limits_;
  const bool* fails_;
  std::vector<std::unique_ptr<Line[]>> memory_;
};

}  // namespace ondes::gpu
