"""Writes what SPTK makes of the signals in ../mel.

    python3 make_golden.py

Needs numpy 1.26.4, pysptk 1.0.1 and SPTK 3.9 (Debian's `sptk`, which calls its programs as
`sptk mcep`). SPTK's programs write float32.
"""
import importlib.metadata
import pathlib
import subprocess

import numpy as np
import pysptk

assert np.__version__ == "1.26.4"
assert importlib.metadata.version("pysptk") == "1.0.1"

FOLDER = pathlib.Path(__file__).parent
INPUTS = FOLDER.parent / "mel"


def frames_of(x, length, hop):
    return np.lib.stride_tricks.sliding_window_view(x, length)[::hop]


def sptk(program, values, *options):
    command = ["sptk", program, *map(str, options)]
    out = subprocess.run(command, input=values.astype(np.float32).tobytes(), check=True,
                         capture_output=True).stdout
    return np.frombuffer(out, np.float32)


def mcep(x, order, alpha, length, fft, hop, *options):
    """frame | window | mcep: Blackman, power-normalised."""
    windowed = sptk("window", frames_of(x, length, hop), "-l", length, "-L", fft)
    return sptk("mcep", windowed, "-l", fft, "-m", order, "-a", alpha,
                *options).reshape(-1, order + 1)


def espnet(x, order, alpha):
    """utils: evaluate_mcd.py sptk_extract() of ESPnet2: int16 scale, Hamming 1024/256, eps 1e-6."""
    window = pysptk.sptk.hamming(1024)
    return np.stack([pysptk.mcep(frame * 32768 * window, order, alpha, eps=1e-6, etype=1)
                     for frame in frames_of(x, 1024, 256)])


def save(name, values, dtype):
    np.save(FOLDER / f"{name}.npy", np.ascontiguousarray(values, dtype=dtype))
    print(name, values.shape, values.min(), values.max())


if __name__ == "__main__":
    x16, x22 = (np.load(INPUTS / f"input_{rate}.npy").astype(np.float64) for rate in (16000, 22050))
    x16, x22 = x16[:4000], x22[:6000]
    save("mcep_16000", mcep(x16 * 32768, 24, 0.42, 400, 512, 80, "-e", 1e-3), np.float32)
    save("mcep_22050", mcep(x22 * 32768, 34, 0.45, 1024, 1024, 110, "-e", 1e-3), np.float32)
    save("mcep_floor", mcep(x22[:2700], 24, 0.455, 800, 1024, 220, "-E", -60), np.float32)
    save("mcep_start", mcep(x22, 13, 0.65, 1024, 1024, 256, "-e", 1e-8, "-j", 0, "-i", 0),
         np.float32)
    save("espnet", espnet(x22, 34, 0.45), np.float64)

    # A smooth spectrum and a periodogram, both without zeros.
    power = np.abs(np.fft.rfft(x22[:1024] * pysptk.sptk.blackman(1024)))**2 + 1e-6
    mc = pysptk.sp2mc(power, 39, 0.466)
    save("power", power, np.float64)
    save("sp2mc", mc, np.float64)
    save("mc2sp", pysptk.mc2sp(mc, 0.466, 1024), np.float64)
    save("freqt", pysptk.freqt(mc, 20, -0.3), np.float64)
    for name in ("blackman", "hamming", "hanning"):
        save(f"window_{name}", getattr(pysptk.sptk, name)(25), np.float64)
