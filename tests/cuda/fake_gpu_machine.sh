#!/bin/bash
# cuda/check_on_gpu on a machine that is made up: every tool it calls is a few lines of shell that
# answer as the real one would. What is tested is the script: that a step that fails is named and ends
# no other one, that the figures find their way into the verdicts, that one results file has it all.
#
#   fake_gpu_machine.sh SOURCE_FOLDER
set -u
SOURCE=${1:?see the top of the file}
HERE=$(mktemp -d) || exit 1
trap 'rm -rf "$HERE"' EXIT
cd "$HERE" || exit 1
mkdir -p cuda tests/cuda build/deps build/nv-wavenet fake/bin
cp "$SOURCE"/cuda/check_on_gpu "$SOURCE"/cuda/check_nv_wavenet cuda/
echo "abc1234" > build/deps/revision.txt
tar -C build -czf build/gpu-bundle.tar.gz deps

fake() {  # fake NAME: standard input becomes a program
  { echo '#!/bin/bash'; cat; } > "fake/$1" && chmod +x "fake/$1"
}
fake nvidia-smi <<'END'
case "$*" in
  *name,memory*) echo "NVIDIA H100 80GB HBM3, 81559 MiB, 580.00, 1980 MHz" ;;
  *compute_cap*) echo 9.0 ;;
esac
END
fake nvcc <<'END'
echo "Cuda compilation tools, release 13.0, V13.0.88"
END
fake cmake <<'END'  # the build fails in one file, and goes on
case "$*" in
  --version) echo "cmake version 9.9" ;;
  *--build*) cp -r fake/bin build/gpu-check/tree/; echo "error: one file"; exit 2 ;;
  *) mkdir -p build/gpu-check/tree; touch build/gpu-check/tree/build.ninja; echo "$*" > build/configured ;;
esac
END
fake ctest <<'END'
echo "100% tests passed"
END
fake compute-sanitizer <<'END'  # finds a race
[ "$2" = racecheck ] && exit 9
echo "$2 of $(basename "$5"): 0 errors"
END
fake python3 <<'END'
case "$*" in
  *is_available*) echo True ;;
  *"--mode eager"*) printf 'figure torch.f16.eager.%s\n' "clip 100" "1c 4" "1 8" ;;
  *"--mode graphs"*) printf 'figure torch.f16.graphs.%s\n' "clip 160" "1c 5" ;;
esac
END
fake bin/cuda_bench_step <<'END'  # one precision is wrong, the others are timed
if [ "$1" = --long ]; then echo "ten minutes: every one the CPU's"; exit 0; fi
printf 'figure step.f16.%s\n' "one_lane 123456" "lanes_at_24k 256" "best_batch 9000000"
echo "WRONG: i16"
exit 1
END
fake bin/cuda_bench_block <<'END'
printf 'figure block.f16.%s\n' "clip 200" "1 50"
END
for test in variant_parity block_parity; do fake bin/cuda_test_$test < /dev/null; done
cat > build/nv-wavenet/nv_wavenet_perf <<'END'
#!/bin/bash
while [ $# -gt 1 ]; do
  [ "$1" = -b ] && batch=$2
  [ "$1" = -m ] && mode=$2
  shift 2
done
[ "$mode" = 4 ] && { echo "GPUassert: too many resources"; exit 7; }
echo "Sample rate: $((40 + mode - batch / 32)).000 kHz"
END
chmod +x build/nv-wavenet/nv_wavenet_perf

PATH="$HERE/fake:$PATH" cuda/check_on_gpu out/results.md > printed 2>&1
status=$?
failures=0
expect() {
  grep -qF -- "$1" out/results.md || { echo "not in the results: $1"; failures=$((failures + 1)); }
}
[ $status = 1 ] || { echo "expected exit status 1, found $status"; failures=1; }
expect "# The CUDA backend, NVIDIA H100 80GB HBM3"
expect "source: abc1234 (as packed)"
expect "81559 MiB, 580.00, 1980 MHz"
expect "## build: FAILED (2)"
expect "## tests: passed"
expect "## bench_step: FAILED (1)"
expect "WRONG: i16"
expect "## bench_block: passed"
expect "manyblock      1        1  no figure: GPUassert: too many resources"
expect "## torch_compiled: passed"
expect "## memcheck: passed"
expect "memcheck of cuda_test_block_parity: 0 errors"
expect "## racecheck: FAILED (9)"
expect "## synccheck: passed"
expect "## ten_minutes: passed"
# 43 k/s is mode 3 alone; 512 lanes in mode 3 make 512 * 27 k/s.
expect "one lane, samples/s: 123456, at least 100000: met"
expect "lanes at 24 k samples/s each: 256, at least 256: met"
expect "one lane beside nv-wavenet's best mode: 2.87107, at least 2: met"
expect "best batch beside nv-wavenet's: 0.651042, at least 3: MISSED"
expect "clip, beside PyTorch's best: 1.25, at least 1.3: MISSED"
expect "beside PyTorch's frames with context: 10, at least 5: met"
expect "beside PyTorch's bare frames (other samples): 6.25, at least 5: met"
expect "## all: FAILED: build bench_step racecheck,"
grep -q -- "-DCMAKE_CUDA_ARCHITECTURES=90-real" build/configured || failures=$((failures + 1))
if [ "$failures" != 0 ]; then
  cat printed
  exit 1
fi
echo "check_on_gpu: as it should be on a machine that is made up"
