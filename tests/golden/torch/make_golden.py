"""Writes tiny PyTorch checkpoints of generators as their projects save them, and what the networks give.

    apt-get install python3-torch   (or pip install torch numpy)
    /usr/bin/python3 make_golden.py

The modules here are written from the papers' formulas under the published names; PyTorch makes and saves
the numbers. Random weights, seeded.
"""
import json
import math
import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize, weight_norm

FOLDER = pathlib.Path(__file__).parent
MELS, FRAMES = 4, 9
BASE = {"upsample_rates": [2, 2], "upsample_kernel_sizes": [4, 4], "upsample_initial_channel": 8,
        "resblock_kernel_sizes": [3], "resblock_dilation_sizes": [[1, 3]], "num_mels": MELS,
        "n_fft": 16, "hop_size": 4, "win_size": 16, "sampling_rate": 8000, "fmin": 0, "fmax": 4000,
        "segment_size": 64, "learning_rate": 0.0002, "seed": 1234, "num_workers": 4}


def conv(inputs, outputs, taps, dilation=1, bias=True):
    return weight_norm(nn.Conv1d(inputs, outputs, taps, dilation=dilation, bias=bias,
                                 padding=(taps - 1) // 2 * dilation))


class Resblock(nn.Module):
    def __init__(self, channels, taps, dilations, kind):
        super().__init__()
        self.kind = kind
        if kind == "1":
            self.convs1 = nn.ModuleList([conv(channels, channels, taps, d) for d in dilations])
            self.convs2 = nn.ModuleList([conv(channels, channels, taps) for _ in dilations])
        else:
            self.convs = nn.ModuleList([conv(channels, channels, taps, d) for d in dilations])

    def forward(self, x):
        if self.kind == "1":
            for first, second in zip(self.convs1, self.convs2):
                x = x + second(F.leaky_relu(first(F.leaky_relu(x, 0.1)), 0.1))
        else:
            for layer in self.convs:
                x = x + layer(F.leaky_relu(x, 0.1))
        return x


class Generator(nn.Module):
    """HiFi-GAN's, of either kind of resblock."""

    def __init__(self, kind):
        super().__init__()
        channels = BASE["upsample_initial_channel"]
        self.conv_pre = conv(MELS, channels, 7)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        for rate, taps in zip(BASE["upsample_rates"], BASE["upsample_kernel_sizes"]):
            self.ups.append(weight_norm(nn.ConvTranspose1d(
                channels, channels // 2, taps, rate, padding=(taps - rate) // 2)))
            channels //= 2
            for size, dilations in zip(BASE["resblock_kernel_sizes"], BASE["resblock_dilation_sizes"]):
                self.resblocks.append(Resblock(channels, size, dilations, kind))
        self.conv_post = conv(channels, 1, 7)

    def forward(self, x):
        x = self.conv_pre(x)
        kernels = len(BASE["resblock_kernel_sizes"])
        for i, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, 0.1))
            x = sum(block(x) for block in self.resblocks[i * kernels:(i + 1) * kernels]) / kernels
        return torch.tanh(self.conv_post(F.leaky_relu(x)))


def snake_filter():
    """12 taps, cut-off 0.25, transition 0.3, as alias_free_torch makes it."""
    attenuation = 2.285 * (6 - 1) * math.pi * 4 * 0.3 + 7.95
    beta = 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    if attenuation > 50:
        beta = 0.1102 * (attenuation - 8.7)
    window = torch.kaiser_window(12, periodic=False, beta=beta)
    taps = 2 * 0.25 * window * torch.sinc(2 * 0.25 * (torch.arange(-6, 6) + 0.5))
    return (taps / taps.sum()).view(1, 1, 12)


class AntiAliased(nn.Module):
    """BigVGAN's Activation1d around SnakeBeta with logarithmic parameters."""

    def __init__(self, channels):
        super().__init__()
        self.act = nn.Module()
        self.act.alpha = nn.Parameter(0.3 * torch.randn(channels))
        self.act.beta = nn.Parameter(0.3 * torch.randn(channels))
        self.upsample = nn.Module()
        self.upsample.register_buffer("filter", snake_filter())
        self.downsample = nn.Module()
        self.downsample.lowpass = nn.Module()
        self.downsample.lowpass.register_buffer("filter", snake_filter())

    def forward(self, x):
        channels = x.shape[1]
        taps = self.upsample.filter.expand(channels, 1, 12)
        y = 2 * F.conv_transpose1d(F.pad(x, (5, 5), mode="replicate"), taps, stride=2, groups=channels)
        y = y[..., 15:-15]
        alpha = torch.exp(self.act.alpha)[None, :, None]
        beta = torch.exp(self.act.beta)[None, :, None]
        y = y + torch.sin(y * alpha) ** 2 / (beta + 1e-9)
        return F.conv1d(F.pad(y, (5, 6), mode="replicate"), taps, stride=2, groups=channels)


class AmpBlock(nn.Module):
    def __init__(self, channels, taps, dilations):
        super().__init__()
        self.convs1 = nn.ModuleList([conv(channels, channels, taps, d) for d in dilations])
        self.convs2 = nn.ModuleList([conv(channels, channels, taps) for _ in dilations])
        self.activations = nn.ModuleList([AntiAliased(channels) for _ in range(2 * len(dilations))])

    def forward(self, x):
        for m, (first, second) in enumerate(zip(self.convs1, self.convs2)):
            x = x + second(self.activations[2 * m + 1](first(self.activations[2 * m](x))))
        return x


class BigGenerator(nn.Module):
    def __init__(self):
        super().__init__()
        channels = BASE["upsample_initial_channel"]
        self.conv_pre = conv(MELS, channels, 7)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        for rate, taps in zip(BASE["upsample_rates"], BASE["upsample_kernel_sizes"]):
            self.ups.append(nn.ModuleList([weight_norm(nn.ConvTranspose1d(
                channels, channels // 2, taps, rate, padding=(taps - rate) // 2))]))
            channels //= 2
            self.resblocks.append(AmpBlock(channels, 3, [1, 3]))
        self.activation_post = AntiAliased(channels)
        self.conv_post = conv(channels, 1, 7, bias=False)

    def forward(self, x):
        x = self.conv_pre(x)
        for up, block in zip(self.ups, self.resblocks):
            x = block(up[0](x))
        return torch.clamp(self.conv_post(self.activation_post(x)), -1, 1)


class Norm(nn.Module):
    """Weight norm as torch.nn.utils.parametrizations has it: two originals, magnitude and direction."""

    def forward(self, magnitude, direction):
        return magnitude * direction / direction.flatten(1).norm(dim=1).view(-1, 1, 1)

    def right_inverse(self, weight):
        return weight.flatten(1).norm(dim=1).view(-1, 1, 1), weight


def spread(module):
    """Larger weights than PyTorch's, so that the output is of order 0.1 and everything counts."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name.endswith("weight_g"):
                parameter.mul_(1.5)


def write(name, module, checkpoint, config):
    mel = torch.randn(1, MELS, FRAMES)
    with torch.no_grad():
        audio = module(mel)[0, 0]
    assert audio.std() > 0.02 and audio.abs().max() < 0.999, (audio.std(), audio.abs().max())
    torch.save(checkpoint, FOLDER / f"{name}.pt")
    (FOLDER / f"{name}.json").write_text(json.dumps(config))
    np.save(FOLDER / f"{name}.mel.npy", mel[0].numpy())
    np.save(FOLDER / f"{name}.audio.npy", audio.numpy())
    print(name, sum(p.numel() for p in module.parameters()), "parameters, std", float(audio.std()))


torch.manual_seed(5)
first = Generator("1")
spread(first)
write("hifigan_1", first, {"generator": first.state_dict()}, {"resblock": "1", **BASE})

# As a training run leaves it: DataParallel's names, other networks, an optimizer, counters.
second = Generator("2")
spread(second)
optimizer = torch.optim.AdamW(second.conv_post.parameters(), 0.0002)
second(torch.randn(1, MELS, FRAMES)).sum().backward()
optimizer.step()
write("hifigan_2", second,
      {"generator": {"module." + k: v for k, v in second.state_dict().items()}, "mpd": nn.Conv1d(
          1, 2, 3).state_dict(), "optim_g": optimizer.state_dict(), "steps": 70001, "epoch": 12,
       "note": "a text", "none": None, "size": torch.Size([1, 2]), "transposed": torch.arange(
           6.0).reshape(2, 3).t(), "half": torch.ones(3).half(), "big": 1 << 40, "flag": True},
      {"resblock": "2", **BASE})

# The names of the newer weight norm, a bare state dict, 64-bit numbers.
third = Generator("2")
spread(third)
third = third.double()
for part in list(third.modules()):
    if hasattr(part, "weight_g"):
        nn.utils.remove_weight_norm(part)
        parametrize.register_parametrization(part, "weight", Norm())
third.float()
write("hifigan_parametrized", third, third.state_dict(), {"resblock": "2", **BASE})

big = BigGenerator()
write("bigvgan", big, {"generator": big.state_dict()},
      {"resblock": "1", "activation": "snakebeta", "snake_logscale": True, "use_tanh_at_final": False,
       "use_bias_at_final": False, **BASE})

# What is refused: a whole module (its class would have to be run), the format before PyTorch 1.6.
torch.save(nn.Linear(1, 1), FOLDER / "whole_module.pt")
torch.save({"x": torch.ones(2)}, FOLDER / "legacy.pt", _use_new_zipfile_serialization=False)
