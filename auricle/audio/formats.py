"""Which container encoded audio is in, told by its bytes alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from auricle.errors import UnsupportedFormat

JUNK_BYTES = 64 * 1024  # before the first frame of an MP3, searched at most
MAX_TAGS = 16  # ID3v2 tags in a row

# kbit/s by bitrate index, of Layer III: MPEG-1, then MPEG-2 and 2.5. 0 (free format) and 15 are not decodable.
_MPEG1_KBITS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
_MPEG2_KBITS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)
_MPEG1_RATES = (44_100, 48_000, 32_000, 0)  # Hz by index; halved for MPEG-2, quartered for MPEG-2.5
_LAYER3_SYNC = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")

# What begins like this is something else, though MP3 frames may lie inside it.
_NOT_MP3 = (
    *(b"RIFF", b"RIFX", b"FORM", b"\x1aE\xdf\xa3", b"FLV", b"\x00\x00\x01", b"0&\xb2u", b"PK\x03\x04", b"%PDF"),
    *(
        b"OggS",
        b"MThd",
        b"<",
        b"{",
        b"\x89PNG",
        b"\xff\xd8\xff",
        b"GIF8",
        b"\x7fELF",
        b"MZ",
        b"\x1f\x8b",
        b"7z\xbc\xaf",
    ),
    *(b"Rar!", b"#EXTM3U", b"ffconcat", b"caff", b"wvpk", b"MAC ", b".snd", b"#!AMR", b"ADIF"),
)

PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"crx ")
"""Brands of pictures in the same container as MP4."""


def _riff(data: bytes, form: bytes) -> bool:
    return data[:4] in (b"RIFF", b"RIFX") and data[8:12] == form


_EXTRA: dict[str, Callable[[bytes], bool]] = {
    "aac": lambda data: data[:1] == b"\xff" and len(data) > 6 and data[1] & 0xF6 == 0xF0,
    "aiff": lambda data: data[:4] == b"FORM" and data[8:12] in (b"AIFF", b"AIFC"),
    "amr": lambda data: data.startswith(b"#!AMR"),
    "asf": lambda data: data.startswith(b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel"),
    "au": lambda data: data.startswith(b".snd"),
    "avi": lambda data: _riff(data, b"AVI "),
    "caf": lambda data: data.startswith(b"caff"),
    "matroska": lambda data: data.startswith(b"\x1aE\xdf\xa3"),
    "mpegts": lambda data: data[:1] == b"G" and data[188:189] == b"G" and data[376:377] == b"G",
    "w64": lambda data: data.startswith(b"riff.\x91\xcf\x11\xa5\xd6(\xdb\x04\xc1\x00\x00"),
    "wv": lambda data: data.startswith(b"wvpk"),
}
"""Formats that an operator may add, each with its signature."""


def demuxer(container: str) -> str:
    """The one FFmpeg demuxer that reads `container`."""
    return "mov" if container == "m4a" else container


def recognise(data: bytes, extra: Collection[str] = ()) -> str:
    """The container of `data`: `wav`, `mp3`, `flac`, `m4a`, `ogg`, or one of `extra`.

    Names and MIME types are never asked. Raises UnsupportedFormat for everything else, audio or not.
    """
    if (data[:4] in (b"RF64", b"BW64") and data[8:12] == b"WAVE") or _riff(data, b"WAVE"):
        return "wav"
    if data.startswith(b"OggS"):
        return "ogg"
    if data[4:8] == b"ftyp" and data[8:12] not in PICTURE_BRANDS:
        return "m4a"
    start = _after_tags(data)
    if data[start : start + 4] == b"fLaC":
        return "flac"
    for name in extra:
        if _EXTRA[name](data[start:] if name == "aac" else data):
            return name
    if not data.startswith(_NOT_MP3, start) and _has_mp3_frames(data, start):
        return "mp3"
    raise UnsupportedFormat


def _after_tags(data: bytes) -> int:
    """Where the audio begins behind ID3v2 tags (https://id3.org/id3v2.4.0-structure, section 3.1)."""
    start = 0
    for _ in range(MAX_TAGS):
        header = data[start : start + 10]
        if len(header) < 10 or header[:3] != b"ID3" or any(byte & 0x80 for byte in header[6:10]):
            break
        size = header[6] << 21 | header[7] << 14 | header[8] << 7 | header[9]
        start += 10 + size + (10 if header[5] & 0x10 else 0)
    return start


def _has_mp3_frames(data: bytes, start: int) -> bool:
    """Whether Layer III frames follow one another behind at most JUNK_BYTES of something else."""
    while data[start : start + 4096] == bytes(4096):  # padding of a tag that tells too small a size
        start += 4096
    for match in _LAYER3_SYNC.finditer(data, start, start + JUNK_BYTES):
        position, kind, frames = match.start(), None, 0
        while frames < 3 and (header := _frame(data, position)) is not None:
            size, this_kind = header
            if kind not in (None, this_kind):
                break
            kind, frames, position = this_kind, frames + 1, position + size
        # Three in a row, or as many as a short file has, up to its end or its trailing tag.
        ends = position == len(data) or data[position : position + 3] in (b"TAG", b"APE")
        if frames >= 3 or (frames == 2 and position > len(data)) or (frames >= 1 and ends):
            return True
    return False


def _frame(data: bytes, position: int) -> tuple[int, int] | None:
    """Size in bytes of the Layer III frame at `position`, and what all frames of one stream share."""
    if not _LAYER3_SYNC.match(data, position) or position + 4 > len(data):
        return None
    second, third = data[position + 1], data[position + 2]
    version, rate_index = second >> 3 & 3, third >> 2 & 3  # version: 3 is MPEG-1, 2 is MPEG-2, 0 is MPEG-2.5
    kbits = (_MPEG1_KBITS if version == 3 else _MPEG2_KBITS)[third >> 4]
    rate = _MPEG1_RATES[rate_index] >> {3: 0, 2: 1, 0: 2}[version]
    if not kbits or not rate:
        return None
    return (144 if version == 3 else 72) * kbits * 1000 // rate + (third >> 1 & 1), version << 2 | rate_index
