#!/usr/bin/env python3
"""Composes the sample scores: python3 make_scores.py OUTPUT_FOLDER (samples/scores). Needs mido.

Original music written for this project, CC0 1.0. A line of music is a string of notes with their
lengths in quarter notes: "A4:2 B4:.5 R:1" (R is a rest).
"""
import math
import pathlib
import sys

import mido

QUARTER = 480
STEPS = {'C': 0, 'D': 2, 'E': 4, 'F': 5, 'G': 7, 'A': 9, 'B': 11}


def pitch(name):
    return 12 * (int(name[-1]) + 1) + STEPS[name[0]] + name.count('#') - name.count('b')


class Part:
    """One instrument on one channel and one track."""

    def __init__(self, name, channel, program, volume, pan):
        self.name, self.channel, self.events = name, channel, []
        self.add(0, 'program_change', program=program)
        for number, value in ((7, volume), (10, pan), (11, 100), (91, 0), (93, 0)):
            self.control(0, number, value)

    def add(self, quarters, kind, **values):
        order = {'note_off': 0, 'note_on': 2}.get(kind, 1)
        message = mido.Message(kind, channel=self.channel, **values)
        self.events.append((round(quarters * QUARTER), order, len(self.events), message))

    def control(self, quarters, number, value):
        self.add(quarters, 'control_change', control=number, value=max(0, min(127, round(value))))

    def note(self, quarters, length, key, velocity):
        self.add(quarters, 'note_on', note=key, velocity=max(1, min(127, round(velocity))))
        self.add(quarters + length, 'note_off', note=key, velocity=64)

    def line(self, quarters, text, velocity, legato=0.97, accent=6):
        """Plays a line; the first note of each 3/4 bar is stressed a little."""
        for word in text.split():
            name, length = word.split(':')
            if name != 'R':
                stress = accent if quarters % 3 == 0 else 0
                self.note(quarters, float(length) * legato, pitch(name), velocity + stress)
            quarters += float(length)
        return quarters

    def swell(self, start, end, low, high, steps_per_quarter=4):
        """Expression rises from low to high in the middle of the phrase and falls back."""
        count = round((end - start) * steps_per_quarter)
        for i in range(count + 1):
            level = low + (high - low) * math.sin(math.pi * i / count)
            self.control(start + (end - start) * i / count, 11, level)

    def glide(self, start, length, begin, end, steps=24):
        """The pitch wheel from begin to end, in parts of its range (-1 to 1)."""
        for i in range(steps + 1):
            value = begin + (end - begin) * (1 - math.cos(math.pi * i / steps)) / 2
            wheel = max(-8192, min(8191, round(8192 * value)))
            self.add(start + length * i / steps, 'pitchwheel', pitch=wheel)

    def bend_range(self, quarters, semitones):
        for number, value in ((101, 0), (100, 0), (6, semitones), (38, 0), (101, 127), (100, 127)):
            self.control(quarters, number, value)

    def track(self):
        track = mido.MidiTrack([mido.MetaMessage('track_name', name=self.name)])
        before = 0
        for tick, _, _, message in sorted(self.events, key=lambda event: event[:3]):
            track.append(message.copy(time=tick - before))
            before = tick
        return track


def write(path, title, tempi, parts, numerator=4):
    """tempi: (quarter, quarters a minute)."""
    head = mido.MidiTrack([
        mido.MetaMessage('track_name', name=title),
        mido.MetaMessage('copyright', text='CC0 1.0'),
        mido.MetaMessage('time_signature', numerator=numerator, denominator=4)])
    before = 0
    for quarter, speed in tempi:
        tick = round(quarter * QUARTER)
        head.append(mido.MetaMessage('set_tempo', tempo=mido.bpm2tempo(speed), time=tick - before))
        before = tick
    score = mido.MidiFile(type=1, ticks_per_beat=QUARTER)
    score.tracks.extend([head] + [part.track() for part in parts])
    score.save(path)


def piano_bars(piano, first_bar, bars, velocity, third_beat):
    """Each bar: a dyad, then one or two single notes, on one pedal that is changed on the beat."""
    for i, chord in enumerate(bars):
        start = 3 * (first_bar - 1 + i)
        keys = [pitch(name) for name in chord.split()]
        piano.control(start, 64, 0)
        piano.control(start + 0.12, 64, 127)
        piano.note(start, 1.4, keys[0], velocity)
        piano.note(start, 1.4, keys[1], velocity - 6)
        piano.note(start + 1, 1, keys[2], velocity - 8)
        if third_beat:
            piano.note(start + 2, 0.9, keys[3], velocity - 10)


