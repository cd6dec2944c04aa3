"""Our server against another one with the same weights, over the wire on both sides: `wyoming-faster-whisper`, the one
that Home Assistant speaks to (https://github.com/rhasspy/wyoming-faster-whisper).

    python -m bench.sets --least
    python -m bench.peer_server --weights FOLDER [--clips 32]

It is installed into an environment of its own in the cache folder, and runs with int8, beam 1, language unset and as
many threads as there are cores.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from bench import sets
from bench.recognition import CLIENTS, Side, fresh, spread
from bench.samples import RATE, Audio, read_audio
from bench.server import START_SECONDS, Server, serve

PACKAGE = "wyoming-faster-whisper==3.8.1"
CHUNK_BYTES = 32_000  # a second

Transcribe = Callable[[Audio], str]


def environment(folder: Path) -> Path:
    """The Python of an environment with the peer, made if it is not there."""
    python = folder / "bin" / "python"
    done = folder / "done"
    if not done.exists() or done.read_text("utf-8") != PACKAGE:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", PACKAGE], check=True)
        done.write_text(PACKAGE, "utf-8")
    return python


@dataclass(frozen=True, slots=True)
class Wyoming:
    """A client of the peer: a connection for each clip, events as a line of JSON and its payload."""

    port: int

    def transcribe(self, samples: Audio) -> str:
        pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
        shape = {"rate": RATE, "width": 2, "channels": 1}
        with socket.create_connection(("127.0.0.1", self.port)) as connection, connection.makefile("rwb") as stream:
            _write(stream, "transcribe", {})
            _write(stream, "audio-start", shape)
            for start in range(0, len(pcm), CHUNK_BYTES):
                _write(stream, "audio-chunk", shape, pcm[start : start + CHUNK_BYTES])
            _write(stream, "audio-stop", {})
            stream.flush()
            while True:
                kind, data = _read(stream)
                if kind == "transcript":
                    return str(data["text"])
                if kind == "error":
                    raise RuntimeError(str(data))


def _write(stream: io.BufferedRWPair, kind: str, data: dict[str, Any], payload: bytes = b"") -> None:
    header = {"type": kind, "data": data, "payload_length": len(payload)}
    stream.write(json.dumps(header).encode() + b"\n" + payload)


def _read(stream: io.BufferedRWPair) -> tuple[str, dict[str, Any]]:
    line = stream.readline()
    if not line:
        raise ConnectionError("the peer hung up")
    header = json.loads(line)
    data = dict(header.get("data") or {})
    if header.get("data_length"):
        data.update(json.loads(stream.read(header["data_length"])))
    stream.read(header.get("payload_length") or 0)
    return str(header["type"]), data


@contextlib.contextmanager
def peer(weights: Path) -> Iterator[Wyoming]:
    """The peer, once it answers."""
    python = environment(sets.cache_dir() / "peer-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(python), "-m", "wyoming_faster_whisper", "--uri", f"tcp://127.0.0.1:{port}"]
    command += ["--model", str(weights), "--data-dir", str(sets.cache_dir()), "--local-files-only"]
    command += ["--compute-type", "int8", "--beam-size", "1", "--stt-library", "faster-whisper"]
    command += ["--cpu-threads", str(os.cpu_count() or 1)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # it logs what it heard
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the peer did not start")
            time.sleep(0.2)
        yield Wyoming(port)
    finally:
        process.terminate()
        process.wait()


def at_once(transcribe: Transcribe, clips: list[sets.Clip], clients: int) -> Side:
    """All clips by `clients` at a time: seconds of the whole, and errors."""
    side = Side()
    audio = [read_audio(Path(clip.file)) for clip in clips]
    with ThreadPoolExecutor(clients) as pool:
        begun = time.perf_counter()
        texts = list(pool.map(transcribe, audio))
        side.seconds.append(time.perf_counter() - begun)
    for clip, text in zip(clips, texts, strict=True):
        side.score(text, clip.text, clip.language)
    return side


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=32, help="of each length, at most")
    options = parser.parse_args()
    clips = sets.load("report", language="en", condition="clean", speaker="joe")
    lengths = {"2-8 s": [c for c in clips if 2 <= c.seconds <= 8], "under 2 s": [c for c in clips if c.seconds < 2]}
    with serve(options.weights) as server, peer(options.weights.resolve()) as other, httpx.Client() as client:
        sides: dict[str, Transcribe] = {"ours": _ours(server, client), "wyoming-faster-whisper": other.transcribe}
        for transcribe in sides.values():
            transcribe(read_audio(Path(clips[0].file)))  # warm
        for length, all_of_it in lengths.items():
            chosen = spread(all_of_it, options.clips)
            for clients in (CLIENTS, 1):
                found = {name: at_once(transcribe, chosen, clients) for name, transcribe in sides.items()}
                mine = found["ours"].seconds[0]
                line = f"{len(chosen)} clips of {length}, {clients} at once:"
                for name, side in found.items():
                    line += f" {name} {side.seconds[0]:.2f} s (x{side.seconds[0] / mine:.2f}), WER {side.wer:.4f};"
                sys.stdout.write(line.rstrip(";") + "\n")
                sys.stdout.flush()


def _ours(server: Server, client: httpx.Client) -> Transcribe:
    return lambda samples: server.transcribe(client, server.body(fresh(samples)))


if __name__ == "__main__":
    main()
