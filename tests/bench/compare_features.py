"""Times `ondes bench features` beside librosa, torchaudio, Kaldi, SPTK and pymcd.

    python3 compare_features.py --ondes build/release/bin/ondes --rounds 5 REF.wav GEN.wav [more.wav]

Everything runs on one thread, on the same samples, in turns: a round is one pass of every program (three
of ours, because each round is a fresh process with empty caches), and of each the least processor time
of all rounds counts (user and system, of child processes too), which a busy machine disturbs little.
Ours is timed from nothing, its tables and plans included; torchaudio's transforms are made beforehand.
That the answers agree is the business of tests/golden/.

Needs numpy, soundfile; each of librosa, torch with torchaudio, kaldi_native_fbank, pysptk, pymcd, fastdtw
and SPTK's programs (Debian's `sptk`) that is there is measured, the others are left out and named.
"""
import argparse
import collections
import importlib.metadata
import json
import os
import platform
import subprocess
import tempfile
import time

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import soundfile

MISSING = []


def have(module):
    try:
        return __import__(module)
    except ImportError as error:
        MISSING.append(f"{module} ({error})")
        return None


def cpu_seconds():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class Clock:
    """time.process_time is finer than os.times, which alone knows of children."""

    def __init__(self, children):
        self.now = cpu_seconds if children else time.process_time

    def measure(self, function):
        begin = self.now()
        value = function()
        return self.now() - begin, value


