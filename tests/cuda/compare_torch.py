#!/usr/bin/env python3
"""Times PyTorch (cuDNN) on HiFi-GAN V1, the yardstick of the block kernels on a GPU.

The network is written here from the paper (Kong, Kim & Bae, 2020, arXiv:2010.05646): 80 bands at
22.05 kHz, 256 samples a frame, 13,926,017 parameters, 26.447 GMAC for a second of sound. Weights are
random: the time does not depend on them. What is timed:

  precision  f32 (TF32 off), tf32, f16
  mode       eager; compiled (torch.compile); graphs (torch.compile, mode "reduce-overhead")
  block      clip: all frames in one call
             1+c:  one new frame with the c frames on either side that its samples depend on, which
                   is what gives the clip's samples
             1:    one frame alone, the least a caller can do; its samples are not the clip's

Frames come from the host's memory and samples go back to it, as with ours. Every mode's clip is
held to the f32 eager one first. The first calls (cuDNN's search, compiling) are
not counted. Columns: audio a call makes, best and median milliseconds a call, seconds of sound made
a second (of new sound, where there is context). Lines `figure NAME VALUE` repeat the real-time factor of
the best call for cuda/check_on_gpu, which compiles with --warm while something else goes on. Exit
status: 0; 1 if an answer is wrong; 5 without PyTorch or the device.
"""

import argparse
import copy
import sys
import time

try:
    import torch
    from torch import nn
except ImportError as missing:
    print(f"compare_torch: {missing}", file=sys.stderr)
    sys.exit(5)

RATE_HZ = 22050
BANDS = 80
UP_RATES = (8, 8, 2, 2)
UP_KERNELS = (16, 16, 4, 4)
KERNELS = (3, 7, 11)
DILATIONS = (1, 3, 5)
HOP = 256
PARAMETERS = 13_926_017


def act(x, slope=0.1):
    return nn.functional.leaky_relu(x, slope)


