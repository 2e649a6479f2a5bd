"""Writes tiny WaveNet checkpoints as wavenet_vocoder and nv-wavenet save them, and their last outputs.

    /usr/bin/python3 make_wavenets.py

The networks are written here from their formulas under the published names; teacher-forced on random
samples, frames held for a hop. <name>.samples.npy (T), .frames.npy (frames, bands), .outputs.npy (T, O).
Of some also what they play by themselves, .greedy.npy. PyTorch 1.13.0, numpy 1.24.2.
"""
import json
import math
import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn.utils import weight_norm

FOLDER = pathlib.Path(__file__).parent
HOP, FRAMES, BANDS, CLASSES = 8, 7, 3, 256
T = HOP * FRAMES
R, G, S, A = 4, 3, 5, 6


def causal(layer, x, dilation):
    return layer(nn.functional.pad(x, ((layer.kernel_size[0] - 1) * dilation, 0)))


def gate(x):
    a, b = x.chunk(2, dim=1)
    return torch.tanh(a) * torch.sigmoid(b)


class R9y9Layer(nn.Module):
    def __init__(self, dilation, taps):
        super().__init__()
        self.dilation = dilation
        self.conv = weight_norm(nn.Conv1d(R, 2 * G, taps, dilation=dilation))
        self.conv1x1c = weight_norm(nn.Conv1d(BANDS, 2 * G, 1))
        self.conv1x1_out = weight_norm(nn.Conv1d(G, R, 1))
        self.conv1x1_skip = weight_norm(nn.Conv1d(G, S, 1))

    def forward(self, x, c):
        z = gate(causal(self.conv, x, self.dilation) + self.conv1x1c(c))
        return (x + self.conv1x1_out(z)) * math.sqrt(0.5), self.conv1x1_skip(z)


