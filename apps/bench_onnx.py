"""ONNX Runtime's side of `ondes bench gan`: how long it takes for a clip of a HiFi-GAN generator.

    bench_onnx.py gan WEIGHTS CLIP THREADS wall|cpu

WEIGHTS: safetensors, the tensors of models/hifigan/hifigan.h, the configuration as JSON under the
metadata key `config`. CLIP: safetensors with `mel` (1, M, T) and `samples` (1, 1, T hop), what Ondes
makes of it. Builds the network as an ONNX graph (opset 17), runs the clip once and prints one line of
JSON with the largest difference from `samples`; then, for every line on stdin, runs it again and
prints the seconds that took. Ends with stdin. Needs onnxruntime, onnx, numpy; made with 1.31.1,
1.23.2 and 2.4.6.
"""

import json
import signal
import sys
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

SLOPE = 0.1
LAST_SLOPE = 0.01  # before conv_post the published code leaves it at leaky_relu's default
OPSET = 17
IR_VERSION = 8  # what opset 17 came with


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            raise ValueError(f"{path}: {name}: expected F32, found {entry['dtype']}")
        first, last = (8 + size + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(data[first:last], "<f4").reshape(entry["shape"])
    return metadata, tensors


class Graph:
    """Nodes in order; every method returns the name of its output."""

    def __init__(self, weights):
        self.weights = weights
        self.nodes = []
        self.initializers = []

    def node(self, kind, inputs, **attributes):
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def parameter(self, name):
        self.initializers.append(numpy_helper.from_array(self.weights[name], name))
        return name

    def parameters(self, layer):
        names = [f"{layer}.weight", f"{layer}.bias"]
        return [self.parameter(name) for name in names if name in self.weights]

    def conv(self, x, layer, dilation=1):
        taps = self.weights[f"{layer}.weight"].shape[2]
        padding = (taps - 1) // 2 * dilation
        return self.node(
            "Conv", [x, *self.parameters(layer)], pads=[padding, padding], dilations=[dilation]
        )

    def transposed_conv(self, x, layer, stride):
        taps = self.weights[f"{layer}.weight"].shape[2]
        padding = (taps - stride) // 2
        return self.node(
            "ConvTranspose", [x, *self.parameters(layer)], pads=[padding, padding], strides=[stride]
        )

    def leaky_relu(self, x, slope=SLOPE):
        return self.node("LeakyRelu", [x], alpha=slope)


def add_resblock(graph, x, block, config, dilations):
    pairs = str(config.get("resblock", "1")) == "1"
    for m, dilation in enumerate(dilations):
        y = graph.leaky_relu(x)
        if pairs:
            y = graph.conv(y, f"{block}.convs1.{m}", dilation)
            y = graph.conv(graph.leaky_relu(y), f"{block}.convs2.{m}")
        else:
            y = graph.conv(y, f"{block}.convs.{m}", dilation)
        x = graph.node("Add", [y, x])
    return x


def generator(weights, config):
    for key in ("activation", "gen_istft_n_fft", "num_speakers"):
        if key in config:
            raise ValueError(f"config: {key}: expected a plain HiFi-GAN generator without it")
    graph = Graph(weights)
    x = graph.conv("mel", "conv_pre")
    kernels = len(config["resblock_kernel_sizes"])
    divisor = numpy_helper.from_array(np.array(kernels, np.float32), "kernels")
    graph.initializers.append(divisor)
    for s, rate in enumerate(config["upsample_rates"]):
        x = graph.transposed_conv(graph.leaky_relu(x), f"ups.{s}", rate)
        total = None
        for j, dilations in enumerate(config["resblock_dilation_sizes"]):
            y = add_resblock(graph, x, f"resblocks.{s * kernels + j}", config, dilations)
            total = y if total is None else graph.node("Add", [total, y])
        x = graph.node("Div", [total, "kernels"])
    x = graph.node("Tanh", [graph.conv(graph.leaky_relu(x, LAST_SLOPE), "conv_post")])
    mel = helper.make_tensor_value_info(
        "mel", TensorProto.FLOAT, [1, weights["conv_pre.weight"].shape[1], "frames"]
    )
    samples = helper.make_tensor_value_info(x, TensorProto.FLOAT, [1, 1, "samples"])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "generator", [mel], [samples], graph.initializers),
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


def session_of(model, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors
    # Its threads spin within a run, not into the turn of whom it is compared with.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def main(arguments):
    if len(arguments) != 5 or arguments[0] != "gan" or arguments[4] not in ("wall", "cpu"):
        print("usage: bench_onnx.py gan WEIGHTS CLIP THREADS wall|cpu", file=sys.stderr)
        return 2
    _, weights_path, clip_path, threads, clock = arguments
    metadata, weights = read_safetensors(weights_path)
    _, clip = read_safetensors(clip_path)
    session = session_of(generator(weights, json.loads(metadata["config"])), int(threads))
    now = time.thread_time if clock == "cpu" else time.perf_counter
    feed = {"mel": clip["mel"]}
    made = session.run(None, feed)[0]
    if made.shape != clip["samples"].shape:
        raise ValueError(f"samples: expected {clip['samples'].shape}, found {made.shape}")
    difference = float(np.max(np.abs(made - clip["samples"])))
    name = f"ONNX Runtime {onnxruntime.__version__}"
    print(json.dumps({"name": name, "largest_difference": difference}), flush=True)
    for _ in sys.stdin:
        before = now()
        session.run(None, feed)
        print(json.dumps({"seconds": now() - before}), flush=True)
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends without a word
    sys.exit(main(sys.argv[1:]))
