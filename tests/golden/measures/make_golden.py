"""Writes inputs and what pystoi and scipy say of them.

    python3 make_golden.py [--speech FOLDER]

Needs numpy 2.4.6, scipy 1.17.1, pystoi 0.4.1 and soundfile 0.14.0. With --speech (the folder of the
LJSpeech clips) it also writes speech_values.txt; the clips are not copied.
"""
import argparse
import importlib.metadata
import pathlib

import numpy as np
import pystoi
import scipy.linalg
import scipy.signal
import soundfile

FOLDER = pathlib.Path(__file__).parent
VERSIONS = {"numpy": "2.4.6", "scipy": "1.17.1", "pystoi": "0.4.1", "soundfile": "0.14.0"}


def babble(rate, seconds, seed):
    """Syllables: harmonics of a wandering pitch under a wandering resonance, with pauses."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * rate)) / rate
    f0 = 130 * 2 ** (0.4 * np.sin(2 * np.pi * 0.9 * t + 1))
    phase = 2 * np.pi * np.cumsum(f0) / rate
    centre = 900 * 2 ** np.sin(2 * np.pi * 2.3 * t)
    x = sum(np.where(h * f0 < 0.45 * rate, 1 / (1 + ((h * f0 - centre) / 300) ** 2) + 0.02, 0)
            * np.sin(h * phase) for h in range(1, 36))
    syllables = np.maximum(0, np.sin(2 * np.pi * 3.1 * t)) ** 0.5
    return 0.15 * x * syllables + 1e-4 * rng.normal(size=len(t))


def frechet(a, b):
    """The usual formula, in double precision."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    root = scipy.linalg.sqrtm(np.cov(a.T) @ np.cov(b.T))
    return (np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(np.cov(a.T)) + np.trace(np.cov(b.T))
            - 2 * np.trace(np.real(root)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--speech")
    arguments = parser.parse_args()
    for package, version in VERSIONS.items():
        assert importlib.metadata.version(package) == version, package

    lines = []
    for rate in (11025, 16000):
        clean = babble(rate, 1.3, 1)
        rng = np.random.default_rng(2)
        noisy = clean + 0.03 * rng.normal(size=len(clean))
        noisy = scipy.signal.lfilter([0.6, 0.3, 0.1], [1], noisy)
        pair = []
        for name, x in (("clean", clean), ("noisy", noisy)):
            x = np.round(np.clip(x, -0.99, 0.99) * 32768).astype(np.int16)
            soundfile.write(FOLDER / f"{name}_{rate}.wav", x, rate, subtype="PCM_16")
            pair.append(x / 32768)
        for extended, key in ((False, "stoi"), (True, "estoi")):
            lines.append(f"{rate}.{key} {pystoi.stoi(*pair, rate, extended)!r}")

    rng = np.random.default_rng(3)
    mix = rng.normal(size=(12, 12))
    a = (rng.normal(size=(80, 12)) @ mix).astype(np.float32)
    b = (rng.normal(size=(60, 12)) @ (mix + 0.3 * rng.normal(size=(12, 12))) + 0.5).astype(np.float32)
    np.save(FOLDER / "embeddings_a.npy", a)
    np.save(FOLDER / "embeddings_b.npy", b)
    lines.append(f"frechet {float(frechet(a, b))!r}")
    lines = [line.replace("np.float64(", "").replace(")", "") for line in lines]
    (FOLDER / "values.txt").write_text("\n".join(lines) + "\n")

    if arguments.speech:
        lines = []
        for clip in ("LJ050-0029", "LJ050-0030"):
            raw = soundfile.read(f"{arguments.speech}/{clip}_raw.wav")[0]
            for system in ("hifigan", "melgan"):
                x = soundfile.read(f"{arguments.speech}/{clip}_{system}.wav")[0][:len(raw)]
                for extended, key in ((False, "stoi"), (True, "estoi")):
                    value = float(pystoi.stoi(raw, x, 22050, extended))
                    lines.append(f"{clip}_{system}.{key} {value!r}")
        (FOLDER / "speech_values.txt").write_text("\n".join(lines) + "\n")


main()
