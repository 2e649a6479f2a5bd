"""Writes small .nam captures with random weights and what they make of a signal, in float64.

    pip install numpy
    python make_golden.py

The captures are computed here a sample at a time from the formulas, with code that shares nothing with
Ondes: lstm.nam (two layers, states that do not start at zero) and gated.nam (two WaveNet arrays: gated,
other activations, a bottleneck, kernels that differ, a head with taps). Both hear silence first, as
NeuralAmpModelerCore has it: half a second (LSTM), the receptive field (WaveNet).
"""
import json
import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).parent
RATE = 48000
SAMPLES = 600


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


ACTIVATIONS = {
    "Tanh": np.tanh,
    "Sigmoid": sigmoid,
    "ReLU": lambda x: np.maximum(x, 0),
    "SiLU": lambda x: x * sigmoid(x),
    "Hardtanh": lambda x: np.clip(x, -1, 1),
    "LeakyReLU": lambda x: np.where(x > 0, x, 0.01 * x),
    "LeakyReLU 0.2": lambda x: np.where(x > 0, x, 0.2 * x),
}


def rounded(values):
    """Random numbers that a float holds exactly and JSON writes shortly."""
    return np.round(np.asarray(values) * 4096) / 4096


class Weights:
    """Hands out random numbers and remembers them in order: the file's list."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.list = []

    def take(self, *shape, scale=0.5):
        values = rounded(self.random.normal(size=shape) * scale)
        self.list += values.ravel().tolist()
        return values


def lstm(x, config, weights):
    hidden = config["hidden_size"]
    layers = []
    for layer in range(config["num_layers"]):
        inputs = 1 if layer == 0 else hidden
        layers.append([weights.take(4 * hidden, inputs + hidden, scale=1.5),
                       weights.take(4 * hidden),
                       weights.take(hidden), weights.take(hidden)])
    head, bias = weights.take(hidden), weights.take(1)
    out = []
    for sample in np.concatenate([np.zeros(RATE // 2), x]):
        signal = np.array([sample])
        for state in layers:
            matrix, b, h, c = state
            i, f, g, o = np.split(matrix @ np.concatenate([signal, h]) + b, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            signal = sigmoid(o) * np.tanh(c)
            state[2:] = [signal, c]
        out.append(head @ signal + bias[0])
    return np.array(out)[RATE // 2:]


def causal(x, weight, bias, dilation=1):
    """x (frames, inputs), weight (outputs, inputs, taps); zeros before the first frame."""
    taps = weight.shape[2]
    padded = np.concatenate([np.zeros(((taps - 1) * dilation, x.shape[1])), x])
    y = sum(padded[k * dilation:k * dilation + len(x)] @ weight[:, :, k].T for k in range(taps))
    return y if bias is None else y + bias


def wavenet(signal, config, weights):
    silence = 4096  # more than the receptive field
    c = np.concatenate([np.zeros(silence), signal])[:, None]
    x, head = c, None
    for array in config["layers"]:
        channels = array["channels"]
        bottleneck = array.get("bottleneck", channels)
        layers = len(array["dilations"])
        kernels = array.get("kernel_sizes") or [array["kernel_size"]] * layers
        activations = array["activation"]
        activations = activations if isinstance(activations, list) else [activations] * layers
        modes = array.get("gating_mode", "gated" if array.get("gated") else "none")
        modes = modes if isinstance(modes, list) else [modes] * layers
        x = causal(x, weights.take(channels, array["input_size"], 1), None)
        total = 0 if head is None else head
        for dilation, taps, activation, mode in zip(array["dilations"], kernels, activations, modes):
            name = activation if isinstance(activation, str) else "%s %g" % (
                activation["type"], activation["negative_slope"])
            outputs = bottleneck * (2 if mode == "gated" else 1)
            z = causal(x, weights.take(outputs, channels, taps), weights.take(outputs), dilation)
            z = z + causal(c, weights.take(outputs, 1, 1), None)
            if mode == "gated":
                z = ACTIVATIONS[name](z[:, :bottleneck]) * sigmoid(z[:, bottleneck:])
            else:
                z = ACTIVATIONS[name](z)
            total = total + z
            x = x + causal(z, weights.take(channels, bottleneck, 1), weights.take(channels))
        if "head" in array:
            shape = array["head"]["out_channels"], array["head"]["kernel_size"]
            has_bias = array["head"]["bias"]
        else:
            shape, has_bias = (array["head_size"], 1), array["head_bias"]
        matrix = weights.take(shape[0], bottleneck, shape[1])
        head = causal(total, matrix, weights.take(shape[0]) if has_bias else None)
    return (weights.take(1)[0] * head[:, 0])[silence:]


def write(name, architecture, config, make, x, seed, **more):
    weights = Weights(seed)
    y = make(x, config, weights)
    assert np.abs(y).max() > 0.05 and np.std(y) > 0.01, "a capture that says nothing"
    capture = {"version": "0.5.4", "architecture": architecture, "config": config, **more,
               "weights": weights.list}
    (FOLDER / f"{name}.nam").write_text(json.dumps(capture))
    np.save(FOLDER / f"{name}.golden.npy", y.astype(np.float32))
    print(name, len(weights.list), "weights, largest sample", np.abs(y).max())


random = np.random.default_rng(7)
t = np.arange(SAMPLES) / RATE
x = rounded(0.4 * np.sin(2 * np.pi * 440 * t) + 0.2 * random.normal(size=SAMPLES))
np.save(FOLDER / "input.npy", x.astype(np.float32))
write("lstm", "LSTM", {"input_size": 1, "hidden_size": 5, "num_layers": 2}, lstm, x, 1,
      sample_rate=RATE)
write("gated", "WaveNet", {
    "layers": [
        {"input_size": 1, "condition_size": 1, "channels": 4, "head_size": 3, "head_bias": False,
         "kernel_size": 3, "dilations": [1, 2, 40], "activation": "Tanh", "gated": True},
        {"input_size": 4, "condition_size": 1, "channels": 5, "bottleneck": 3,
         "head": {"out_channels": 1, "kernel_size": 4, "bias": True},
         "kernel_sizes": [2, 3, 4, 1, 3, 2], "dilations": [8, 3, 1, 1, 7, 2],
         "activation": ["SiLU", "ReLU", {"type": "LeakyReLU", "negative_slope": 0.2}, "Hardtanh",
                        "LeakyReLU", "Sigmoid"],
         "gating_mode": ["none", "gated", "none", "gated", "none", "none"]},
    ],
    "head": None, "head_scale": 0.5}, wavenet, x, 6)
