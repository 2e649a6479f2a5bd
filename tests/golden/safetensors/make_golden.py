"""Writes from_python.safetensors with the Python library `safetensors`, and checks files of ours.

    pip install safetensors numpy
    python make_golden.py                    # writes from_python.safetensors beside this script
    python make_golden.py FILE.safetensors   # reads a file with the Python library and lists it
"""
import pathlib
import sys

import numpy
from safetensors import safe_open
from safetensors.numpy import save_file

if len(sys.argv) > 1:
    with safe_open(sys.argv[1], framework="numpy") as file:
        print("metadata keys:", sorted((file.metadata() or {}).keys()))
        for name in sorted(file.keys()):
            tensor = file.get_tensor(name)
            print(name, tensor.dtype, list(tensor.shape))
else:
    save_file(
        {
            "matrix": numpy.arange(6, dtype=numpy.float32).reshape(2, 3) / 4,
            "scalar": numpy.array(-1.5, dtype=numpy.float32),
            "nothing": numpy.zeros((0, 3), dtype=numpy.float32),
            "flags": numpy.array([True, False, True]),
            "half": numpy.array([0.5, -2], dtype=numpy.float16),
            "wide": numpy.array([1 / 3], dtype=numpy.float64),
            "counts": numpy.array([-1, 1 << 40], dtype=numpy.int64),
        },
        pathlib.Path(__file__).parent / "from_python.safetensors",
        metadata={"made_by": "make_golden.py"},
    )
