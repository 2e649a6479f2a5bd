"""Writes the seeds in safetensors/: a tiny complete voice in several variants, and broken files.

    python3 make_safetensors.py

Uses nothing but the standard library, so that the voice is written by other code than it is read by.
"""
import json
import pathlib
import struct

FOLDER = pathlib.Path(__file__).parent / "safetensors"


def pack(header, data):
    """header: text or object; the file with its data 64-byte aligned."""
    text = header if isinstance(header, str) else json.dumps(header, separators=(",", ":"))
    text += " " * (-(8 + len(text.encode())) % 64)
    return struct.pack("<Q", len(text.encode())) + text.encode() + data


def voice(config, shapes, value=0.25, features=None, **description):
    header, data = {}, b""
    for name in sorted(shapes):
        count = 1
        for size in shapes[name]:
            count *= size
        block = struct.pack("<f", value) * count
        offsets = [len(data), len(data) + len(block)]
        header[name] = {"dtype": "F32", "shape": shapes[name], "data_offsets": offsets}
        data += block
    described = {"schema": 1, "name": "n", "architecture": "wavenet", "sample_rate": 8000,
                 "config": config, "features": features or FEATURES, **description}
    return pack({"__metadata__": {"ondes": json.dumps(described, separators=(",", ":"))}, **header},
                data)


FEATURES = {"kind": "notes", "sample_rate": 8000, "hop": 1, "harmonics": 0, "pitch_centres": [],
            "pitch_width": 1, "onset_decays_s": [], "release_decays_s": [], "instruments": ["i"],
            "programs": [0]}
ROWS = 4  # pitch, velocity, gate, one instrument

CONFIG = {"residual_channels": 1, "gate_channels": 1, "skip_channels": 1, "head_channels": 1,
          "taps": 2, "dilations": [1], "distribution": "gaussian"}
SHAPES = {"input.weight": [1, 1], "input.bias": [1], "layers.0.conv.weight": [2, 1, 2],
          "layers.0.conv.bias": [2], "layers.0.condition.weight": [2, ROWS],
          "layers.0.skip.weight": [1, 1], "skip.bias": [1], "head.weight": [1, 1], "head.bias": [1],
          "output.weight": [2, 1], "output.bias": [2]}
SECOND_LAYER = {"layers.0.residual.weight": [1, 1], "layers.0.residual.bias": [1],
                "layers.1.conv.weight": [2, 1, 2], "layers.1.conv.bias": [2],
                "layers.1.condition.weight": [2, ROWS], "layers.1.skip.weight": [1, 1]}

files = {
    "voice": voice(CONFIG, SHAPES),
    "voice_two_layers": voice({**CONFIG, "dilations": [1, 2]}, {**SHAPES, **SECOND_LAYER}),
    "voice_level": voice({**CONFIG, "has_level": True},
                         {**SHAPES, "level.0.weight": [1, ROWS], "level.0.bias": [1]}),
    "voice_encoder": voice({**CONFIG, "encoder_channels": [ROWS]},
                           {**SHAPES, "encoder.0.weight": [ROWS, ROWS], "encoder.0.bias": [ROWS]}),
    "voice_mixture": voice({**CONFIG, "distribution": "logistic_mixture", "mixture_components": 1},
                           {**SHAPES, "output.weight": [3, 1], "output.bias": [3]}),
    "voice_embedding": voice(
        {**CONFIG, "distribution": "mu_law_categorical", "classes": 2, "input": "embedding"},
        {**SHAPES, "input.weight": [1, 0], "input.embedding": [2, 1]}),
    "voice_calibrated": voice(CONFIG, {**SHAPES, "calibration.residual_absmax": [1]}),
    "voice_three_taps": voice({**CONFIG, "taps": 3}, {**SHAPES, "layers.0.conv.weight": [2, 1, 3]}),
    "voice_features": voice(
        CONFIG, {**SHAPES, "input.weight": [1, 3], "layers.0.condition.weight": [2, ROWS + 3]},
        features={**FEATURES, "harmonics": 1, "pitch_centres": [60.5], "onset_decays_s": [0.01],
                  "release_decays_s": [0.1],
                  "row_features": ["pitch", "pitch_band_0", "velocity", "gate", "onset_decay_0",
                                   "release_decay_0", "instrument_i"]}),
    "voice_nan": voice(CONFIG, SHAPES, value=float("nan")),
    "voice_huge_config": voice({**CONFIG, "residual_channels": 4096, "dilations": [65536] * 256},
                               SHAPES),
    "voice_schema_2": voice(CONFIG, SHAPES, schema=2),
    "voice_nested": voice(CONFIG, SHAPES, training=json.loads("[" * 60 + "]" * 60)),
    "empty": b"",
    "no_tensors": pack("{}", b""),
    "length_4gb": struct.pack("<Q", 1 << 32) + b"{}",
    "length_max": b"\xff" * 8 + b"{}",
    "overlap": pack('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
                    '"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}', bytes(12)),
    "hole": pack('{"a":{"dtype":"I8","shape":[2],"data_offsets":[1,3]}}', bytes(3)),
    "overflow": pack('{"a":{"dtype":"F32","shape":[2147483648,2147483648],"data_offsets":[0,0]}}',
                     b""),
    "twice": pack('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]},'
                  '"\\u0061":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}', bytes(1)),
    "negative": pack('{"a":{"dtype":"F16","shape":[-1],"data_offsets":[-2,0]}}', b""),
    "types": pack({f"t{i}": {"dtype": dtype, "shape": [0], "data_offsets": [0, 0]}
                   for i, dtype in enumerate("F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL".split())},
                  b""),
    "deep": pack('{"a":' + "[" * 500, b""),
    "not_utf8": struct.pack("<Q", 22) + b'{"__metadata__":{"\xff":""}',
}
files["cut"] = files["voice"][:-1]

FOLDER.mkdir(exist_ok=True)
for name, content in files.items():
    (FOLDER / name).write_bytes(content)
