#!/usr/bin/env python3
"""An hour of generated music through `ondes play` on the device that is only a clock, faster than
sound: no drift of position, flat memory, no denormal slow-down.

    python3 tests/bench/play_hour.py ONDES [--speed 30] [--minutes 60] [--voice chamber-live]

Plays a score made here (40 s of chords and runs, then 20 s of silence, over and over), reads the
telemetry that comes once a second, and looks at the process's memory meanwhile. Exit code 6 where
something is not as it should be. Standard library of Python 3.11 only.
"""
import argparse
import json
import os
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time

TICKS = 480  # a quarter; 120 quarters a minute
TICKS_PER_SECOND = 2 * TICKS


def variable_length(value):
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))


def score(minutes):
    rng = random.Random(1)
    events = []
    for minute in range(minutes):
        for eighth in range(160):  # 40 s
            at = minute * 60 * TICKS_PER_SECOND + eighth * TICKS // 2
            for _ in range(rng.choice((1, 1, 2, 4))):
                key = rng.randrange(45, 85)
                length = rng.choice((TICKS // 2, TICKS, 2 * TICKS))
                channel = rng.randrange(3)
                events.append((at, bytes((0x90 | channel, key, rng.randrange(50, 110)))))
                events.append((at + length, bytes((0x80 | channel, key, 64))))
    for channel, program in enumerate((0, 40, 73)):
        events.append((0, bytes((0xC0 | channel, program))))
    events.append((minutes * 60 * TICKS_PER_SECOND, b"\xff\x2f\x00"))
    # At one time: programs and releases before what begins.
    events.sort(key=lambda e: (e[0], e[1][0] == 0xFF, e[1][0] & 0xF0 == 0x90))
    track = bytearray()
    last = 0
    for at, message in events:
        track += variable_length(at - last) + message
        last = at
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS)
    return header + b"MTrk" + struct.pack(">I", len(track)) + bytes(track)


def resident_kib(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ondes")
    parser.add_argument("--speed", type=float, default=30.0)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--voice", default="chamber-live")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "hour.mid")
        with open(path, "wb") as file:
            file.write(score(options.minutes))
        begin = time.monotonic()
        process = subprocess.Popen(
            [options.ondes, "play", path, "--voice", options.voice, "--audio-device", "clock",
             "--speed", str(options.speed), "--latency", "5000", "--quiet", "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        rows = []
        for line in process.stdout:
            row = json.loads(line)
            row["resident_kib"] = resident_kib(process.pid) if not row["finished"] else None
            rows.append(row)
        message = process.communicate()[1]
        if process.wait() != 0:
            sys.exit(message)
    wall_s = time.monotonic() - begin
    last = rows[-1]
    sound_s = last["played_frames"] / last["rate"]
    drift_frames = max(abs(row["position_s"] * row["rate"] - row["played_frames"]) for row in rows)
    running = rows[len(rows) // 5:-1]
    memory = [row["resident_kib"] for row in running]
    busy = [row["load"] for row in running if row["lanes"] > 0]
    silent = [row["load"] for row in running if row["lanes"] == 0]
    with open("/proc/loadavg", encoding="ascii") as file:
        machine_load = file.read().split()[0]
    result = {
        "voice": last["voice"],
        "sound_s": round(sound_s, 2),
        "wall_s": round(wall_s, 1),
        "notes": last["notes"],
        "underruns": last["underruns"],
        "missing_frames": last["missing_frames"],
        "device_minus_played_minus_missing_frames":
            last["device_frames"] - last["played_frames"] - last["missing_frames"],
        "greatest_drift_frames": round(drift_frames, 3),
        "memory_kib_first_last_most": [memory[0], memory[-1], max(memory)],
        "load_busy_median": round(statistics.median(busy), 4),
        "load_silent_median": round(statistics.median(silent), 4) if silent else None,
        "machine_load_at_end": machine_load,
    }
    print(json.dumps(result, indent=1))
    good = (drift_frames < 0.5 and max(memory) - memory[0] < 2048 and silent
            and statistics.median(silent) <= 1.1 * statistics.median(busy))
    sys.exit(0 if good else 6)


if __name__ == "__main__":
    main()