def demo(path):
    """Lantern Waltz: sixteen bars in D for eight instruments, a ritardando at the end.

    D  A/C#  Bm7  D/A | Gmaj7  D/F#  Em7  A7 || Bm  E7/G#  A  A7/G | D/F#  Gmaj7  Em-D/A-A7  D
    """
    piano = Part('Piano', 0, 0, 92, 54)
    guitar = Part('Guitar', 1, 24, 96, 88)
    violin = Part('Violin', 2, 40, 84, 30)
    cello = Part('Cello', 3, 42, 92, 78)
    clarinet = Part('Clarinet', 4, 71, 88, 70)
    flute = Part('Flute', 5, 73, 88, 46)
    trumpet = Part('Trumpet', 6, 56, 74, 98)
    vibraphone = Part('Vibraphone', 7, 11, 86, 20)

    piano_bars(piano, 1, ['F#3 A3 D4 F#4', 'E3 A3 E4 A4', 'F#3 B3 D4 A4', 'F#3 D4 A4 D5'], 62, True)
    piano_bars(piano, 5, ['G3 B3 G4', 'A3 D4 F#4', 'G3 D4 G4', 'A3 E4 G4'], 64, False)
    piano.control(24, 64, 0)
    piano_bars(piano, 13, ['A3 D4 F#4', 'B3 D4 G4'], 68, False)
    piano.control(42, 64, 0)
    piano.line(42, 'B3:1 A3:1 A3:1', 62)
    piano.line(42, 'E4:1 D4:1 C#4:1', 58)
    piano.control(45.1, 64, 127)
    for delay, name in ((0, 'D3'), (0.08, 'A3'), (0.16, 'F#4')):
        piano.note(45 + delay, 3, pitch(name), 60)
    piano.control(49, 64, 0)

    cello.line(0, 'D3:3 C#3:3 B2:2 C#3:1 A2:3', 66)
    cello.line(12, 'G2:3 F#2:2 G2:1 E2:3 A2:3', 70)
    cello.line(24, 'B2:2 A2:1 G#2:3 A2:2 E3:1 G2:3', 70)
    cello.line(36, 'F#2:3 G2:3 E3:1 A2:2 D2:4', 74)

    clarinet.line(0, 'A4:2 B4:.5 A4:.5 E5:2 C#5:1 D5:1.5 C#5:.5 B4:1 A4:2 F#4:1', 74)
    clarinet.line(12, 'D4:3 F#4:2 D4:1 E4:3 E4:3', 58)
    clarinet.line(36, 'A4:3 B4:3 B4:1 A4:1 G4:1 F#4:4', 62)

    flute.line(12, 'G5:2 F#5:.5 E5:.5 F#5:1.5 E5:.5 D5:1 E5:1 G5:1 B5:1 A5:2 G5:1', 76)
    flute.line(36, 'A5:2 B5:.5 A5:.5 B5:1.5 A5:.5 G5:1 G5:1 F#5:1 E5:1 D5:4', 80)

    violin.line(12, 'B4:2 D5:1 A4:3 G4:1.5 A4:.5 B4:1 D5:2 C#5:1', 66)
    violin.line(24, 'F#4:3 G#4:2 B4:1 A4:3 C#5:1.5 D5:.5 E5:1', 64)
    violin.line(36, 'F#5:2 G5:.5 F#5:.5 G5:1.5 F#5:.5 D5:1 E5:1 D5:1 C#5:1 A4:4', 72)

    trumpet.line(24, 'D5:1.5 C#5:.5 B4:1 E5:2 D5:1 C#5:1.5 B4:.5 A4:1 E5:1.5 F#5:.5 G5:1', 70)

    for bar, chord in enumerate(['B3 D4 F#4 B4 F#4 D4', 'B3 D4 E4 G#4 E4 D4',
                                 'A3 C#4 E4 A4 E4 C#4', 'A3 C#4 E4 G4 E4 C#4']):
        for i, name in enumerate(chord.split()):
            guitar.note(24 + 3 * bar + i / 2, 1.0 if i < 5 else 0.5, pitch(name), 72 - 4 * (i % 3))
    for bar, dyad in enumerate(['F#5 B5', 'G#5 B5', 'E5 A5', 'A5 C#6']):
        for name in dyad.split():
            vibraphone.note(25 + 3 * bar, 1.95, pitch(name), 52)
    vibraphone.line(38, 'D6:1 R:2 B5:1 R:3', 54)
    vibraphone.note(45.24, 3.5, pitch('A5'), 56)

    phrases = {clarinet: [(0, 12, 78, 118), (12, 24, 70, 92), (36, 45, 76, 104)],
               flute: [(12, 24, 80, 120), (36, 45, 86, 124)],
               violin: [(12, 24, 70, 104), (24, 36, 66, 96), (36, 45, 78, 118)],
               cello: [(0, 12, 82, 108), (12, 24, 84, 112), (24, 36, 80, 108), (36, 45, 86, 116)],
               trumpet: [(24, 36, 74, 112)]}
    for part, spans in phrases.items():
        for start, end, low, high in spans:
            part.swell(start, end - 0.25, low, high)
    for part, level in ((clarinet, 84), (flute, 92), (violin, 84), (cello, 92)):
        for i in range(16):  # the last chord fades
            part.control(46.5 + i * 0.15, 11, level * (1 - i / 22))

    tempi = [(0, 100), (36, 98), (42, 92), (43, 82), (44, 72), (45, 66)]
    write(path, 'Lantern Waltz', tempi, [piano, guitar, violin, cello, clarinet, flute, trumpet,
                                         vibraphone], numerator=3)


