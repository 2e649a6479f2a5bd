"""Writes the seeds in torch_pickle/: what PyTorch wrote (tests/golden/torch), and hostile pickles.

    python3 make_torch_pickle.py

Uses nothing but the standard library; the hostile ones come from Python's own pickle where it can.
"""
import os
import pathlib
import pickle
import zipfile

FOLDER = pathlib.Path(__file__).parent / "torch_pickle"
GOLDEN = pathlib.Path(__file__).parents[2] / "golden" / "torch"
FOLDER.mkdir(exist_ok=True)


def text(value):
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def tensor(elements, offset, shape, strides):
    numbers = [b"(" + b"".join(b"K" + bytes([n]) for n in values) + b"t" for values in (shape, strides)]
    return (b"ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + b"ctorch\nFloatStorage\n" +
            text("0") + text("cpu") + b"K" + bytes([elements]) + b"tQK" + bytes([offset]) +
            b"".join(numbers) + b"\x89ccollections\nOrderedDict\n)RtR")


class Runs:
    def __reduce__(self):
        return os.system, ("true",)


SEEDS = {f"{name}.pkl": zipfile.ZipFile(GOLDEN / f"{name}.pt").read(f"{name}/data.pkl")
         for name in ("hifigan_1", "hifigan_2", "hifigan_parametrized", "whole_module")}
SEEDS |= {
    "checkpoint": (GOLDEN / "hifigan_parametrized.pt").read_bytes(),
    "legacy": (GOLDEN / "legacy.pt").read_bytes(),
    "runs_2": pickle.dumps(Runs(), 2),
    "runs_4": pickle.dumps(Runs(), 4),
    "set": pickle.dumps({1, 2}, 2),
    "plain": pickle.dumps({"a": [1, 2.5, None, True, (1, 2, 3, 4)], 7: "x" * 300, "big": -(1 << 40)}, 2),
    "tensor": tensor(6, 0, [2, 3], [3, 1]) + b".",
    "beyond": tensor(6, 1, [2, 3], [3, 1]) + b".",
    "expanded": tensor(6, 0, [200, 200], [0, 0]) + b".",
    "itself": b"]q\0h\0a.",
    "far_memo": b"}r\xff\xff\xff\x7f.",
    "empty": b"",
}
for name, data in SEEDS.items():
    (FOLDER / name).write_bytes(data)
