"""Writes random pitch tracks and lists of notes, and mir_eval's measures of them.

    python3 make_golden.py

Needs the versions below exactly. Files are float64; cases stand one after the other, each row led
by the number of its case.
"""
import pathlib
import warnings

import mir_eval
import numpy as np
import scipy

assert (np.__version__, scipy.__version__, mir_eval.__version__) == ("2.4.6", "1.17.1", "0.8.2")

FOLDER = pathlib.Path(__file__).parent


def random_track(rng, frames, hop, start):
    """A wandering pitch with gaps of no pitch (0) and of pitch called unvoiced (negative)."""
    hz = 220 * 2 ** np.cumsum(rng.normal(0, 0.03, frames))
    for _ in range(rng.integers(0, 4)):
        at = rng.integers(0, frames)
        length = rng.integers(1, 12)
        hz[at:at + length] *= rng.choice([0, -1])
    return start + hop * np.arange(frames), hz


def melody_case(rng, number):
    kind = number % 4
    hop = 0.01 if kind != 3 else 0.0058
    ref_time, ref_hz = random_track(rng, int(rng.integers(20, 80)), 0.01, 0.0 if kind else 0.02)
    est_time, est_hz = random_track(rng, int(rng.integers(20, 80)), hop, rng.choice([0.0, 0.013]))
    if kind < 3:  # near the reference, in places an octave off
        near = np.interp(est_time, ref_time, np.abs(ref_hz))
        near *= 2 ** (rng.normal(0, 40, len(near)) / 1200) * rng.choice([1, 1, 1, 2], len(near))
        est_hz = np.sign(est_hz) * near
    if kind == 1:  # one time axis
        n = min(len(ref_time), len(est_time))
        ref_time, ref_hz, est_hz = ref_time[:n], ref_hz[:n], est_hz[:n]
        est_time = ref_time.copy()
    return ref_time, ref_hz, est_time, est_hz


def note_case(rng, number):
    count = int(rng.integers(1, 40))
    dense = number % 3 == 0  # many notes within the tolerance of many others
    span = 0.4 if dense else 10.0
    onset = np.round(np.sort(rng.uniform(0, span, count)), 3)
    length = np.round(rng.uniform(0.03, 0.8, count), 3)
    hz = 440 * 2 ** ((rng.integers(0, 4 if dense else 24, count) - 12) / 12)
    keep = rng.uniform(size=count) > 0.15
    est_onset = np.abs(onset + np.round(rng.normal(0, 0.03, count), 3))
    est_length = np.maximum(0.01, length * rng.uniform(0.7, 1.4, count))
    est_hz = hz * 2 ** (rng.normal(0, 30, count) / 1200)
    ref = np.stack([onset, onset + length, hz], axis=1)
    est = np.stack([est_onset, est_onset + est_length, est_hz], axis=1)[keep]
    extra = rng.integers(0, 4)
    if extra:
        at = rng.uniform(0, span, extra)
        est = np.concatenate([est, np.stack([at, at + 0.2, np.full(extra, 300.0)], axis=1)])
    est = est[rng.permutation(len(est))]
    if number == 5:  # distances of exactly the tolerance
        est = ref + np.array([0.05, 0.05, 0.0])
    return ref, est


def numbered(number, rows):
    return np.concatenate([np.full((len(rows), 1), float(number)), rows], axis=1)


def main():
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(11)
    tracks, measures = [], []
    for number in range(40):
        case = melody_case(rng, number)
        scores = mir_eval.melody.evaluate(*[x.copy() for x in case])
        for side in (0, 1):
            rows = np.stack([np.full(len(case[2 * side]), float(side)), case[2 * side],
                             case[2 * side + 1]], axis=1)
            tracks.append(numbered(number, rows))
        measures.append([scores[k] for k in ("Voicing Recall", "Voicing False Alarm",
                                             "Raw Pitch Accuracy", "Raw Chroma Accuracy",
                                             "Overall Accuracy")])
    np.save(FOLDER / "melody_tracks.npy", np.concatenate(tracks))
    np.save(FOLDER / "melody_measures.npy", np.array(measures))

    notes, measures = [], []
    for number in range(60):
        ref, est = note_case(rng, number)
        scores = mir_eval.transcription.evaluate(ref[:, :2], ref[:, 2], est[:, :2], est[:, 2])
        for side, rows in ((0.0, ref), (1.0, est)):
            notes.append(numbered(number, np.concatenate([np.full((len(rows), 1), side), rows],
                                                         axis=1)))
        measures.append([scores[k] for k in (
            "Onset_Precision", "Onset_Recall", "Onset_F-measure",
            "Precision_no_offset", "Recall_no_offset", "F-measure_no_offset",
            "Average_Overlap_Ratio_no_offset",
            "Precision", "Recall", "F-measure", "Average_Overlap_Ratio",
            "Offset_Precision", "Offset_Recall", "Offset_F-measure")])
    np.save(FOLDER / "notes.npy", np.concatenate(notes))
    np.save(FOLDER / "note_measures.npy", np.array(measures))
    print(np.mean(measures, axis=0))


main()
