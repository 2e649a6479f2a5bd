#!/usr/bin/env python3
"""Seeds for the MIDI fuzzer: python3 make_midi.py writes corpus/midi/. Standard library only.

Each seed shows the parser one thing, so that mutation starts from everything it knows. Inputs that
the fuzzer once failed on are kept beside them as finding_*.
"""
import pathlib
import struct

OUT = pathlib.Path(__file__).parent / 'midi'
END = b'\x00\xff\x2f\x00'
NOTE = b'\x00\x90\x3c\x64\x60\x80\x3c\x40'


def head(form, tracks, division=96):
    return b'MThd' + struct.pack('>IHHH', 6, form, tracks, division)


def track(events):
    return b'MTrk' + struct.pack('>I', len(events)) + events


def riff(score):
    body = (b'RMID' + b'DISP' + struct.pack('<I', 3) + b'abc\x00' +
            b'data' + struct.pack('<I', len(score)) + score)
    return b'RIFF' + struct.pack('<I', len(body)) + body


def controls(channel):
    cc = bytes([0, 0xb0 | channel])
    events = bytes([0, 0xc0 | channel, 40])
    for number, value in [(7, 100), (10, 20), (11, 90), (1, 30), (64, 127), (101, 0), (100, 0),
                          (6, 12), (38, 50), (99, 1), (98, 1), (121, 0), (123, 0), (120, 0)]:
        events += cc + bytes([number, value])
    return events + bytes([0x10, 0xe0 | channel, 1, 96])


SEEDS = {
    'plain': head(0, 1) + track(NOTE + END),
    'running': head(0, 1) + track(b'\x00\x93\x3c\x64\x10\x3e\x65\x10\x3c\x00\x00\x3e\x00' + END),
    'tempo': head(1, 2)
             + track(b'\x00\xff\x51\x03\x07\xa1\x20\x81\x00\xff\x51\x03\x0f\x42\x40' + END)
             + track(NOTE + NOTE + END),
    'smpte': head(0, 1, 0xe728) + track(NOTE + END),
    'smpte_drop': head(0, 1, 0xe364) + track(NOTE + END),
    'format2': head(2, 2) + track(NOTE + END) + track(NOTE + END),
    'controls': head(0, 1) + track(controls(0) + NOTE + controls(3) + END),
    'sysex': head(0, 1) + track(b'\x00\xf0\x03\x43\x12\xf7\x00\xf7\x01\xf8' + NOTE + END),
    'names': head(1, 2) + track(b'\x00\xff\x03\x04L\xe9\xc3\xa9' + END)
             + track(b'\x00\xff\x03\x06\xe4\xb8\xad\xf0\x9f\x8e' + NOTE + END),
    'hanging': head(0, 1)
               + track(b'\x00\x90\x3c\x64\x10\x3c\x60\x10\x80\x3c\x00\x00\x80\x3d\x00' + END),
    'drums': head(0, 1) + track(b'\x00\x99\x24\x64\x10\x24\x00' + END),
    'aftertouch': head(0, 1) + track(b'\x00\xa0\x3c\x10\x00\xd0\x10' + NOTE + END),
    'unknown_chunk': head(1, 1) + b'XFIH' + struct.pack('>I', 3) + b'abc' + track(NOTE + END)
                     + b'junk',
    'riff': riff(head(0, 1) + track(NOTE + END)),
    'long_delta': head(0, 1) + track(b'\xff\xff\xff\x7f' + NOTE[1:] + END),
    'no_end': head(0, 1) + track(NOTE),
    'bad_length': head(0, 1) + b'MTrk\xff\xff\xff\xff' + NOTE + END,
    'bad_meta': head(0, 1) + track(b'\x00\xff\x51\x02\x01\x01' + END),
    'bad_data': head(0, 1) + track(b'\x00\x90\xbc\x64' + END),
    'zero_tracks': head(1, 0),
    'empty': b'',
}


def main():
    OUT.mkdir(exist_ok=True)
    for name, seed in SEEDS.items():
        (OUT / name).write_bytes(seed)


if __name__ == '__main__':
    main()
