"""The parsers of hostile bytes under atheris (libFuzzer): one target a run.

    python -m tests.fuzz.parsers TARGET [libFuzzer options, corpus folders]
    python -m tests.fuzz.parsers --seeds FOLDER

A target fails by raising anything but what its function says it raises, or by a promise that does not hold.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["auricle"]):
    import orjson

    from auricle.api import body as body_module
    from auricle.api.body import Body, BodyReader
    from auricle.api.parse import parse_chat
    from auricle.audio.addresses import Refused, parse
    from auricle.audio.formats import recognise
    from auricle.audio.ogg import links
    from auricle.audio.source import decode_base64
    from auricle.config import EXTRA_FORMATS
    from auricle.errors import AudioTooLarge, BadRequest, BodyTooLarge, InvalidAudio, UnsupportedFormat
    from auricle.types import Task

TASKS = {"mimo-v2.5": Task.UNDERSTAND, "mimo-v2.5-asr": Task.RECOGNIZE}
MIB = 1024 * 1024
SHORT_CUT_BYTES = 48  # in place of 64 KiB; "data:" has 30, all escaped
LOOP = asyncio.new_event_loop()


class Broken(Exception):
    """A promise does not hold."""


def formats(data: bytes) -> None:
    try:
        recognise(data, EXTRA_FORMATS)
    except UnsupportedFormat:
        pass


def ogg(data: bytes) -> None:
    if b"".join(links(data)) != data:
        raise Broken("the links are not the file")


def source(data: bytes) -> None:
    try:
        whole = decode_base64(data, "here", MIB)
    except (InvalidAudio, AudioTooLarge):
        whole = b""
    if len(whole) > len(data):
        raise Broken("more bytes than text")


def address(data: bytes) -> None:
    try:
        parse(data.decode("utf-8", "replace"))
    except Refused:
        pass


def read(data: bytes, piece_bytes: int) -> Body | None:
    reader = BodyReader(MIB, MIB)
    try:
        for start in range(0, len(data), piece_bytes):
            reader.feed(data[start : start + piece_bytes])
        return LOOP.run_until_complete(reader.finish())
    except (BadRequest, BodyTooLarge):
        return None


def body(data: bytes) -> None:
    """A body in pieces is what orjson says it is."""
    if not data:
        return
    try:
        expected = orjson.loads(data[1:])
    except orjson.JSONDecodeError:
        expected = None
    found = read(data[1:], data[0] + 1)
    if found is not None and not found.cuts and found.fields != expected:
        raise Broken("read something else than orjson")
    if found is None and isinstance(expected, dict):
        raise Broken("refused what orjson reads")


def cut(data: bytes) -> None:
    """An audio that is decoded as it comes in is the one that is decoded afterwards."""
    if not data:
        return
    raw = b'{"data":"' + data[1:] + b'"}'
    try:
        expected = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return
    # Blanks may keep the prefix out of the first SHORT_CUT_BYTES. Of CUT_BYTES they cannot: both look no further.
    if list(expected) == ["data"] and expected["data"][:1].isspace():
        return
    found = read(raw, data[0] + 1)
    if found is None or list(expected) != ["data"] or found.fields["data"] not in found.cuts:
        return
    audio = [outcome(lambda: found.cuts[found.fields["data"]].take("here"))]
    audio.append(outcome(lambda: decode_base64(expected["data"], "here", MIB)))
    if audio[0] != audio[1]:
        raise Broken(f"{audio[0]!r} as it comes in, {audio[1]!r} afterwards")


def outcome(decode: Callable[[], bytes]) -> bytes:
    """What was decoded; nothing for what is no audio."""
    try:
        return decode()
    except (InvalidAudio, AudioTooLarge):
        return b""


def chat(data: bytes) -> None:
    found = read(data, 4096)
    if found is not None:
        try:
            parse_chat(found, TASKS, "id")
        except BadRequest:
            pass


TARGETS: dict[str, Callable[[bytes], None]] = {
    "formats": formats,
    "ogg": ogg,
    "source": source,
    "address": address,
    "body": body,
    "cut": cut,
    "chat": chat,
}


def write_seeds(folder: Path) -> None:
    from tests.fuzz import seeds

    audio = {name: data[:20_000] for name, data in seeds.audio().items()}
    base64_texts = {
        "url": b"data:audio/wav;base64,UklGRg%3D%3D",
        "lines": b"QUJD\r\nREVG",
        "safe": b"_-8",
        "pad": b"QQ=",
    }
    urls = (
        "https://example.com:8443/a?b#c",
        "http://[::ffff:127.0.0.1]/",
        "http://0x7f.1/",
        "https://u:p@b\u00fccher.de",
    )
    kinds = {
        "formats": audio,
        "ogg": {name: data for name, data in audio.items() if b"OggS" in data},
        "source": base64_texts,
        "address": {str(number): url.encode() for number, url in enumerate(urls)},
        "body": {name: b"\x07" + data for name, data in seeds.bodies().items()},
        "cut": {name: b"\x05" + text.replace(b"\r\n", rb"\r\n") * 9 for name, text in base64_texts.items()},
        "chat": seeds.bodies(),
    }
    for kind, cases in kinds.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name, data in cases.items():
            (folder / kind / name).write_bytes(data)


def main() -> None:
    if sys.argv[1] == "--seeds":
        write_seeds(Path(sys.argv[2]))
        return
    target = TARGETS[sys.argv.pop(1)]
    if target is cut:
        body_module.CUT_BYTES = SHORT_CUT_BYTES
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
