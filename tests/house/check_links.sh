#!/bin/sh
# The program does not link LibTorch, which is 600 MB that rendering does not need.
set -eu
needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
# The control: a program that seems to need nothing was not read.
echo "$needed" | grep -q '^libc\.' || { echo "cannot read what $1 links" >&2; exit 1; }
if echo "$needed" | grep -E '^lib(torch|c10|caffe2)'; then
  echo "$1 links the libraries above, which it may not" >&2
  exit 1
fi
