#!/bin/sh
# Every source is as clang-format 14 would write it. Status 77 (skipped) where that version is not there:
# another one formats differently, so its opinion is worth nothing.
set -eu
cd "$1"
for tool in clang-format-14 clang-format; do
  if command -v "$tool" >/dev/null 2>&1 && "$tool" --version | grep -q 'version 14\.'; then
    # The control: a check that passes this file would pass anything.
    if printf 'int   x ;\n' | "$tool" --style=file --dry-run -Werror >/dev/null 2>&1; then
      echo "$tool finds nothing wrong with a badly formatted line" >&2
      exit 1
    fi
    find apps cuda dsp engine models tests -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o \
      -name '*.cuh' | sort | xargs "$tool" --dry-run -Werror
    echo "formatted as $("$tool" --version)"
    exit 0
  fi
done
echo "SKIPPED: clang-format 14 is not installed (.ci/install-packages check)"
exit 77
