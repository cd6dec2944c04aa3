"""Containers told by their bytes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.audio import formats
from auricle.audio.formats import recognise
from auricle.config import EXTRA_FORMATS
from auricle.errors import UnsupportedFormat
from tests.audio.encoding import channels, encode, id3, id3_picture, melody, wav

EXAMPLES = Path(__file__).parents[2] / "examples"
TONE = melody(0.5, 48_000)[None]
MP3 = encode(TONE, 48_000, "libmp3lame", "mp3")
FLAC = encode(TONE, 48_000, "flac", "flac")


@pytest.mark.parametrize("container", ["wav", "mp3", "flac", "m4a", "ogg"])
def test_examples_are_recognised(container: str) -> None:
    assert recognise((EXAMPLES / f"ask-not.{container}").read_bytes()) == container


@pytest.mark.parametrize("rate", [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_mp3_of_every_rate(rate: int, layout: str) -> None:
    tone = channels(melody(0.5, rate), 1 if layout == "mono" else 2)
    assert recognise(encode(tone, rate, "libmp3lame", "mp3", layout=layout, options={"write_id3v2": "0"})) == "mp3"


@pytest.mark.parametrize(
    ("data", "container"),
    [
        (id3(3000) + MP3, "mp3"),
        (id3(10) + id3(10) + MP3, "mp3"),
        (id3(100, frames=id3_picture(b"\xff\xd8\xff\xe0" + os.urandom(200_000))) + MP3, "mp3"),
        (id3(10) + bytes(300_000) + MP3, "mp3"),
        (b"\x01junk" * 500 + MP3, "mp3"),
        (id3(50) + FLAC, "flac"),
        (wav(bytes(100)), "wav"),
        (b"RF64\xff\xff\xff\xffWAVEds64", "wav"),
        (b"BW64\xff\xff\xff\xffWAVEds64", "wav"),
        (b"RIFX\x00\x00\x00\x24WAVEfmt ", "wav"),
        (b"\x00\x00\x00\x20ftypM4A \x00", "m4a"),
        (b"\x00\x00\x00\x18ftypisom\x00", "m4a"),
        (b"\x00\x00\x00\x14ftypqt  \x00", "m4a"),
    ],
)
def test_variants_are_recognised(data: bytes, container: str) -> None:
    assert recognise(data) == container


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"hello world" * 100,
        b"<html><body>not found</body></html>",
        b'{"error": "no"}',
        b"%PDF-1.7\n" + bytes(1000),
        b"\x89PNG\r\n\x1a\n" + bytes(1000),
        b"\xff\xd8\xff\xe0" + bytes(1000),
        b"PK\x03\x04" + MP3,
        b"\x1aE\xdf\xa3" + MP3,
        b"RIFF\x00\x00\x00\x00AVI " + MP3,
        b"FORM\x00\x00\x00\x00AIFF",
        b"#EXTM3U\nhttp://127.0.0.1/a.ts\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"\x00\x00\x00\x20ftypheic\x00",
        b"\x00\x00\x00\x20ftypavif\x00",
        b"\xff\xfb" * 40_000,
        b"\xff" * 100_000,
        bytes(100_000),
        id3(1000),
        id3(1000) + b"\xff\xf1\x50\x80\x02\x1f\xfc" * 10,
        b"ID3",
        b"\xff\xfb\x90\x64",  # a header and nothing more
    ],
)
def test_anything_else_is_refused_in_the_official_words(data: bytes) -> None:
    with pytest.raises(UnsupportedFormat) as caught:
        recognise(data)
    assert caught.value.param == "invalid audio format, only mp3/flac/m4a/wav/ogg are supported"
    assert caught.value.status == 400


@given(st.binary(max_size=2000))
def test_arbitrary_bytes_are_recognised_or_refused(data: bytes) -> None:
    try:
        assert recognise(data, EXTRA_FORMATS) in {"wav", "mp3", "flac", "m4a", "ogg", *EXTRA_FORMATS}
    except UnsupportedFormat:
        pass


def test_extra_formats_are_those_of_the_settings() -> None:
    assert set(formats._EXTRA) == set(EXTRA_FORMATS)


def test_extra_formats_are_recognised_only_when_allowed() -> None:
    aiff = encode(TONE, 48_000, "pcm_s16be", "aiff")
    assert recognise(aiff, ("aiff",)) == "aiff"
    with pytest.raises(UnsupportedFormat):
        recognise(aiff, ("matroska",))
    with pytest.raises(UnsupportedFormat):
        recognise(aiff)
