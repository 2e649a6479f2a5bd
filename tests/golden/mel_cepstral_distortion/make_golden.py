"""Writes pairs of sounds and what five tools say of their mel-cepstral distortion.

    python3 make_golden.py --versa FOLDER [--speech FOLDER]

Needs numpy 2.4.6, scipy 1.17.1, librosa 0.11.0, soundfile 0.14.0, pysptk 1.0.1 (SPTK 3's code),
pyworld 0.3.5, fastdtw 0.3.4, pymcd 0.2.1 and mel-cepstral-distance 0.0.4. VERSA is no package one
can install for one file: FOLDER holds versa/sequence_metrics/mcd_f0.py of shinjiwlab/versa at
3b878748, which is run as it is. ESPnet's evaluate_mcd.py is a program over folders; its analysis
(pysptk.mcep over Hamming windows of 1024/256, int16) and its distance are written out below.

With --speech (the folder of the LJSpeech clips) it also writes speech_values.txt; the clips are not
copied.
"""
import argparse
import importlib.metadata
import pathlib
import sys
import tempfile

import librosa
import mel_cepstral_distance
import numpy as np
import pymcd.mcd
import pysptk
import pyworld
import scipy.signal
import scipy.spatial
import soundfile
from fastdtw import fastdtw

FOLDER = pathlib.Path(__file__).parent
VERSIONS = {"numpy": "2.4.6", "scipy": "1.17.1", "librosa": "0.11.0", "soundfile": "0.14.0",
            "pysptk": "1.0.1", "pyworld": "0.3.5", "fastdtw": "0.3.4", "pymcd": "0.2.1",
            "mel-cepstral-distance": "0.0.4"}
ESPNET = {16000: (23, 0.42), 22050: (34, 0.45), 24000: (34, 0.46), 44100: (39, 0.53),
          48000: (39, 0.55)}


def vowels(rate, seconds, base_hz, noise, seed, tempo=1.0):
    """A sung glide through three vowels: harmonics under moving resonances, breath noise, a rest."""
    t = np.arange(int(seconds * rate)) / rate
    f0 = base_hz * 2 ** (0.3 * np.sin(2 * np.pi * 1.3 * tempo * t))
    phase = 2 * np.pi * np.cumsum(f0) / rate
    centres = np.array([[700, 1200, 2600], [300, 2300, 3000], [350, 800, 2400]])
    at = np.clip(t * tempo / seconds * 2, 0, 2 - 1e-9)
    i, f = at.astype(int), (at % 1)[:, None]
    formants = centres[i] * (1 - f) + centres[i + 1] * f
    x = np.zeros_like(t)
    for h in range(1, 60):
        hz = h * f0
        gain = sum(1 / (1 + ((hz - formants[:, k]) / (60 + 0.06 * formants[:, k])) ** 2)
                   for k in range(3))
        x += np.where(hz < 0.45 * rate, gain + 0.003, 0) / np.sqrt(h) * np.sin(h * phase)
    envelope = np.clip(np.minimum(t / 0.02, (seconds - t) / 0.05), 0, 1)
    envelope[int(0.55 * len(t)):int(0.62 * len(t))] *= 0.01
    x = 0.2 * envelope * x + noise * np.random.default_rng(seed).normal(size=len(t))
    return np.round(np.clip(x, -0.99, 0.99) * 32768) / 32768  # exact in 16 bits


def pair(rate):
    """The generated one is longer, faster, a little sharp, duller and noisier, and late."""
    reference = vowels(rate, 0.42, 140, 0.001, 1)
    generated = vowels(rate, 0.45, 143, 0.003, 2, 1.08)
    generated = scipy.signal.lfilter([0.75, 0.2], [1], generated)
    return reference, np.round(generated * 32768) / 32768


