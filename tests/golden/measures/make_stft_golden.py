"""Writes what auraloss says of the pairs of ../mel_cepstral_distortion.

    python3 make_stft_golden.py

Needs auraloss 0.4.0, PyTorch 1.13 (Debian 12), numpy and soundfile. The pairs are cut to their common length.
Lines: rate.name value. `mrstft` is MultiResolutionSTFTLoss()(generated, reference); sc, log and lin
are the parts of its first resolution; lsd_db is the root mean square over bins of the difference in
dB, mean over frames, of the same clamped magnitudes in double precision.
"""
import importlib.metadata
import pathlib

import auraloss
import numpy as np
import soundfile
import torch

FOLDER = pathlib.Path(__file__).parent
PAIRS = FOLDER.parent / "mel_cepstral_distortion"


def magnitudes(x):
    spectrum = torch.stft(torch.from_numpy(x), 1024, 120, 600,
                          torch.hann_window(600, dtype=torch.float64), return_complex=True)
    return torch.sqrt(torch.clamp(spectrum.abs() ** 2, min=1e-8)).numpy()


def main():
    assert importlib.metadata.version("auraloss") == "0.4.0"
    assert torch.__version__.startswith("1.13."), torch.__version__  # Debian: 1.13.0a0
    lines = []
    for rate in (16000, 22050, 48000):
        r, g = (soundfile.read(PAIRS / f"{name}_{rate}.wav")[0] for name in ("reference", "generated"))
        r, g = r[:min(len(r), len(g))], g[:min(len(r), len(g))]
        rt, gt = (torch.from_numpy(x.astype(np.float32))[None, None] for x in (r, g))
        lines.append(f"{rate}.mrstft {float(auraloss.freq.MultiResolutionSTFTLoss()(gt, rt))!r}")
        full = auraloss.freq.STFTLoss(1024, 120, 600, w_lin_mag=1.0, output="full")(gt, rt)
        for key, value in zip(("sc", "log", "lin"), full[1:4]):
            lines.append(f"{rate}.{key} {float(value)!r}")
        difference = 20 * np.log10(magnitudes(g) / magnitudes(r))
        lines.append(f"{rate}.lsd_db {float(np.sqrt((difference ** 2).mean(0)).mean())!r}")
    (FOLDER / "stft_values.txt").write_text("\n".join(lines) + "\n")


main()
