"""A model for the tests of model processes: counts as far as it is asked to, or fails in the ways that models do."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auricle.engines.embedded.model_process import Answers, serve
from auricle.workers import Frame


class Numbers:
    def __init__(self, config: dict[str, Any], answers: Answers) -> None:
        if (problem := Path(config["weights"]).read_text()) != "good":
            raise ValueError(problem)
        self._answers = answers
        self._cancelled: set[int] = set()

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"pid": os.getpid(), "secret": os.environ.get("AURICLE_SECRET", ""), "told": os.environ.get("TOLD", "")}

    def open(self, id: int, frame: Frame) -> None:
        asked = frame.header["request"]
        if asked.get("broken"):
            raise LookupError("in the beginning")
        threading.Thread(target=self._count, args=(id, asked, frame.payload), daemon=True).start()

    def cancel(self, id: int) -> None:
        self._cancelled.add(id)

    def _count(self, id: int, asked: dict[str, Any], payload: bytes) -> None:
        for number in range(asked["numbers"]):
            if id in self._cancelled:
                self._answers.note(cancelled=id, after=number)
                return
            if number == asked.get("die_at"):
                os._exit(7)
            if number == asked.get("garble_at"):
                self._answers._channel.send({"no": "event"})
            self._answers.item(id, {"number": number, "of": len(payload)})
            time.sleep(asked.get("pause_seconds", 0.0))
        if asked.get("fail"):
            self._answers.error(id, ValueError("in the end"))
        else:
            self._answers.end(id)


if __name__ == "__main__":
    serve(Numbers, niceness=0)
