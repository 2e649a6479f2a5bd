"""Writes the seeds in npy/: arrays as NumPy writes them, mels, and broken files.

    python3 make_npy.py

Uses nothing but the standard library, so that the files are written by other code than they are
read by.
"""
import json
import pathlib
import struct

FOLDER = pathlib.Path(__file__).parent / "npy"


def npy(header, data=b"", version=(1, 0), length=None):
    if not isinstance(header, bytes):
        header = header.encode()
    size = "<H" if version[0] == 1 else "<I"
    prelude = 8 + struct.calcsize(size)
    header += b" " * (-(prelude + len(header) + 1) % 64) + b"\n"
    packed = struct.pack(size, len(header) if length is None else length)
    return b"\x93NUMPY" + bytes(version) + packed + header + data


def described(shape, descr="<f4", fortran=False):
    return f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"


def floats(count, code="f"):
    return struct.pack(f"<{count}{code}", *(0.5 * i - 1 for i in range(count)))


def mel_file(features, shape=(3, 4)):
    data = floats(shape[0] * shape[1])
    header = {"__metadata__": {"ondes": json.dumps({"schema": 1, "features": features})},
              "mel": {"dtype": "F32", "shape": list(shape), "data_offsets": [0, len(data)]}}
    text = json.dumps(header)
    text += " " * (-(8 + len(text)) % 64)
    return struct.pack("<Q", len(text)) + text.encode() + data


FEATURES = {"kind": "mel", "sample_rate": 8000, "fft": 64, "hop": 16, "mels": 3, "fmin": 0,
            "fmax": 4000, "scale": "slaney", "norm": "slaney", "magnitude": "amplitude",
            "log": "ln", "floor": 1e-5, "padding": "reflect_hop"}

NAN = struct.pack("<f", float("nan"))
files = {
    "empty": b"",
    "magic_only": b"\x93NUMPY",
    "scalar": npy(described("()"), floats(1)),
    "vector": npy(described("(5,)"), floats(5)),
    "mel": npy(described("(3, 4)"), floats(12)),
    "mel_batch": npy(described("(1, 3, 4)"), floats(12)),
    "mel_frames_first": npy(described("(4, 3)"), floats(12)),
    "mel_square": npy(described("(3, 3)"), floats(9)),
    "mel_no_frames": npy(described("(3, 0)")),
    "mel_nan": npy(described("(3, 1)"), floats(2) + NAN),
    "mel_contract": mel_file(FEATURES),
    "mel_contract_transposed": mel_file(FEATURES, (4, 3)),
    "mel_contract_unknown": mel_file({**FEATURES, "dither": 1}),
    "fortran": npy(described("(2, 3, 2)", fortran=True), floats(12)),
    "half": npy(described("(3, 2)", "<f2"), floats(6, "e")),
    "double": npy(described("(3, 2)", "<f8"), floats(6, "d")),
    "double_huge": npy(described("(1,)", "<f8"), struct.pack("<d", 1e300)),
    "version_2": npy(described("(3, 2)"), floats(6), (2, 0)),
    "version_3": npy(described("(3, 2)"), floats(6), (3, 0)),
    "version_9": npy(described("(3, 2)"), floats(6), (9, 0)),
    "big_endian": npy(described("(3, 2)", ">f4"), floats(6)),
    "integers": npy(described("(3, 2)", "<i4"), floats(6)),
    "objects": npy(described("(1,)", "|O"), b"\x80\x04N."),
    "structured": npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
                      floats(1)),
    "overflow": npy(described("(4611686018427387904, 4, 4)")),
    "overflow_after_zero": npy(described("(0, 4611686018427387904, 4)")),
    "size_too_big": npy(described("(99999999999999999999,)")),
    "negative": npy(described("(-1,)"), floats(1)),
    "no_comma": npy(described("(3)"), floats(3)),
    "forty_dimensions": npy(described("(" + "1, " * 40 + ")"), floats(1)),
    "twice": npy("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,), }",
                 floats(2)),
    "missing": npy("{'descr': '<f4', 'shape': (1,), }", floats(1)),
    "expression": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1+2,), }", floats(3)),
    "open_string": npy("{'descr': '<f4"),
    "length_64k": npy(described("(1,)"), floats(1), length=65535),
    "length_4g": npy(described("(1,)"), floats(1), (2, 0), length=0xFFFFFFFF),
    "cut": npy(described("(3, 2)"), floats(5)),
    "trailing": npy(described("(3, 2)"), floats(7)),
}

FOLDER.mkdir(exist_ok=True)
for name, content in files.items():
    (FOLDER / name).write_bytes(content)