def scale_all(path):
    """Every instrument of the shipped voice in turn: a major scale up and its fifth and root."""
    instruments = [('Piano', 0, 'C4'), ('Vibraphone', 11, 'F4'), ('Guitar', 24, 'E3'),
                   ('Violin', 40, 'A4'), ('Cello', 42, 'C3'), ('Trumpet', 56, 'Bb3'),
                   ('Clarinet', 71, 'D4'), ('Flute', 73, 'G5')]
    parts = []
    for i, (name, program, root) in enumerate(instruments):
        part = Part(name, i, program, 100, 64)
        start = 6 * i
        for n, step in enumerate((0, 2, 4, 5, 7, 9, 11, 12)):
            part.note(start + n / 2, 0.47, pitch(root) + step, 60 + 5 * n)
        part.note(start + 4, 0.5, pitch(root) + 7, 80)
        part.note(start + 4.5, 1.3, pitch(root), 72)
        parts.append(part)
    write(path, 'Scales', [(0, 120)], parts)


def bends(path):
    """Pitch wheel at two ranges, modulation, expression, sustain pedal, reset."""
    violin = Part('Violin: wheel, two semitones', 0, 40, 100, 40)
    violin.note(0, 4, pitch('A4'), 80)
    violin.glide(1, 1, 0, 1)
    violin.glide(2, 1.5, 1, -1)
    violin.glide(3.5, 0.25, -1, 0)

    flute = Part('Flute: wheel, an octave by RPN 0', 1, 73, 100, 88)
    flute.bend_range(0, 12)
    flute.note(4.5, 4, pitch('D5'), 80)
    flute.glide(5, 1.5, 0, 1)
    flute.glide(7, 1, 1, 0)

    clarinet = Part('Clarinet: modulation and expression', 2, 71, 100, 64)
    clarinet.note(9, 4, pitch('E4'), 80)
    for i in range(33):
        clarinet.control(9 + i / 8, 1, 127 * min(1, i / 16))
        clarinet.control(9 + i / 8, 11, 127 - 60 * i / 32)
    clarinet.control(13.25, 121, 0)  # back to no modulation, full expression
    clarinet.note(13.5, 2, pitch('E4'), 80)

    piano = Part('Piano: sustain pedal', 3, 0, 100, 64)
    piano.control(16, 64, 127)
    for i, name in enumerate(('C3', 'G3', 'E4', 'B4', 'D5')):
        piano.note(16 + i / 2, 0.4, pitch(name), 76)  # keys up at once, the pedal holds them
    piano.control(20, 64, 0)
    for i, name in enumerate(('C3', 'G3', 'E4', 'B4', 'D5')):
        piano.note(20.5 + i / 2, 0.4, pitch(name), 76)  # the same without it
    write(path, 'Bends, modulation, pedal', [(0, 120)], [violin, flute, clarinet, piano])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[1])
    demo(out / 'demo.mid')
    scale_all(out / 'scale_all.mid')
    bends(out / 'bends.mid')


if __name__ == '__main__':
    main()
