// Counts heap traffic of the calling thread between two points, to prove that ONDES_REALTIME holds.
//
// Include it in exactly one source file of a test executable: it defines the global operators new
// and delete and, outside sanitizer builds (which own them), malloc and its family for glibc. Every
// test that uses it begins with a control that must be caught.
#pragma once
#include <cerrno>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ONDES_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ONDES_TEST_SANITIZED 1
#endif
#endif

namespace ondes {

// Allocations and frees since the thread began.
inline thread_local long long heap_calls = 0;

class AllocationCounter {
 public:
  AllocationCounter() : at_start_(heap_calls) {}
  long long count() const { return heap_calls - at_start_; }

 private:
  long long at_start_;
};

}  // namespace ondes

#if defined(__GLIBC__) && !defined(ONDES_TEST_SANITIZED)
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);

void* malloc(std::size_t size) {
  ++ondes::heap_calls;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  ++ondes::heap_calls;
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
  ++ondes::heap_calls;
  return __libc_realloc(memory, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
  ++ondes::heap_calls;
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  ++ondes::heap_calls;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  ++ondes::heap_calls;
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}
void free(void* memory) {
  ++ondes::heap_calls;
  __libc_free(memory);
}
}
#else
namespace ondes {
inline void* counted_allocation(std::size_t size) noexcept {
  ++heap_calls;
  return std::malloc(size == 0 ? 1 : size);
}
inline void* counted_allocation_or_throw(std::size_t size) {
  void* memory = counted_allocation(size);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}
inline void counted_free(void* memory) noexcept {
  ++heap_calls;
  std::free(memory);
}
}  // namespace ondes

// All of a family: the sanitizer refuses memory that comes from its own operator and goes to ours.
void* operator new(std::size_t size) {
  return ondes::counted_allocation_or_throw(size);
}
void* operator new[](std::size_t size) {
  return ondes::counted_allocation_or_throw(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return ondes::counted_allocation(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return ondes::counted_allocation(size);
}
void operator delete(void* memory) noexcept {
  ondes::counted_free(memory);
}
void operator delete[](void* memory) noexcept {
  ondes::counted_free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  ondes::counted_free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  ondes::counted_free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  ondes::counted_free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  ondes::counted_free(memory);
}
#endif
