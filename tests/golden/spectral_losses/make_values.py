#!/usr/bin/env python3
"""Values for tests/models/test_adversarial_losses_torch.cpp, in plain numpy and double precision.

Formulas: models/training/spectral_losses_torch.h. Prints what the test holds as constants.
Made with numpy 2.4 (any version gives these digits).
"""
import numpy as np

RATE_HZ = 22050
SAMPLES = 4096
RESOLUTIONS = [(1024, 120, 600), (2048, 240, 1200), (512, 50, 240)]


def magnitude(x, fft, hop, window, padding, floor, offset=0.0):
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    w = np.zeros(fft)
    left = (fft - window) // 2
    w[left : left + window] = hann
    x = np.pad(x, padding, mode="reflect")
    frames = np.stack([x[i : i + fft] * w for i in range(0, len(x) - fft + 1, hop)])
    power = np.abs(np.fft.rfft(frames)) ** 2 + offset
    return np.sqrt(np.maximum(power, floor))


def basis(bands, bins):
    """Triangles of equal width: any basis will do, and this one is written in a line anywhere."""
    centres = (np.arange(bands) + 1) * (bins - 1) / (bands + 1)
    width = (bins - 1) / (bands + 1)
    return np.maximum(0.0, 1.0 - np.abs(np.arange(bins)[None, :] - centres[:, None]) / width)


n = np.arange(SAMPLES)
x = 0.5 * np.sin(2 * np.pi * 440 * n / RATE_HZ) + 0.1 * np.cos(2 * np.pi * 3000 * n / RATE_HZ)
y = 0.4 * np.sin(2 * np.pi * 450 * n / RATE_HZ) + 0.2 * np.cos(2 * np.pi * 5000 * n / RATE_HZ)

convergence, log_magnitude = [], []
for fft, hop, window in RESOLUTIONS:
    a = magnitude(x, fft, hop, window, fft // 2, 1e-8)
    b = magnitude(y, fft, hop, window, fft // 2, 1e-8)
    convergence.append(np.linalg.norm(a - b) / np.linalg.norm(a))
    log_magnitude.append(np.mean(np.abs(np.log(a) - np.log(b))))
print("spectral convergence %.7f" % np.mean(convergence))
print("log magnitude        %.7f" % np.mean(log_magnitude))

m = basis(20, 513)
a = np.log(np.maximum(1e-5, m @ magnitude(x, 1024, 256, 1024, 384, 0.0, 1e-9).T))
b = np.log(np.maximum(1e-5, m @ magnitude(y, 1024, 256, 1024, 384, 0.0, 1e-9).T))
print("log-mel              %.7f" % np.mean(np.abs(a - b)))
