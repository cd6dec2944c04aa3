"""The spool: one folder a server, and the folders of dead servers removed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from auricle.audio.spool import LOCK, ORPHAN_SECONDS, PREFIX, Spool

HOLD = """
import sys, time
from pathlib import Path
from auricle.audio.spool import Spool
spool = Spool(Path(sys.argv[1]))
spool.open()
path = spool.new_path()
path.write_bytes(b"x")
print(path, flush=True)
time.sleep(60)
"""


def test_a_dead_server_is_cleaned_up_after_and_a_living_one_is_not(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        path = Path(server.stdout.readline().strip())
        neighbour = Spool(tmp_path)
        neighbour.open()
        assert path.exists()
        neighbour.close()
        server.kill()
    assert path.exists()
    after = Spool(tmp_path)
    after.open()
    assert not path.parent.exists()
    after.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / LOCK).touch()
    (victim / "data").touch()
    (tmp_path / f"{PREFIX}link").symlink_to(victim, target_is_directory=True)
    (tmp_path / f"{PREFIX}file").touch()
    young = tmp_path / f"{PREFIX}young"
    young.mkdir()
    old = tmp_path / f"{PREFIX}old"
    old.mkdir()
    long_ago = time.time() - 2 * ORPHAN_SECONDS
    os.utime(old, (long_ago, long_ago))
    spool = Spool(tmp_path)
    spool.open()
    spool.close()
    assert (victim / "data").exists()
    assert young.exists()
    assert not old.exists()
    assert (tmp_path / f"{PREFIX}file").exists()


def test_opening_and_closing_twice_is_harmless(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "made" / "here")
    with pytest.raises(FileNotFoundError):
        spool.new_path()
    spool.open()
    spool.open()
    assert len(list((tmp_path / "made" / "here").iterdir())) == 1
    assert spool.new_path() != spool.new_path()
    spool.close()
    spool.close()
    assert list((tmp_path / "made" / "here").iterdir()) == []
