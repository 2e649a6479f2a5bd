# A thin front for the CMake presets (CMakePresets.json). Every target below can be repeated by hand
# with `cmake --preset X`, `cmake --build --preset X`, `ctest --preset X`.
#
# JOBS   how many compilers and tests at once (all processors)
# FILES  what `make tidy` checks, a regular expression over paths (default: all of our sources)

JOBS ?= $(shell nproc 2>/dev/null || echo 2)
FILES ?= ^$(CURDIR)/(engine|dsp|models|cuda|apps)/.*\.cpp$$
RELEASE := build/release
SCORE := samples/scores/demo.mid
SOURCES = git ls-files -- '*.h' '*.cpp' '*.cu' '*.cuh'
# The tools are pinned to one major version: another one formats differently.
CLANG_FORMAT ?= $(firstword $(shell command -v clang-format-14 clang-format 2>/dev/null))
CTEST_FLAGS = --no-tests=error -j $(JOBS)

.PHONY: help build demo test train format tidy asan tsan rtsan cuda fuzz bench clean
.NOTPARALLEL:

help:
	@echo "make demo     install what is missing, build ondes, render a sample score"
	@echo "make test     install what is missing, build everything with training, run all tests"
	@echo "make build    build ondes and the tests into $(RELEASE)/bin"
	@echo "make train    build ondes-train beside ondes (installs LibTorch and FluidSynth)"
	@echo "make bench    build and run the benchmarks"
	@echo "make asan     all tests under the address and undefined-behaviour sanitizers"
	@echo "make tsan     all tests under the thread sanitizer"
	@echo "make rtsan    the real-time tests under clang's real-time sanitizer (clang 20 or newer)"
	@echo "make cuda     build with the CUDA backend and run the tests (needs nvcc)"
	@echo "make fuzz     build the fuzz targets with libFuzzer (clang) and run each for a minute"
	@echo "make format   format all sources (clang-format 14)"
	@echo "make tidy     clang-tidy over the compile database; FILES='engine/score/.*' for a part"
	@echo "make clean    remove build/"

# --- building ------------------------------------------------------------------------------------
# Configuring is done once: ninja itself re-runs CMake when a CMakeLists.txt has changed. The release
# tree serves demo, build, train and test, so that nothing is compiled twice.

# has_option NAME: the release tree is configured, by presets no older than the file, with NAME=ON.
has_option = [ $(RELEASE)/build.ninja -nt CMakePresets.json ] && \
  grep -qs '^$(1):BOOL=ON$$' $(RELEASE)/CMakeCache.txt

build:
	@.ci/install-packages run test
	@$(call has_option,ONDES_TESTS) || cmake --preset release
	@cmake --build $(RELEASE) -j $(JOBS)

train:
	@.ci/install-packages run train
	@$(call has_option,ONDES_TRAINING) || cmake --preset train
	@cmake --build $(RELEASE) -j $(JOBS) --target ondes ondes-train
	@echo "built $(RELEASE)/bin/ondes-train"

demo:
	@.ci/install-packages run
	@[ -f $(RELEASE)/build.ninja ] || cmake --preset demo
	@cmake --build $(RELEASE) -j $(JOBS) --target ondes
	@if [ -z "$$(ls samples/voices/*.safetensors 2>/dev/null)" ]; then \
	  echo "make demo: no voice in samples/voices/ yet: train one, see samples/voices/README.md" >&2; \
	  exit 3; fi
	@$(RELEASE)/bin/ondes render $(SCORE) -o build/demo.wav --force
	@echo "The demo is in build/demo.wav: $(SCORE), played by the shipped voice."

test:
	@.ci/install-packages run test train
	@{ $(call has_option,ONDES_TRAINING) && $(call has_option,ONDES_TESTS); } || cmake --preset train
	@cmake --build $(RELEASE) -j $(JOBS)
	@ctest --preset train $(CTEST_FLAGS)

# --- the same tests, watched ----------------------------------------------------------------------
# Without LibTorch: Debian's build of it is not instrumented, so its reports would be noise.

asan tsan:
	@.ci/install-packages run test
	@[ build/$@/build.ninja -nt CMakePresets.json ] || cmake --preset $@
	@cmake --build --preset $@ -j $(JOBS)
	@ctest --preset $@ $(CTEST_FLAGS)

RTSAN_CXX ?= $(lastword $(sort $(shell command -v clang++-20 clang++-21 clang++-22 2>/dev/null)))
rtsan:
	@if [ -z "$(RTSAN_CXX)" ]; then \
	  echo "make rtsan: needs clang 20 or newer (RTSAN_CXX=path/to/clang++), and there is none here." >&2; \
	  exit 1; fi
	@[ build/rtsan/build.ninja -nt CMakePresets.json ] || \
	  cmake --preset rtsan -DCMAKE_CXX_COMPILER=$(RTSAN_CXX)
	@cmake --build --preset rtsan -j $(JOBS)
	@ctest --preset rtsan $(CTEST_FLAGS) -L rt

cuda:
	@.ci/install-packages run test
	@[ build/cuda/build.ninja -nt CMakePresets.json ] || cmake --preset cuda
	@cmake --build --preset cuda -j $(JOBS)
	@ctest --preset cuda $(CTEST_FLAGS)

fuzz:
	@.ci/install-packages run fuzz
	@[ build/fuzz/build.ninja -nt CMakePresets.json ] || cmake --preset fuzz
	@cmake --build --preset fuzz -j $(JOBS)
	@.ci/fuzz build/fuzz/bin

bench:
	@.ci/install-packages run bench
	@[ build/bench/build.ninja -nt CMakePresets.json ] || cmake --preset bench
	@cmake --build --preset bench -j $(JOBS)
	@for program in build/bench/bin/bench_*; do \
	  [ -x "$$program" ] || { echo "make bench: no benchmarks yet" >&2; exit 1; }; \
	  echo "== $$program"; "$$program" || exit 1; done

# --- keeping the sources tidy ---------------------------------------------------------------------

format:
	@.ci/install-packages check
	@$(CLANG_FORMAT) --version | grep -q 'version 14\.' || \
	  { echo "make format: needs clang-format 14, found: $(CLANG_FORMAT)" >&2; exit 1; }
	@$(SOURCES) | xargs $(CLANG_FORMAT) -i

tidy:
	@.ci/install-packages run test bench check
	@[ build/tidy/build.ninja -nt CMakePresets.json ] || cmake --preset tidy
	@run-clang-tidy-14 -quiet -p build/tidy -j $(JOBS) '$(FILES)'

clean:
	@rm -rf build
