"""Peak memory of the whole server while it recognises a long file, above that for a 10-minute one.

    python -m bench.memory --weights FOLDER [--hours 3] [--talk 1.0]

The file is MP3 over HTTP, as base64: 24 kbit/s, or 8 where it would else be over the 50 MiB that an audio may have,
so that ten hours fit. In `--talk` of its time somebody speaks, five minutes at a stretch; the rest is faint noise.
Peak: resident memory of the server and its children together, ten times a second. Linux only.
"""

from __future__ import annotations

import argparse
import io
import sys
import threading
import time
from pathlib import Path

import av
import httpx
import numpy as np

from bench import sets
from bench.recognition import long_file
from bench.samples import RATE, Audio
from bench.server import Server, serve

MB = 1e6
SAMPLE_SECONDS = 0.1
BIT_RATES = (24_000, 8_000)  # bit/s
MAX_BYTES = 50 * 2**20  # of base64
NOISE = 0.0005  # of full scale


def mp3(samples: Audio, seconds: float) -> bytes:
    """`samples`, over and over, as MP3 of about `seconds`; encoded once, as MP3's frames stand for themselves."""
    times = max(1, round(seconds * RATE / samples.size))
    samples = samples[: round(seconds * RATE)]
    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2")
    bit_rate = next(rate for rate in BIT_RATES if rate / 8 * seconds * 4 / 3 < MAX_BYTES or rate == BIT_RATES[-1])
    out = io.BytesIO()
    with av.open(out, "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as container:
        stream = container.add_stream("mp3", rate=RATE, layout="mono")
        stream.bit_rate = bit_rate
        for start in range(0, pcm.size, RATE):
            frame = av.AudioFrame.from_ndarray(pcm[None, start : start + RATE], format="s16", layout="mono")
            frame.sample_rate = RATE
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return out.getvalue() * times


def talking(samples: Audio, share: float) -> Audio:
    """`samples`, and faint noise behind them, so that they are `share` of the whole."""
    rest = round(samples.size * (1 / share - 1))
    return np.concatenate([samples, np.random.default_rng(1).normal(0, NOISE, rest).astype(np.float32)])


def peak_bytes(server: Server, client: httpx.Client, data: bytes) -> tuple[int, float, int]:
    """Peak memory while `data` is recognised, seconds that it took, and characters that came out."""
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(SAMPLE_SECONDS):
            peak = max(peak, server.memory_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun = time.perf_counter()
    try:
        text = server.transcribe(client, server.body(data))
    finally:
        done.set()
        watcher.join()
    return peak, time.perf_counter() - begun, len(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--talk", type=float, default=1.0, help="share of the time in which somebody speaks")
    options = parser.parse_args()
    speech, _ = long_file(sets.load("report", language="en", condition="clean"), 300)
    samples = talking(speech, options.talk)
    peaks = []
    with serve(options.weights) as server, httpx.Client() as client:
        for seconds in (60.0, 600.0, options.hours * 3600):
            peak, took, size = peak_bytes(server, client, mp3(samples, seconds))
            peaks.append(peak)
            sys.stdout.write(
                f"{seconds / 60:.0f} minutes: peak {peak / MB:.0f} MB, {took:.0f} s ({seconds / took:.1f} audio-s/s), "
                f"{size} characters\n"
            )
            sys.stdout.flush()
    sys.stdout.write(f"above the 10-minute file: {(peaks[2] - peaks[1]) / MB:+.0f} MB\n")


if __name__ == "__main__":
    main()
