"""A small part of `make fuzz`, in every run."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from tests.cli.test_serve import served
from tests.fuzz.decoder import SETTINGS, files, fuzz


def test_mutated_files_are_answered_in_time(tmp_path: Path) -> None:
    given = argparse.Namespace(files=150, seed=2, keep=tmp_path / "findings")
    with served(tmp_path, **SETTINGS) as (_, url):
        assert asyncio.run(fuzz(int(url.rpartition(":")[2]), given)) == 0


def test_the_same_seed_makes_the_same_files() -> None:
    assert list(files(60, 3)) == list(files(60, 3))
    assert [data for _, data in files(60, 3)] != [data for _, data in files(60, 4)]
