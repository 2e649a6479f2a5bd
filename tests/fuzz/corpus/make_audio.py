"""Seeds of the audio reader: one small sound in every container and coding, whole and damaged.

Python 3.11, numpy, soundfile 0.13 (libsndfile 1.2 with FLAC, Vorbis, Opus and MPEG).
    python3 make_audio.py      writes audio/
"""
import io
import pathlib

import numpy as np
import soundfile as sf

FOLDER = pathlib.Path(__file__).parent / "audio"
RATE = 16000

FORMATS = [
    ("wav16", "WAV", "PCM_16"), ("wav24", "WAV", "PCM_24"), ("wavf", "WAV", "FLOAT"),
    ("wav_ulaw", "WAV", "ULAW"), ("wav_adpcm", "WAV", "IMA_ADPCM"), ("rf64", "RF64", "PCM_16"),
    ("w64", "W64", "PCM_16"), ("aiff", "AIFF", "PCM_16"), ("au", "AU", "PCM_16"),
    ("caf", "CAF", "PCM_16"), ("flac16", "FLAC", "PCM_16"), ("flac24", "FLAC", "PCM_24"),
    ("vorbis", "OGG", "VORBIS"), ("opus", "OGG", "OPUS"), ("mp3", "MP3", "MPEG_LAYER_III"),
]


def sound(channels):
    t = np.arange(480) / RATE
    return np.stack([0.3 * np.sin(2 * np.pi * (440 + 110 * c) * t) for c in range(channels)], axis=1)


def encoded(container, coding, channels):
    data = io.BytesIO()
    sf.write(data, sound(channels), RATE, format=container, subtype=coding)
    return data.getvalue()


def main():
    FOLDER.mkdir(exist_ok=True)
    for name, container, coding in FORMATS:
        whole = encoded(container, coding, 2 if name.endswith("16") else 1)
        (FOLDER / f"{name}.bin").write_bytes(whole)
        (FOLDER / f"{name}_cut.bin").write_bytes(whole[: len(whole) * 2 // 3])
        flipped = bytearray(whole)
        for at in range(len(whole) // 3, len(whole), 97):
            flipped[at] ^= 0x55
        (FOLDER / f"{name}_flipped.bin").write_bytes(bytes(flipped))
    (FOLDER / "empty.bin").write_bytes(b"")
    (FOLDER / "text.bin").write_bytes(b"this is no sound\n")


if __name__ == "__main__":
    main()
