"""Processes that tests watch end."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path


def alive(pid: int) -> bool:
    """Whether it runs: what has ended and was not waited for does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # it has just gone, or there is no such folder and `kill` was right
        return not Path("/proc").exists()


def wait_gone(pids: Iterable[int], seconds: float) -> None:
    """Fails if one of them runs on for longer than `seconds`."""
    left, deadline = set(pids), time.monotonic() + seconds
    while left := {pid for pid in left if alive(pid)}:
        if time.monotonic() > deadline:
            raise AssertionError(f"processes run on: {sorted(left)}")
        time.sleep(0.02)
