"""Writes what librosa, Kaldi and SPTK make of the signals in ../mel.

    python3 make_golden.py

Needs numpy 1.26.4, librosa 0.10.2, torch 2.11.0, torchaudio 2.11.0 and SPTK 3.9 (Debian's `sptk`, which
calls its programs as `sptk mfcc`). References compute in double precision (SPTK's programs write
float32).
"""
import pathlib
import subprocess

import librosa
import numpy as np
import torch
import torchaudio

assert np.__version__ == "1.26.4" and librosa.__version__ == "0.10.2"
assert torch.__version__.startswith("2.11.0") and torchaudio.__version__.startswith("2.11.0")

FOLDER = pathlib.Path(__file__).parent
INPUTS = FOLDER.parent / "mel"


def kaldi_mfcc(x, rate):
    """In double precision: the default type of torch decides that of its mel banks."""
    torch.set_default_dtype(torch.float64)
    wave = torch.from_numpy(x * 32768)[None]
    return torchaudio.compliance.kaldi.mfcc(wave, sample_frequency=rate, dither=0.0).numpy()


def sptk_mfcc(x, rate):
    """25 ms every 10 ms; SPTK appends c0 to c1..c12, we put it first."""
    length, hop = rate // 40, rate // 100
    frames = np.lib.stride_tricks.sliding_window_view(x * 32768, length)[::hop]
    # -e 1, -a .97, -n 20, -m 12, -c 22, Hamming and the next power of two are the defaults
    command = ["sptk", "mfcc", "-s", str(rate / 1000), "-l", str(length), "-0"]
    out = subprocess.run(command, input=frames.astype(np.float32).tobytes(), check=True,
                         capture_output=True).stdout
    mfcc = np.frombuffer(out, np.float32).reshape(-1, 13)
    return np.hstack([mfcc[:, 12:], mfcc[:, :12]])


def save(name, values):
    values = np.ascontiguousarray(values, dtype=np.float32)
    np.save(FOLDER / f"{name}.npy", values)
    print(name, values.shape, values.min(), values.max())


if __name__ == "__main__":
    for rate in (16000, 22050):
        x = np.load(INPUTS / f"input_{rate}.npy").astype(np.float64)
        save(f"mfcc_librosa_{rate}", librosa.feature.mfcc(y=x, sr=rate).T)
        save(f"mfcc_lifter_{rate}", librosa.feature.mfcc(y=x, sr=rate, n_mfcc=13, lifter=22).T)
        save(f"mfcc_kaldi_{rate}", kaldi_mfcc(x, rate))
        save(f"mfcc_sptk_{rate}", sptk_mfcc(x, rate))
        save(f"zero_crossings_{rate}", librosa.feature.zero_crossing_rate(x)[0])
        save(f"chroma_{rate}", librosa.feature.chroma_stft(y=x, sr=rate, tuning=0.0).T)
        save(f"chroma_24_{rate}", librosa.feature.chroma_stft(y=x, sr=rate, tuning=0.3, n_chroma=24,
                                                              n_fft=4096, hop_length=300).T)
        save(f"onset_{rate}", librosa.onset.onset_strength(y=x, sr=rate))