class Stretch(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def forward(self, x):
        return x.repeat_interleave(self.scale, dim=3)


class Upsample(nn.Module):
    """wavenet_vocoder's: over (1, bands, time), a stretch and a smoothing convolution a stage."""

    def __init__(self, scales, bands, slope):
        super().__init__()
        self.up_layers = nn.ModuleList()
        for scale in scales:
            self.up_layers.append(Stretch(scale))
            self.up_layers.append(weight_norm(nn.Conv2d(
                1, 1, (bands, 2 * scale + 1), padding=((bands - 1) // 2, scale), bias=False)))
            if slope is not None:
                self.up_layers.append(nn.LeakyReLU(slope))

    def forward(self, c):
        c = c.unsqueeze(1)
        for layer in self.up_layers:
            c = layer(c)
        return c.squeeze(1)


class ConvInUpsample(nn.Module):
    def __init__(self, scales, pad):
        super().__init__()
        self.pad = pad
        self.conv_in = nn.Conv1d(BANDS, BANDS, 2 * pad + 1, bias=False)
        self.upsample = Upsample(scales, 1, None)

    def forward(self, c):
        return self.upsample(self.conv_in(nn.functional.pad(c, (self.pad, self.pad), mode="replicate")))


class R9y9(nn.Module):
    def __init__(self, inputs, outputs, taps, legacy, upsample_net=None):
        super().__init__()
        if upsample_net is not None:
            self.upsample_net = upsample_net
        self.legacy = legacy
        self.first_conv = weight_norm(nn.Conv1d(inputs, R, 1))
        self.conv_layers = nn.ModuleList([R9y9Layer(2 ** (i % 3), taps) for i in range(6)])
        self.last_conv_layers = nn.ModuleList([
            nn.ReLU(), weight_norm(nn.Conv1d(S, S, 1)), nn.ReLU(), weight_norm(nn.Conv1d(S, outputs, 1))])

    def forward(self, x, c):
        x, skips = self.first_conv(x), None
        for layer in self.conv_layers:
            x, skip = layer(x, c)
            if self.legacy:
                skips = skip if skips is None else (skips + skip) * math.sqrt(0.5)
            else:
                skips = skip if skips is None else skips + skip
        if not self.legacy:
            skips = skips * math.sqrt(1 / len(self.conv_layers))
        for layer in self.last_conv_layers:
            skips = layer(skips)
        return skips


class Conv(nn.Module):
    def __init__(self, inputs, outputs, taps=1, dilation=1, bias=True):
        super().__init__()
        self.dilation = dilation
        self.conv = nn.Conv1d(inputs, outputs, taps, dilation=dilation, bias=bias)

    def forward(self, x):
        return causal(self.conv, x, self.dilation)


class Nvidia(nn.Module):
    """Two residual channels as many as gates, as nv-wavenet has it."""

    def __init__(self, layers=4, window=HOP):
        super().__init__()
        self.upsample = nn.ConvTranspose1d(BANDS, BANDS, window, HOP)
        if window == HOP:
            with torch.no_grad():  # holds a frame, through a matrix: what a step plan can fold
                self.upsample.weight.copy_(torch.randn(BANDS, BANDS, 1).expand(BANDS, BANDS, HOP))
        self.cond_layers = Conv(BANDS, 2 * R * layers)
        self.dilate_layers = nn.ModuleList([Conv(R, 2 * R, 2, 2 ** (i % 3)) for i in range(layers)])
        self.res_layers = nn.ModuleList([Conv(R, R) for _ in range(layers - 1)])
        self.skip_layers = nn.ModuleList([Conv(R, S) for _ in range(layers)])
        self.embed = nn.Embedding(CLASSES, R)
        self.conv_out = Conv(S, A, bias=False)
        self.conv_end = Conv(A, CLASSES, bias=False)

    def forward(self, classes, frames):
        c = self.cond_layers(self.upsample(frames)[:, :, :T]).view(1, len(self.dilate_layers), 2 * R, T)
        x, skips = self.embed(classes).transpose(1, 2), 0
        for i, layer in enumerate(self.dilate_layers):
            z = gate(layer(x) + c[:, i])
            if i < len(self.res_layers):
                x = x + self.res_layers[i](z)
            skips = skips + self.skip_layers[i](z)
        return self.conv_end(torch.relu(self.conv_out(torch.relu(skips))))


def louder(module):
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if "bias" not in name:
                parameter.mul_(2)


def decode(classes):
    y = 2 * classes.double() / (CLASSES - 1) - 1
    return (torch.sign(y) * (CLASSES ** y.abs() - 1) / (CLASSES - 1)).float()


def write(name, checkpoint, config, samples, frames, outputs):
    assert outputs.std() > 0.1, outputs.std()
    torch.save(checkpoint, FOLDER / f"{name}.pt")
    (FOLDER / f"{name}.json").write_text(json.dumps(config))
    for what, values in (("samples", samples), ("frames", frames[0].t()), ("outputs", outputs[0].t())):
        np.save(FOLDER / f"{name}.{what}.npy", values.detach().contiguous().numpy().astype(np.float32))
    print(name, "std of outputs", float(outputs.std()))


def write_greedy(name, outputs_of):
    """What the network plays when it always takes its likeliest class: <name>.greedy.npy (T)."""
    classes = torch.full((T,), 128)
    for t in range(T):
        before = torch.cat([torch.tensor([128]), classes[:-1]])
        best = torch.topk(outputs_of(before)[0, :, t], 2).values
        assert best[0] - best[1] > 4e-5, float(best[0] - best[1])  # twice the tests' tolerance
        classes[t] = torch.argmax(outputs_of(before)[0, :, t])
    assert len(set(classes.tolist())) > 2, set(classes.tolist())
    np.save(FOLDER / f"{name}.greedy.npy", decode(classes).numpy())


def wavenet_vocoder(name, taps, legacy, classes, upsample_net=None, more=None):
    net = R9y9(CLASSES if classes else 1, CLASSES if classes else 6, taps, legacy, upsample_net)
    louder(net)
    frames = torch.randn(1, BANDS, FRAMES)
    if classes:
        index = torch.randint(0, CLASSES, (T,))
        samples = decode(index)
        # The sample before the first is silence: class 128.
        before = torch.cat([torch.tensor([128]), index[:-1]])
        x = nn.functional.one_hot(before, CLASSES).t().float()[None]
    else:
        samples = torch.rand(T) * 2 - 1
        x = torch.cat([torch.zeros(1), samples[:-1]])[None, None]
    rows = frames.repeat_interleave(HOP, dim=2) if upsample_net is None else upsample_net(frames)
    assert rows.shape == (1, BANDS, T)
    outputs = net(x, rows)
    config = {"name": "wavenet_vocoder", "input_type": "mulaw-quantize" if classes else "raw",
              "sample_rate": 8000, "num_mels": BANDS, "fmin": 125, "fmax": 3800, "fft_size": 32,
              "hop_size": HOP, "layers": 6, "stacks": 2, "log_scale_min": -16.0,
              "upsample_conditional_features": upsample_net is not None,
              **({"legacy": True} if legacy else {}), **(more or {})}
    if upsample_net is not None and classes:
        write_greedy(name, lambda b: net(nn.functional.one_hot(b, CLASSES).t().float()[None], rows))
    write(name, {"state_dict": net.state_dict(), "optimizer": {}, "global_step": 1000,
                 "global_epoch": 3}, config, samples, frames, outputs)


assert torch.__version__.startswith("1.13.0"), torch.__version__
assert np.__version__ == "1.24.2", np.__version__
torch.manual_seed(3)
wavenet_vocoder("r9y9_mixture", 3, False, False)
wavenet_vocoder("r9y9_classes", 2, True, True)


def nv_wavenet(name, window):
    net = Nvidia(window=window)
    louder(net)
    index = torch.randint(0, CLASSES, (1, T))
    frames = torch.randn(1, BANDS, FRAMES)
    before = torch.cat([torch.full((1, 1), 128), index[:, :-1]], dim=1)
    if window == HOP:  # the other one comes to a draw between classes
        write_greedy(name, lambda b: net(b[None], frames))
    write(name, net.state_dict(),
          {"train_config": {"epochs": 1}, "data_config": {
              "mu_quantization": 256, "filter_length": 32, "hop_length": HOP, "win_length": 32,
              "sampling_rate": 8000}, "wavenet_config": {
                  "n_in_channels": 256, "n_layers": 4, "max_dilation": 4, "n_cond_channels": BANDS,
                  "upsamp_window": window, "upsamp_stride": HOP}},
          decode(index[0]), frames, net(before, frames))


nv_wavenet("nv_wavenet", HOP)
# Later ones below, so that the files above stay as they are.
wavenet_vocoder("r9y9_conv_in", 3, False, False, ConvInUpsample([2, 4], 2), {
    "cin_pad": 2, "upsample_net": "ConvInUpsampleNetwork", "upsample_params": {
        "upsample_scales": [2, 4]}})
wavenet_vocoder("r9y9_upsampled", 2, False, True, Upsample([4, 2], 3, 0.4), {
    "cin_pad": 0, "upsample_net": "UpsampleNetwork", "upsample_params": {
        "upsample_activation": "LeakyReLU", "upsample_activation_params": {"negative_slope": 0.4},
        "upsample_scales": [4, 2], "freq_axis_kernel_size": 3}})
nv_wavenet("nv_wavenet_learned", 20)