def same(channels, kernel, dilation=1):
    """A convolution as long as its input."""
    return nn.Conv1d(channels, channels, kernel, dilation=dilation,
                     padding=dilation * (kernel - 1) // 2)


class ResidualStack(nn.Module):
    def __init__(self, channels, kernel):
        super().__init__()
        self.dilated = nn.ModuleList(same(channels, kernel, d) for d in DILATIONS)
        self.plain = nn.ModuleList(same(channels, kernel) for _ in DILATIONS)

    def forward(self, x):
        for dilated, plain in zip(self.dilated, self.plain):
            x = x + plain(act(dilated(act(x))))
        return x


class Generator(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Conv1d(BANDS, width, 7, padding=3)
        self.up = nn.ModuleList()
        self.stacks = nn.ModuleList()
        for rate, kernel in zip(UP_RATES, UP_KERNELS):
            self.up.append(nn.ConvTranspose1d(width, width // 2, kernel, rate,
                                              padding=(kernel - rate) // 2))
            width //= 2
            self.stacks.append(nn.ModuleList(ResidualStack(width, k) for k in KERNELS))
        self.last = nn.Conv1d(width, 1, 7, padding=3)

    def forward(self, mel):
        x = self.first(mel)
        for up, stacks in zip(self.up, self.stacks):
            x = up(act(x))
            total = stacks[0](x)
            for stack in stacks[1:]:
                total = total + stack(x)
            x = total / len(stacks)
        return torch.tanh(self.last(act(x, 0.01)))


def context_frames():
    """Mel frames on either side that a frame's samples depend on, counted back from the samples."""
    first, last = -3, HOP - 1 + 3
    for rate, kernel in zip(reversed(UP_RATES), reversed(UP_KERNELS)):
        stack = sum((max(KERNELS) - 1) // 2 * (d + 1) for d in DILATIONS)
        cut = (kernel - rate) // 2
        first = -((kernel - 1 - cut - first + stack) // rate)
        last = (last + stack + cut) // rate
    return max(3 - first, last + 3)


class Timer:
    def __init__(self, device):
        self.cuda = device.type == "cuda"

    def seconds(self, call):
        if not self.cuda:
            begin = time.perf_counter()
            call()
            return time.perf_counter() - begin
        # Synchronised on both sides: what a caller waits who needs the samples.
        torch.cuda.synchronize()
        begin = time.perf_counter()
        call()
        torch.cuda.synchronize()
        return time.perf_counter() - begin


def measure(timer, call, seconds):
    for _ in range(3):
        timer.seconds(call)
    times = []
    begin = time.perf_counter()
    while len(times) < 5 or (time.perf_counter() - begin < seconds and len(times) < 2000):
        times.append(timer.seconds(call))
    times.sort()
    return times[0], times[len(times) // 2]


def compiled(network, mode):
    if mode == "eager":
        return network
    if not hasattr(torch, "compile"):
        raise RuntimeError(f"PyTorch {torch.__version__} has no torch.compile")
    return torch.compile(network, mode="reduce-overhead" if mode == "graphs" else None,
                         dynamic=False)


class Comparison:
    def __init__(self, options):
        self.options = options
        self.device = torch.device(options.device)
        self.timer = Timer(self.device)
        self.deadline = time.monotonic() + options.budget
        torch.manual_seed(1)
        self.network = Generator(options.width).eval().to(self.device)
        self.mel = torch.randn(1, BANDS, options.frames) * 2.0 - 5.0  # the host's
        self.wrong = False
        parameters = sum(p.numel() for p in self.network.parameters())
        if options.width == 512 and parameters != PARAMETERS:
            raise RuntimeError(f"expected {PARAMETERS} parameters, found {parameters}")

    def head(self):
        name = (torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu")
        print(f"PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}, {name}; "
              f"HiFi-GAN V1 of width {self.options.width}, clip of {self.options.frames} frames, "
              f"{self.options.frames * HOP / RATE_HZ:.2f} s; context {context_frames()} frames")
        print(f"{'prec':>5} {'mode':>9} {'block':>6} {'audio ms':>9} {'best ms':>9} {'median ms':>9} "
              f"{'x real':>9} {'(median)':>9}", flush=True)

    def pinned(self, frames):
        frames = frames.contiguous()
        return frames.pin_memory() if self.device.type == "cuda" else frames

    def on_device(self, call, frames):
        """From frames in the host's memory to samples there."""
        return call(frames.to(self.device, non_blocking=True)).cpu()

    def line(self, precision, mode, block, call, frames):
        if self.options.warm:
            call()
            return
        best, median = measure(self.timer, call, self.options.seconds)
        audio = frames * HOP / RATE_HZ
        print(f"{precision:>5} {mode:>9} {block:>6} {1e3 * audio:9.2f} {1e3 * best:9.3f} "
              f"{1e3 * median:9.3f} {audio / best:9.1f} {audio / median:9.1f}")
        print(f"figure torch.{precision}.{mode}.{block.replace('+c', 'c')} {audio / best:.3f}",
              flush=True)

    def check(self, precision, mode, samples, expected):
        """Halves keep 11 bits; what a hundred layers make of them stays far below this."""
        limit = {"f32": 1e-4, "tf32": 2e-2, "f16": 2e-2}[precision]
        worst = (samples.float() - expected).abs().max().item()
        if not worst <= limit * max(expected.abs().max().item(), 1e-3):
            print(f"{precision:>5} {mode:>9}: WRONG by {worst:.2g}", flush=True)
            self.wrong = True

    def run(self, precision, mode, expected):
        half = precision == "f16"
        torch.backends.cudnn.allow_tf32 = precision == "tf32"
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        network = copy.deepcopy(self.network).half() if half else self.network
        mel = self.pinned(self.mel.half() if half else self.mel)
        call = compiled(network, mode)
        self.check(precision, mode, self.on_device(call, mel), expected)
        self.line(precision, mode, "clip", lambda: self.on_device(call, mel), self.options.frames)
        context = context_frames()
        first = (self.options.frames - 2 * context - 1) // 2
        around = self.pinned(mel[:, :, first:first + 2 * context + 1])
        alone = self.pinned(mel[:, :, first + context:first + context + 1])
        middle = slice(context * HOP, (context + 1) * HOP)
        call = compiled(network, mode)  # of its own shapes
        here = slice((first + context) * HOP, (first + context + 1) * HOP)
        new = lambda frames: call(frames)[:, :, middle]
        self.check(precision, mode, self.on_device(new, around), expected[:, :, here])
        self.line(precision, mode, "1+c", lambda: self.on_device(new, around), 1)
        self.line(precision, mode, "1", lambda: self.on_device(call, alone), 1)

    def all(self):
        self.head()
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = False
        expected = self.on_device(self.network, self.mel)
        if not expected.abs().max() > 0.0:
            raise RuntimeError("the network is silent")
        for mode in self.options.mode:
            for precision in self.options.precision:
                if time.monotonic() > self.deadline:
                    print(f"{precision:>5} {mode:>9}: not run, out of time", flush=True)
                    continue
                if self.options.warm and mode == "eager":
                    continue
                try:
                    self.run(precision, mode, expected)
                except Exception as error:  # a compiler that is missing ends its lines, no others
                    print(f"{precision:>5} {mode:>9}: not run: {str(error).splitlines()[0]}",
                          flush=True)


def main():
    parser = argparse.ArgumentParser(description="PyTorch on HiFi-GAN V1; see the top of the file")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--frames", type=int, default=172, help="of the clip [172: two seconds]")
    parser.add_argument("--width", type=int, default=512, help="channels before the first stage")
    parser.add_argument("--seconds", type=float, default=0.5, help="of measuring, a line")
    parser.add_argument("--warm", action="store_true",
                        help="only compile, for a later run that finds PyTorch's cache")
    parser.add_argument("--budget", type=float, default=600.0, help="no configuration begins later")
    # fp16 is what the comparison is about: it comes first where time is short.
    parser.add_argument("--precision", nargs="+", default=["f16", "f32", "tf32"],
                        choices=["f16", "f32", "tf32"])
    parser.add_argument("--mode", nargs="+", default=["eager", "graphs", "compiled"],
                        choices=["eager", "compiled", "graphs"])
    options = parser.parse_args()
    context = context_frames()
    if options.frames <= 2 * context:
        parser.error(f"--frames: expected more than {2 * context}, found {options.frames}")
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        print("compare_torch: PyTorch sees no CUDA device", file=sys.stderr)
        return 5
    with torch.inference_mode():
        comparison = Comparison(options)
        comparison.all()
    return 1 if comparison.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
