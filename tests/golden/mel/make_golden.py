"""Writes the inputs and what each profile's own reference makes of them.

    python3 make_golden.py

Needs numpy 1.26.4, librosa 0.10.2, PyTorch 1.13.1, torchaudio 2.0.2 (only its Python: it computes
with the PyTorch that is there) and kaldi-native-fbank 1.23.0. References compute in double
precision where they can (Kaldi's cannot), so that what a comparison shows is our own rounding.
"""
import pathlib

import kaldi_native_fbank
import librosa
import numpy as np
import torch
import torchaudio

FOLDER = pathlib.Path(__file__).parent


def signal(rate, seed, noise_level):
    """Sweep, tone out of silence, clipped tone over DC, clicks; noise below all but the silence, so
    that no band is rounding noise alone."""
    part = rate // 8
    t = np.arange(part) / rate
    noise = np.random.default_rng(seed).uniform(-1, 1, 4 * part)
    sweep = 0.5 * np.sin(2 * np.pi * (100 * t + (0.45 * rate - 100) / (2 * 0.125) * t**2))
    tone = np.where(t < 0.06, 0, 0.3 * np.sin(2 * np.pi * 440 * t))
    clipped = 0.1 + np.clip(1.5 * np.sin(2 * np.pi * 1234.5 * t), -0.8, 0.8)
    clicks = np.where(np.arange(part) % 700 == 350, 0.9, 0)
    x = np.concatenate([sweep, tone, clipped, clicks]) + noise_level * noise
    x[part:part + int(0.06 * rate)] = 0
    # An odd length: the last frames are incomplete.
    return x[:-37].astype(np.float32)


def hann_stft(x, fft, hop, center):
    return torch.stft(x, fft, hop_length=hop, win_length=fft,
                      window=torch.hann_window(fft, dtype=x.dtype), center=center,
                      pad_mode="reflect", normalized=False, onesided=True, return_complex=True)


def librosa_bank(rate, fft, mels, fmin, fmax):
    return torch.from_numpy(librosa.filters.mel(sr=rate, n_fft=fft, n_mels=mels, fmin=fmin,
                                                fmax=fmax, dtype=np.float64))


def hifigan(x, rate=22050, mels=80, fmax=8000, fft=1024, hop=256):
    """meldataset.py mel_spectrogram(): pad, stft without centring, sqrt(power + 1e-9), bank, ln."""
    pad = (fft - hop) // 2
    x = torch.nn.functional.pad(x[None, None], (pad, pad), mode="reflect")[0, 0]
    power = hann_stft(x, fft, hop, False).abs() ** 2
    mel = librosa_bank(rate, fft, mels, 0, fmax) @ torch.sqrt(power + 1e-9)
    return torch.log(torch.clamp(mel, min=1e-5))


def bigvgan(x):
    return hifigan(x, 24000, 100, None)


def tacotron2(x):
    mel = librosa_bank(22050, 1024, 80, 0, 8000) @ hann_stft(x, 1024, 256, True).abs()
    return torch.log(torch.clamp(mel, min=1e-5))


def pwg(x):
    """preprocess.py logmelfilterbank(), which is librosa throughout."""
    spectrum = np.abs(librosa.stft(x.numpy(), n_fft=1024, hop_length=256, win_length=None,
                                   window="hann", pad_mode="reflect"))
    bank = librosa.filters.mel(sr=22050, n_fft=1024, n_mels=80, fmin=80, fmax=7600)
    return np.log10(np.maximum(1e-10, bank @ spectrum))


def vocos(x):
    """MelSpectrogramFeatures: torchaudio's transform with power=1, ln of at least 1e-7."""
    transform = torchaudio.transforms.MelSpectrogram(sample_rate=24000, n_fft=1024, hop_length=256,
                                                     n_mels=100, center=True, power=1).double()
    return torch.log(torch.clip(transform(x), min=1e-7))


def librosa_db(x):
    return librosa.power_to_db(librosa.feature.melspectrogram(y=x.numpy(), sr=22050))


def kaldi(x):
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.samp_freq = 16000
    options.mel_opts.num_bins = 80
    fbank = kaldi_native_fbank.OnlineFbank(options)
    fbank.accept_waveform(16000, (x.numpy().astype(np.float32) * 32768).tolist())
    fbank.input_finished()
    return np.stack([fbank.get_frame(i) for i in range(fbank.num_frames_ready)]).T


REFERENCES = {"hifigan": (hifigan, 22050), "bigvgan": (bigvgan, 24000),
              "tacotron2": (tacotron2, 22050), "pwg": (pwg, 22050), "vocos": (vocos, 24000),
              "librosa": (librosa_db, 22050), "kaldi": (kaldi, 16000)}

if __name__ == "__main__":
    # Kaldi computes in float and its first bands lie 120 dB below a sweep's: at -60 dB its own
    # rounding would be 0.02 of its answer.
    levels = {16000: 3e-2, 22050: 1e-3, 24000: 1e-3}
    inputs = {rate: signal(rate, seed, level) for seed, (rate, level) in enumerate(levels.items())}
    for rate, x in inputs.items():
        np.save(FOLDER / f"input_{rate}.npy", x)
    for name, (reference, rate) in REFERENCES.items():
        mel = np.asarray(reference(torch.from_numpy(inputs[rate].astype(np.float64))))
        np.save(FOLDER / f"{name}.npy", np.ascontiguousarray(mel, dtype=np.float32))
        print(name, mel.dtype, mel.shape, mel.min(), mel.max())
    for scale, norm in (("slaney", "slaney"), ("htk", None)):
        bank = librosa.filters.mel(sr=16000, n_fft=256, n_mels=20, fmin=50, fmax=7000,
                                   htk=scale == "htk", norm=norm)
        np.save(FOLDER / f"bank_{scale}.npy", bank.astype(np.float32))
