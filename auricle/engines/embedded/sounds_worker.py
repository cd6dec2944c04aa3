"""The process that listens for sounds: `python -m auricle.engines.embedded.sounds_worker OPTIONS`.

OPTIONS is a JSON object, see `WorkerOptions`. In: `open` (an audio), `cancel`. Out: `ready` or `failed` once, then for
each audio its `events` or `error`. One thread does the work; open audios take turns, half a minute of audio each.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import orjson

from auricle.engines.embedded.events import find_events
from auricle.engines.embedded.tagger import SoundTagger, Tagging
from auricle.waveform import SAMPLE_RATE, Waveform
from auricle.workers import Channel, Frame, connect, step_back

NICENESS = 15  # sounds are heard beside speech, and speech is what a client waits for


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What the parent tells the worker on its command line."""

    bundle: str  # the folder of the TensorFlow variables
    cache_folder: str  # where the converted model is kept


class Turns:
    """The open audios, in the order of their next turns. One thread takes, any may open and cancel."""

    def __init__(self) -> None:
        self._open: OrderedDict[int, Tagging] = OrderedDict()
        self._changed = threading.Condition()

    def open(self, id: int, tagging: Tagging) -> None:
        with self._changed:
            self._open[id] = tagging
            self._changed.notify()

    def close(self, id: int) -> bool:
        """Forget an audio; whether it was still open."""
        with self._changed:
            return self._open.pop(id, None) is not None

    def take(self) -> tuple[int, Tagging]:
        """Whose turn it is; waits for one. It stays open and goes to the end of the queue."""
        with self._changed:
            self._changed.wait_for(lambda: self._open)
            id, tagging = next(iter(self._open.items()))
            self._open.move_to_end(id)
            return id, tagging


def _work(turns: Turns, channel: Channel) -> None:
    while True:
        id, tagging = turns.take()
        try:
            if not tagging.done:
                tagging.step()
            if not tagging.done:
                continue
            events = [dataclasses.asdict(event) for event in find_events(tagging.scores())]
            message = {"event": "events", "id": id, "events": events}
        except Exception as error:  # a file that vanished, a bug: it costs one audio and not the worker
            message = {"event": "error", "id": id, "detail": f"{type(error).__name__}: {error}"}
        if turns.close(id):
            channel.send(message)


def _waveform(frame: Frame) -> Waveform:
    path, count = frame.header["path"], frame.header["samples"]
    pcm = Path(path) if path else frame.payload
    return Waveform(pcm=pcm, sample_count=count, duration=Fraction(count, SAMPLE_RATE), tokens=0, digest="")


def main() -> None:
    channel = connect()
    options = WorkerOptions(**orjson.loads(sys.argv[1]))
    step_back(NICENESS)
    try:
        tagger = SoundTagger.load(Path(options.bundle), Path(options.cache_folder))
    except Exception as error:  # the parent says it in its own words
        channel.send({"event": "failed", "detail": str(error)})
        return
    channel.send({"event": "ready"})
    turns = Turns()
    threading.Thread(target=_work, args=(turns, channel), daemon=True, name="sounds").start()
    while (frame := channel.receive()) is not None:
        match frame.header["do"]:
            case "open":
                turns.open(frame.header["id"], tagger.open(_waveform(frame)))
            case "cancel":
                turns.close(frame.header["id"])
    os._exit(0)  # the parent is gone: work that is running must not hold this process


if __name__ == "__main__":
    main()
