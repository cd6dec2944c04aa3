"""Where long decoded audio lies while its request runs, and how what a killed server left there is found."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = "auricle-spool-"
LOCK = "lock"
ORPHAN_SECONDS = 3600.0  # a folder without a lock is left alone for so long: somebody may be about to lock it


class Spool:
    """A folder of one server's own, mode 0700, in the spool directory; locked as long as the server lives."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory or Path(tempfile.gettempdir())
        self._folder: Path | None = None
        self._lock: FileLock | None = None

    def open(self) -> None:
        """Remove what servers left that are no more, and make this one's folder. Raises OSError."""
        if self._folder is not None:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        self._sweep()
        while True:
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._directory))
            lock = FileLock(folder / LOCK, timeout=0)
            try:
                lock.acquire()
            except (Timeout, OSError):  # another server's sweep was quicker
                continue
            self._folder, self._lock = folder, lock
            return

    def new_path(self) -> Path:
        """A path for one audio; nothing is there yet."""
        if self._folder is None:
            raise FileNotFoundError("the spool is not open")
        return self._folder / f"{secrets.token_hex(16)}.pcm"

    def close(self) -> None:
        """Remove the folder with all that is in it. Safe to call twice."""
        folder, lock, self._folder, self._lock = self._folder, self._lock, None, None
        if lock is not None:
            lock.release()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _sweep(self) -> None:
        for folder in self._directory.glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):
                self._remove_if_abandoned(folder)

    def _remove_if_abandoned(self, folder: Path) -> None:
        status = folder.lstat()
        if not folder.is_dir() or folder.is_symlink() or (sys.platform != "win32" and status.st_uid != os.getuid()):
            return
        if not (folder / LOCK).exists():
            if time.time() - status.st_mtime > ORPHAN_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
            return
        lock = FileLock(folder / LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout:  # its server lives
            return
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)