def espnet(reference, generated, rate):
    order, alpha = ESPNET[rate]
    window = pysptk.sptk.hamming(1024)

    def analyze(x):
        x = np.round(x * 32768).astype(np.int16)
        return np.stack([pysptk.mcep(x[256 * i:256 * i + 1024] * window, order, alpha, eps=1e-6,
                                     etype=1) for i in range((len(x) - 1024) // 256 + 1)])

    a, b = analyze(generated), analyze(reference)
    _, path = fastdtw(a, b, dist=scipy.spatial.distance.euclidean)
    i, j = np.array(path).T
    return np.mean(10 / np.log(10) * np.sqrt(2 * np.sum((a[i] - b[j]) ** 2, 1))), len(path)


def write(path, x, rate):
    soundfile.write(path, np.round(x * 32768).astype(np.int16), rate, subtype="PCM_16")


def values(name, reference, generated, rate, versa, lines):
    """All tools on one pair of mono sounds with values of 16 bits."""
    def put(key, *numbers):
        lines.append(" ".join([name + "." + key] + [repr(float(v)) for v in numbers]))

    if rate in ESPNET:
        put("espnet", *espnet(reference, generated, rate))
    with tempfile.TemporaryDirectory() as folder:
        r, g = str(pathlib.Path(folder) / "r.wav"), str(pathlib.Path(folder) / "g.wav")
        write(r, reference, rate)
        write(g, generated, rate)
        put("kubichek", *mel_cepstral_distance.compare_audio_files(r, g))
        if rate == 22050:
            for mode in ("plain", "dtw", "dtw_sl"):
                put("pymcd_" + mode, pymcd.mcd.Calculate_MCD(mode).calculate_mcd(r, g))
    for mode, dtw in (("plain", False), ("dtw", True)):
        put("versa_" + mode, versa.mcd_f0(generated, reference, rate, 40, 800, dtw=dtw)["mcd"])


def envelopes(reference, generated, versa):
    """What the two tools that need WORLD see of the 22.05 kHz pair, float32 (T, K)."""
    np.save(FOLDER / "versa_reference.npy",
            versa.world_extract(reference, 22050, 40, 800)["sp"].astype(np.float32))
    np.save(FOLDER / "versa_generated.npy",
            versa.world_extract(generated, 22050, 40, 800)["sp"].astype(np.float32))
    length = max(len(reference), len(generated))
    for name, x in (("reference", reference), ("generated", generated)):
        for kind, y in (("", x), ("_padded", np.pad(x, (0, length - len(x))))):
            y = y.astype(np.float32).astype(np.double)
            sp = pyworld.wav2world(y, fs=22050, frame_period=5.0, fft_size=512)[1]
            if kind == "" or len(x) < length:
                np.save(FOLDER / f"pymcd_{name}{kind}.npy", sp.astype(np.float32))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--versa", required=True)
    parser.add_argument("--speech")
    arguments = parser.parse_args()
    for package, version in VERSIONS.items():
        assert importlib.metadata.version(package) == version, package
    sys.path.insert(0, arguments.versa)
    import mcd_f0 as versa

    lines = []
    for rate in (16000, 22050, 48000):
        reference, generated = pair(rate)
        write(FOLDER / f"reference_{rate}.wav", reference, rate)
        write(FOLDER / f"generated_{rate}.wav", generated, rate)
        values(str(rate), reference, generated, rate, versa, lines)
        if rate == 22050:
            envelopes(reference, generated, versa)
    (FOLDER / "values.txt").write_text("\n".join(lines) + "\n")

    if arguments.speech:
        lines = []
        for clip in ("LJ050-0029", "LJ050-0030"):
            sounds = {s: soundfile.read(f"{arguments.speech}/{clip}_{s}.wav")[0]
                      for s in ("raw", "hifigan", "melgan")}
            for s in ("hifigan", "melgan"):
                values(clip + "_" + s, sounds["raw"], sounds[s], 22050, versa, lines)
        (FOLDER / "speech_values.txt").write_text("\n".join(lines) + "\n")


main()
