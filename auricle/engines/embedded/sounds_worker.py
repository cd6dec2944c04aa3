"""The process that listens for sounds, see `model_process.py`.

A request is an audio; its items are its sound events. One thread does the work; open audios take turns, half a minute
of audio each.
"""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auricle.engines.embedded.events import find_events
from auricle.engines.embedded.model_process import Answers, requested_audio, serve
from auricle.engines.embedded.tagger import SoundTagger, Tagging
from auricle.workers import Frame

NICENESS = 15  # sounds are heard beside speech, and speech is what a client waits for


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


class Listening:
    """YAMNet, and the thread that runs it."""

    facts: Mapping[str, Any] = {}

    def __init__(self, config: dict[str, Any], answers: Answers) -> None:
        self._tagger = SoundTagger.load(Path(config["bundle"]), Path(config["cache_folder"]))
        self._answers = answers
        self._turns = Turns()
        threading.Thread(target=self._work, daemon=True, name="sounds").start()

    def open(self, id: int, frame: Frame) -> None:
        self._turns.open(id, self._tagger.open(requested_audio(frame)))

    def cancel(self, id: int) -> None:
        self._turns.close(id)

    def _work(self) -> None:
        while True:
            id, tagging = self._turns.take()
            try:
                if not tagging.done:
                    tagging.step()
                if not tagging.done:
                    continue
                events = find_events(tagging.scores())
            except Exception as error:  # a file that vanished, a bug: it costs one audio and not the process
                self._turns.close(id)
                self._answers.error(id, error)
                continue
            if self._turns.close(id):
                for event in events:
                    self._answers.item(id, dataclasses.asdict(event))
                self._answers.end(id)


if __name__ == "__main__":
    serve(Listening, NICENESS)
