"""A PostgreSQL server of the tests' own, in a temporary folder; what needs one is skipped where none is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

USER = "auricle"


def binaries() -> Path | None:
    """The folder with `initdb` and `pg_ctl`; Debian keeps it off the PATH."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "pg_ctl").exists()), None)


def unprivileged() -> str | None:
    """Whom the server runs as: it refuses to be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    return None


@contextmanager
def running() -> Iterator[str]:
    """The URL of a server, without a database."""
    folder = binaries()
    if folder is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql): its half of the tests is left out")
    user = unprivileged()
    home = Path(tempfile.mkdtemp(prefix="auricle-pg-"))
    if user is not None:
        shutil.chown(home, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c max_connections=60 -c fsync=off"

    def run(*command: str) -> None:
        subprocess.run(command, user=user, cwd=home, check=True, capture_output=True, text=True, timeout=120)

    try:
        run(str(folder / "initdb"), "-D", str(home / "data"), "-A", "trust", "-U", USER, "--no-sync")
        log = str(home / "log")
        # Its output must not be a pipe of ours: the server keeps it open.
        subprocess.run(
            [str(folder / "pg_ctl"), "-D", str(home / "data"), "-o", options, "-l", log, "-w", "start"],
            user=user,
            cwd=home,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=120,
        )
        try:
            yield f"postgresql://{USER}@127.0.0.1:{port}"
        finally:
            run(str(folder / "pg_ctl"), "-D", str(home / "data"), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def new_database(server: str) -> str:
    """The URL of a new, empty database."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}"
