"""Writes the seeds in config_json/: configurations of generators and captures, and broken ones.

    python3 make_config_json.py

Uses nothing but the standard library.
"""
import json
import pathlib

FOLDER = pathlib.Path(__file__).parent / "config_json"
GOLDEN = pathlib.Path(__file__).parents[2] / "golden"
FOLDER.mkdir(exist_ok=True)

V1 = {"resblock": "1", "upsample_rates": [8, 8, 2, 2], "upsample_kernel_sizes": [16, 16, 4, 4],
      "upsample_initial_channel": 512, "resblock_kernel_sizes": [3, 7, 11],
      "resblock_dilation_sizes": [[1, 3, 5]] * 3, "num_mels": 80, "n_fft": 1024, "hop_size": 256,
      "win_size": 1024, "sampling_rate": 22050, "fmin": 0, "fmax": 8000, "learning_rate": 0.0002,
      "dist_config": {"world_size": 1}}
ARRAY = {"input_size": 1, "condition_size": 1, "head_size": 1, "channels": 2, "kernel_size": 2,
         "dilations": [1, 2], "activation": "Tanh", "gated": False, "head_bias": True}
CAPTURE = {"layers": [ARRAY], "head": None, "head_scale": 0.02}
WEIGHTS = 2 + 2 * (8 + 2 + 2 + 4 + 2) + 2 + 1 + 1

SEEDS = {
    "v1": V1,
    "aliases": {**{k: v for k, v in V1.items() if k not in ("hop_size", "fmax", "sampling_rate")},
                "hop_length": 256, "mel_fmax": None, "sample_rate": 24000},
    "istft": {**V1, "upsample_rates": [8, 8], "upsample_kernel_sizes": [16, 16],
              "gen_istft_n_fft": 16, "gen_istft_hop_size": 4},
    "bigvgan": {**V1, "activation": "snakebeta", "snake_logscale": True, "use_tanh_at_final": False,
                "use_bias_at_final": False},
    "speakers": {**V1, "num_speakers": 3, "gin_channels": 16},
    "no_rate": {**V1, "upsample_rates": []},
    "huge": {**V1, "upsample_rates": [4096, 4096, 4096, 4096]},
    "negative": {**V1, "upsample_kernel_sizes": [-16, 16, 4, 4]},
    "wrong_type": {**V1, "resblock_dilation_sizes": "1"},
    "unknown": {**V1, "harmonic_source": True},
    "capture_config": CAPTURE,
    "capture_film": {**CAPTURE, "layers": [{**ARRAY, "conv_pre_film": {"active": True}}]},
    "capture_gating": {**CAPTURE, "layers": [{**ARRAY, "gating_mode": ["gated", "none"], "bottleneck": 3,
                                              "head": {"out_channels": 1, "kernel_size": 2, "bias": True},
                                              "activation": ["ReLU", {"type": "LeakyReLU"}]}]},
    "lstm_config": {"num_layers": 1, "hidden_size": 3, "input_size": 1},
    "capture": {"version": "0.5.4", "architecture": "WaveNet", "config": CAPTURE, "sample_rate": 48000,
                "weights": [0.25] * WEIGHTS, "metadata": {"name": "n"}},
    "capture_short": {"version": "0.5.4", "architecture": "WaveNet", "config": CAPTURE,
                      "weights": [0.25] * (WEIGHTS - 1)},
    "capture_newer": {"version": "1.0.0", "architecture": "WaveNet", "config": CAPTURE, "weights": [0]},
    "capture_rate": {"version": "0.5.4", "architecture": "LSTM", "config": {"num_layers": 1,
                     "hidden_size": 1, "input_size": 1}, "weights": [0.5] * 18, "sample_rate": 44100.5},
}
for name, value in SEEDS.items():
    (FOLDER / name).write_text(json.dumps(value))
(FOLDER / "lstm").write_bytes((GOLDEN / "nam" / "lstm.nam").read_bytes())
(FOLDER / "twice").write_text('{"resblock": "1", "resblock": "2"}')
(FOLDER / "deep").write_text('{"layers": ' + "[" * 100 + "]" * 100 + "}")
(FOLDER / "number").write_text('{"upsample_initial_channel": 1e400}')
(FOLDER / "cut").write_text(json.dumps(V1)[:100])
