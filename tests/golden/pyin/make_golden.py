"""Writes signals of our own and librosa's pYIN tracks of them, and of speech where it is at hand.

    python3 make_golden.py [FOLDER_OF_SHARED_DATA]

Needs the versions below exactly. librosa is given float64, so that what a comparison shows is our
own rounding. Signals are float32; tracks float64, rows of Hz (0 where unvoiced), voiced flag, voiced
probability.
"""
import pathlib
import sys

import librosa
import numpy as np
import scipy
import soundfile

assert (np.__version__, scipy.__version__, librosa.__version__) == ("2.4.6", "1.17.1", "0.11.0")

FOLDER = pathlib.Path(__file__).parent
RATE = 16000


def signals():
    rng = np.random.default_rng(3)
    t = np.arange(int(0.9 * RATE)) / RATE
    yield "sweep", 0.5 * np.sin(2 * np.pi * 100 * (2 ** (3 * t / 0.9) - 1) * 0.9 / (3 * np.log(2)))
    phase = 2 * np.pi * np.cumsum(300 * 2 ** (0.5 / 12 * np.sin(2 * np.pi * 5.5 * t))) / RATE
    vibrato = sum(np.sin(h * phase) / h for h in range(1, 8))
    yield "vibrato", 0.2 * vibrato
    yield "silence_to_tone", np.where(t < 0.4, 0, 0.3 * np.sin(2 * np.pi * 440 * t))
    yield "noise", 0.3 * rng.uniform(-1, 1, len(t))
    pulses = np.zeros(len(t))
    pulses[::RATE // 80] = 0.9  # 80 Hz
    yield "pulses", pulses
    yield "noisy_tone", 0.3 * np.sin(2 * np.pi * 180 * t) * (t % 0.3 < 0.2) + 0.02 * rng.normal(
        size=len(t))


def track(x, rate, **options):
    f0, voiced, probability = librosa.pyin(x.astype(np.float64), fmin=librosa.note_to_hz("C2"),
                                           fmax=librosa.note_to_hz("C7"), sr=rate, fill_na=0.0,
                                           **options)
    return np.stack([f0, voiced.astype(np.float64), probability])


def yin(x, rate, **options):
    return librosa.yin(x.astype(np.float64), fmin=librosa.note_to_hz("C2"),
                       fmax=librosa.note_to_hz("C7"), sr=rate, **options)


def main():
    for name, x in signals():
        x = x.astype(np.float32)
        np.save(FOLDER / f"{name}.npy", x)
        np.save(FOLDER / f"{name}.track.npy", track(x, RATE))
        np.save(FOLDER / f"{name}.yin.npy", yin(x, RATE, frame_length=2048, hop_length=512))
    np.save(FOLDER / "vibrato.hop160.npy",
            track(np.load(FOLDER / "vibrato.npy"), RATE, frame_length=1024, hop_length=160))
    if len(sys.argv) > 1:
        for file in sorted(pathlib.Path(sys.argv[1], "speech").glob("*.wav")):
            x, rate = soundfile.read(file, dtype="float32")
            np.save(FOLDER / f"speech.{file.stem}.npy", track(x, rate, frame_length=2048,
                                                              hop_length=512))


main()
