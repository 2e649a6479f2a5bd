"""Writes pairs of random feature sequences and how librosa and fastdtw align them.

    python3 make_golden.py

Needs the versions below exactly (fastdtw without its compiled part, which is what a wheel built in
isolation is).
"""
import pathlib

import fastdtw
import librosa
import numpy as np
import scipy

assert (np.__version__, scipy.__version__, librosa.__version__) == ("2.4.6", "1.17.1", "0.11.0")
assert "_fastdtw" not in str(fastdtw.fastdtw.__module__), "the compiled fastdtw orders ties otherwise"

FOLDER = pathlib.Path(__file__).parent


def warped_pair(rng, frames, columns, stretch, noise):
    """A smooth random walk and the same at another, uneven speed; exact in float32."""
    a = np.cumsum(rng.normal(size=(frames, columns)), axis=0)
    position = np.cumsum(rng.uniform(0.2, 1.8, int(frames * stretch)))
    position = (position - position[0]) / (position[-1] - position[0]) * (frames - 1)
    b = np.stack([np.interp(position, np.arange(frames), a[:, k]) for k in range(columns)], axis=1)
    return a.astype(np.float32), (b + noise * rng.normal(size=b.shape)).astype(np.float32)


def with_ties(rng, frames):
    """Few values on a coarse grid: most decisions are ties."""
    return (rng.integers(0, 3, (frames, 2)).astype(np.float32),
            rng.integers(0, 3, (frames + 7, 2)).astype(np.float32))


def main():
    rng = np.random.default_rng(7)
    cases = {
        "plain": warped_pair(rng, 61, 5, 1.3, 0.3),
        "long": warped_pair(rng, 157, 3, 0.6, 0.1),
        "short": warped_pair(rng, 2, 4, 3.5, 0.1),
        "ties": with_ties(rng, 40),
    }
    for name, (a, b) in cases.items():
        exact, path = librosa.sequence.dtw(X=a.T.astype(np.float64), Y=b.T.astype(np.float64),
                                           metric="euclidean", backtrack=True)
        fast, fast_path = fastdtw.fastdtw(a.astype(np.float64), b.astype(np.float64), radius=1,
                                          dist=scipy.spatial.distance.euclidean)
        wide, wide_path = fastdtw.fastdtw(a.astype(np.float64), b.astype(np.float64), radius=3,
                                          dist=scipy.spatial.distance.euclidean)
        np.save(FOLDER / f"{name}.a.npy", a)
        np.save(FOLDER / f"{name}.b.npy", b)
        np.save(FOLDER / f"{name}.librosa.npy", np.array(path[::-1], np.float64))
        np.save(FOLDER / f"{name}.fastdtw_1.npy", np.array(fast_path, np.float64))
        np.save(FOLDER / f"{name}.fastdtw_3.npy", np.array(wide_path, np.float64))
        np.save(FOLDER / f"{name}.costs.npy", np.array([exact[-1, -1], fast, wide], np.float64))
        print(name, a.shape, b.shape, exact[-1, -1], fast, wide)


main()