def alpha_frames(rate):
    """The bench's mel-cepstra: 25 ms every 5 ms, Hamming, FFT 1024, int16 scale, eps 1e-6."""
    return min(rate // 40, 1024), max(rate // 200, 1)


def sptk(program, data, *options):
    command = ["sptk", program, *map(str, options)]
    return subprocess.run(command, input=data, check=True, capture_output=True).stdout


def sptk_mcep(x, rate, alpha):
    length, hop = alpha_frames(rate)
    # -n: the first frame begins at the first sample
    frames = sptk("frame", (x * 32768).astype(np.float32).tobytes(), "-l", length, "-p", hop, "-n")
    windowed = sptk("window", frames, "-l", length, "-L", 1024, "-w", 1)
    return sptk("mcep", windowed, "-l", 1024, "-m", 24, "-a", alpha, "-e", 1e-6)


def sptk_mcd(a, b, rate, alpha):
    """mcep of both and SPTK's own dynamic time warping of c1..c24."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, x in (("a", a), ("b", b)):
            mcep = sptk("bcp", sptk_mcep(x, rate, alpha), "+f", "-l", 25, "-L", 24, "-s", 1, "-e", 24)
            paths.append(os.path.join(folder, name))
            with open(paths[-1], "wb") as file:
                file.write(mcep)
        with open(paths[1], "rb") as file:
            return sptk("dtw", file.read(), "-m", 24, paths[0])


def add_librosa(peers, x, rate):
    librosa = have("librosa")
    if librosa is None:
        return
    power_to_db = librosa.power_to_db
    mel = librosa.feature.melspectrogram
    peers["log_mel_librosa"].append(("librosa", lambda: power_to_db(mel(y=x, sr=rate))))
    peers["mfcc_librosa"].append(("librosa", lambda: librosa.feature.mfcc(y=x, sr=rate)))
    peers["chroma"].append(
        ("librosa", lambda: librosa.feature.chroma_stft(y=x, sr=rate, tuning=0.0)))
    peers["onset_strength"].append(("librosa", lambda: librosa.onset.onset_strength(y=x, sr=rate)))
    peers["zero_crossings"].append(("librosa", lambda: librosa.feature.zero_crossing_rate(x)))


def add_torchaudio(peers, x, rate):
    torch, torchaudio = have("torch"), have("torchaudio")
    if torch is None or torchaudio is None:
        return
    torch.set_num_threads(1)
    wave = torch.from_numpy(x)
    kaldi = torchaudio.compliance.kaldi
    scaled = (wave * 32768)[None]
    librosa_like = {"n_fft": 2048, "hop_length": 512, "n_mels": 128, "norm": "slaney",
                    "mel_scale": "slaney", "pad_mode": "constant"}
    transforms = torchaudio.transforms
    mel = torch.nn.Sequential(transforms.MelSpectrogram(rate, **librosa_like),
                              transforms.AmplitudeToDB(top_db=80))
    mfcc = transforms.MFCC(rate, n_mfcc=20, melkwargs=librosa_like)
    hifigan = transforms.MelSpectrogram(rate, n_fft=1024, hop_length=256, n_mels=80, f_max=8000,
                                        power=1, norm="slaney", mel_scale="slaney")

    def timed(name, function):
        def run():
            with torch.inference_mode():
                return function().numpy()
        peers[name].append(("torchaudio", run))

    timed("log_mel_librosa", lambda: mel(wave))
    timed("mfcc_librosa", lambda: mfcc(wave))
    timed("log_mel_hifigan", lambda: torch.log(torch.clamp(hifigan(wave), min=1e-5)))
    timed("log_mel_kaldi", lambda: kaldi.fbank(scaled, sample_frequency=rate, num_mel_bins=80))
    timed("mfcc_kaldi", lambda: kaldi.mfcc(scaled, sample_frequency=rate))


def add_kaldi(peers, x, rate):
    kaldi = have("kaldi_native_fbank")
    if kaldi is None:
        return

    def features(online, options):
        options.frame_opts.dither = 0
        options.frame_opts.samp_freq = rate
        computer = online(options)
        computer.accept_waveform(rate, scaled)
        computer.input_finished()
        return np.stack([computer.get_frame(i) for i in range(computer.num_frames_ready)])

    scaled = (x * 32768).tolist()
    options = kaldi.FbankOptions()
    options.mel_opts.num_bins = 80
    peers["log_mel_kaldi"].append(
        ("kaldi-native-fbank", lambda: features(kaldi.OnlineFbank, options)))
    if hasattr(kaldi, "OnlineMfcc"):
        mfcc_options = kaldi.MfccOptions()
        mfcc_options.use_energy = False
        peers["mfcc_kaldi"].append(
            ("kaldi-native-fbank", lambda: features(kaldi.OnlineMfcc, mfcc_options)))


def add_sptk(peers, x, a, b, rate):
    pysptk = have("pysptk")
    if pysptk is not None:
        alpha = pysptk.util.mcepalpha(rate)
        length, hop = alpha_frames(rate)
        window = pysptk.sptk.hamming(length)

        def in_process():
            frames = np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), length)[::hop]
            padded = np.zeros((len(frames), 1024))
            padded[:, :length] = frames * 32768 * window
            return pysptk.mcep(padded, 24, alpha, eps=1e-6, etype=1)

        peers["mel_cepstrum"].append(("pysptk", in_process))
    try:
        sptk("x2x", b"")
    except (OSError, subprocess.CalledProcessError) as error:
        MISSING.append(f"SPTK ({error})")
        return
    alpha = 0.455 if pysptk is None else pysptk.util.mcepalpha(rate)
    peers["mel_cepstrum"].append(("SPTK mcep", lambda: sptk_mcep(x, rate, alpha)))
    peers["mcd"].append(("SPTK mcep, dtw", lambda: sptk_mcd(a, b, rate, alpha)))


def add_pymcd(peers, paths):
    if have("pymcd") is None:
        return
    from pymcd.mcd import Calculate_MCD
    peers["mcd"].append(
        ("pymcd", lambda: Calculate_MCD(MCD_mode="dtw").calculate_mcd(paths[0], paths[1])))


def our_round(arguments, names):
    out = subprocess.run([arguments.ondes, "bench", "features", *arguments.files, "--json", "--passes", "3",
                          "--length", str(arguments.length), "--only", ",".join(names)],
                         check=True, capture_output=True, text=True).stdout
    return {line["name"]: line for line in map(json.loads, out.splitlines())}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ondes", default="build/release/bin/ondes")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--length", type=float, default=60.0, help="seconds of audio")
    parser.add_argument("--only", help="names of lines, with commas between them")
    parser.add_argument("files", nargs="+", metavar="WAV")
    arguments = parser.parse_args()
    clips = [soundfile.read(path, dtype="float32") for path in arguments.files]
    rate = clips[0][1]
    joined = np.concatenate([samples for samples, _ in clips])
    x = np.resize(joined, int(np.ceil(arguments.length * rate)))

    names = ["log_mel_librosa", "log_mel_hifigan", "log_mel_kaldi", "mfcc_librosa", "mfcc_kaldi",
             "chroma", "onset_strength", "zero_crossings", "mel_cepstrum"]
    if len(clips) > 1:
        names.append("mcd")
    if arguments.only:
        names = [name for name in names if name in arguments.only.split(",")]
    peers = collections.defaultdict(list)
    add_librosa(peers, x, rate)
    add_torchaudio(peers, x, rate)
    add_kaldi(peers, x, rate)
    if len(clips) > 1:
        add_sptk(peers, x, clips[0][0], clips[1][0], rate)
        add_pymcd(peers, arguments.files)

    ours, best = {}, {}
    for name in names:  # once for what is compiled or read on first use
        for _, run in peers[name]:
            run()
    for _ in range(arguments.rounds):
        for name, line in our_round(arguments, names).items():
            ours[name] = min(ours.get(name, np.inf), line["cpu_s"])
        for name in names:
            for peer, run in peers[name]:
                seconds, _ = Clock(children=peer.startswith("SPTK")).measure(run)
                best[name, peer] = min(best.get((name, peer), np.inf), seconds)

    versions = {}
    for package in ("librosa", "torchaudio", "kaldi-native-fbank", "pysptk", "pymcd"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    print(f"{platform.machine()}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; "
          f"{arguments.length:g} s at {rate} Hz, one thread, processor time, best of "
          f"{arguments.rounds}; {versions}")
    for missing in MISSING:
        print("not there:", missing)
    print(f"{'analysis':<18}{'ondes ms':>10}  {'peer':<20}{'ms':>10}{'ratio':>8}")
    for name in names:
        for peer, _ in peers[name] or [("-", None)]:
            seconds = best.get((name, peer))
            tail = f"{1e3 * seconds:>10.1f}{seconds / ours[name]:>8.1f}" if seconds else ""
            print(f"{name:<18}{1e3 * ours[name]:>10.2f}  {peer:<20}{tail}")


if __name__ == "__main__":
    main()
