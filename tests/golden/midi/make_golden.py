#!/usr/bin/env python3
"""Golden notes of real scores, by mido, an independent MIDI reader.

    python3 make_golden.py FOLDER_WITH_MID_FILES [OUTPUT_FOLDER]

Needs python3-mido (1.2.10 was used). For each score it writes NAME.notes:

    line 1   notes percussion_notes length_ticks controls
    line n   onset_delta duration channel key velocity release_velocity

Times are in ticks of 0.1 ms, rounded from mido's seconds; onset_delta counts from the onset of the
line before. A duration of -1 marks a note that is never released. `controls` counts programs,
pitch wheels, bend ranges set while the wheel is off its centre, and controllers 1, 7, 10, 11, 64,
120, 121 and 123 to 127. Channel 10 is only counted.
A note-off ends the oldest note that is down on its channel and key.
"""
import collections
import pathlib
import sys

import mido

CONTROLLERS = {1, 7, 10, 11, 64, 120, 121, 123, 124, 125, 126, 127}
LIFTING = {120, 123, 124, 125, 126, 127}
PERCUSSION = 9


def ticks(seconds):
    return round(seconds * 10000)


def golden(path):
    score = mido.MidiFile(path)
    notes = []  # [onset, release or None, channel, key, velocity, release velocity]
    down = collections.defaultdict(collections.deque)
    now = 0.0
    percussion = 0
    controls = 0
    wheel = collections.Counter()
    parameter = {}  # channel: [RPN MSB, RPN LSB]
    for message in score:
        now += message.time
        if message.is_meta or message.type == 'sysex':
            continue
        if message.channel == PERCUSSION:
            percussion += message.type == 'note_on' and message.velocity > 0
        elif message.type == 'note_on' and message.velocity > 0:
            note = [now, None, message.channel, message.note, message.velocity, 64]
            notes.append(note)
            down[message.channel, message.note].append(note)
        elif message.type in ('note_on', 'note_off'):
            waiting = down[message.channel, message.note]
            if waiting:
                note = waiting.popleft()
                note[1] = now
                note[5] = message.velocity if message.type == 'note_off' else 64
        elif message.type == 'control_change' and message.control in CONTROLLERS:
            controls += 1
            if message.control in LIFTING:
                for (channel, _), waiting in down.items():
                    while channel == message.channel and waiting:
                        waiting.popleft()[1] = now
            elif message.control == 121:
                wheel[message.channel] = 0
                parameter.pop(message.channel, None)
        elif message.type == 'control_change':
            selected = parameter.setdefault(message.channel, [127, 127])
            if message.control in (100, 101):
                selected[101 - message.control] = message.value
            elif message.control in (98, 99):
                selected[:] = [127, 127]
            elif message.control in (6, 38) and selected == [0, 0]:
                controls += wheel[message.channel] != 0
        elif message.type == 'program_change':
            controls += 1
        elif message.type == 'pitchwheel':
            controls += 1
            wheel[message.channel] = message.pitch
    lines = ['%d %d %d %d' % (len(notes), percussion, ticks(now), controls)]
    before = 0
    for onset, release, channel, key, velocity, release_velocity in notes:
        length = -1 if release is None else ticks(release) - ticks(onset)
        lines.append('%d %d %d %d %d %d' % (ticks(onset) - before, length, channel, key, velocity,
                                            release_velocity))
        before = ticks(onset)
    return '\n'.join(lines) + '\n'


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[2] if len(sys.argv) == 3 else pathlib.Path(__file__).parent)
    for path in sorted(pathlib.Path(sys.argv[1]).glob('*.mid')):
        (out / (path.stem + '.notes')).write_text(golden(path))


if __name__ == '__main__':
    main()
