"""Base64 as clients really send it, and the limits of each kind of source."""

from __future__ import annotations

import asyncio
import base64
import os
import textwrap
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.audio import source as source_module
from auricle.audio.fetch import Fetcher
from auricle.audio.source import Sources, decode_base64
from auricle.config import Settings
from auricle.errors import AudioTooLarge, InvalidAudio, UnsupportedFormat
from auricle.types import AudioSource

WAV = (Path(__file__).parents[2] / "examples" / "ask-not.wav").read_bytes()
WHERE = "messages[0].content[1].input_audio.data"
TEXT = base64.b64encode(WAV).decode()
TRICKY = bytes(range(256)) + b"\xfb\xef\xbe\xff\xff"  # plus and slash in base64, and padding
TRICKY_TEXT = base64.b64encode(TRICKY).decode()


def decoded(text: str | bytes, limit: int = 1 << 20) -> bytes:
    return decode_base64(text, WHERE, limit)


@pytest.mark.parametrize(
    "text",
    [
        TRICKY_TEXT,
        TRICKY_TEXT.encode(),
        TRICKY_TEXT.rstrip("="),
        TRICKY_TEXT.replace("+", "-").replace("/", "_"),
        TRICKY_TEXT.replace("+", "-").replace("/", "_").rstrip("="),
        "\n".join(textwrap.wrap(TRICKY_TEXT, 76)) + "\n",
        "\r\n".join(textwrap.wrap(TRICKY_TEXT, 64)),
        f"  {TRICKY_TEXT}\t",
        f"data:audio/wav;base64,{TRICKY_TEXT}",
        f"data:audio/wav;base64,{TRICKY_TEXT}".encode(),
        f"DATA:Audio/WAV;BASE64,{TRICKY_TEXT}",
        f"data:;base64,{TRICKY_TEXT}",
        f"data:application/octet-stream; base64, {TRICKY_TEXT}",
        f"data:audio/wav;codecs=1;rate=16000;base64,{TRICKY_TEXT}",
        f"data:audio/x-wav;base64,{TRICKY_TEXT.rstrip('=')}",
        "data:audio/wav;base64," + TRICKY_TEXT.replace("+", "%2B").replace("/", "%2f").replace("=", "%3D"),
        "data:audio/wav;base64," + "%0A".join(textwrap.wrap(TRICKY_TEXT, 76)),
        f" \n data:audio/wav;base64,{TRICKY_TEXT}",
    ],
)
def test_every_dialect_decodes(text: str | bytes) -> None:
    assert decoded(text) == TRICKY


@pytest.mark.parametrize(
    "text",
    [
        "not base64!",
        "äöü",
        "音频",
        "AAAA=AAA",
        "AAAAA",
        "AA=A",
        "====",
        "A===",
        "AAAA====",
        "AAAA\x00",
        "AAAA%2B",
        "http://example.com/a.wav",
        "data:audio/wav,RIFF",
        "data:audio/wav;charset=utf-8,AAAA",
        "data:audio/wav;base64",
        "data:audio/wav;base64,A*AA",
        "data:audio/wav;base64,%ZZ",
        "\ud800AAA",
    ],
)
def test_what_is_not_base64_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(InvalidAudio) as caught:
        decoded(text)
    assert caught.value.param.startswith(f"{WHERE}: ")


@pytest.mark.parametrize("text", ["", "   ", "\n", "data:audio/wav;base64,", "data:;base64,  "])
def test_empty_data_is_refused(text: str) -> None:
    with pytest.raises(InvalidAudio, match="the audio is empty"):
        decoded(text)


def test_the_limit_counts_the_encoded_string_without_its_prefix() -> None:
    assert len(decoded("A" * 1000, 1000)) == 750
    assert len(decoded("data:audio/wav;base64," + "A" * 1000, 1000)) == 750
    with pytest.raises(AudioTooLarge, match="1004 bytes is larger than the limit of 1000"):
        decoded("A" * 1004, 1000)


@given(
    st.binary(min_size=1, max_size=400),
    st.integers(1, 50),
    st.sampled_from(["", "\n", " ", "\r\n"]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(4, 64),
)
def test_pieces_of_any_size_decode_alike(
    data: bytes, width: int, gap: str, urlsafe: bool, padded: bool, escaped: bool, piece: int
) -> None:
    text = (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(data).decode()
    text = gap.join(textwrap.wrap(text if padded else text.rstrip("="), width))
    if escaped:
        text = "data:;base64," + text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3d").replace("\n", "%0A")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "PIECE_CHARACTERS", piece)
        assert decoded(text) == data


@pytest.mark.parametrize("piece", [1, 2, 3, 4, 5, 7, 8, 100])
@pytest.mark.parametrize("text", ["VQUJDQQ=", "VQUJDQQ==", "VQUJDQQ", "VQUJDQ==", "VQUJDQ="])
def test_padding_is_torn_without_harm(monkeypatch: pytest.MonkeyPatch, text: str, piece: int) -> None:
    """One character of padding too many or too few is nothing to refuse, wherever the pieces end."""
    monkeypatch.setattr(source_module, "PIECE_CHARACTERS", piece)
    plain = text.rstrip("=")
    assert decoded(text) == base64.b64decode(plain + "=" * (-len(plain) % 4))


@pytest.mark.parametrize("piece", [1, 2, 3, 4, 5, 7, 8, 100])
@pytest.mark.parametrize("text", ["VQUJDQQ===", "VQ==UJDQ", "VQ=UJDQQ", "VQ==VQ==", "=VQUJDQ=", "VQ\f==="])
def test_padding_in_the_wrong_place_is_refused(monkeypatch: pytest.MonkeyPatch, text: str, piece: int) -> None:
    monkeypatch.setattr(source_module, "PIECE_CHARACTERS", piece)
    with pytest.raises(InvalidAudio):
        decoded(text)


@pytest.mark.parametrize("piece", [1, 2, 3, 4, 5, 6, 7, 8, 11])
@pytest.mark.parametrize("text", ["\tQQQQUJD%3d\t=\n%20", "QUJD%3D%0A", "QQ%3D=%0D%0A", "Q%51=%3D %20%0A", "QU%4aD%"])
def test_an_escape_may_be_torn_after_padding(monkeypatch: pytest.MonkeyPatch, text: str, piece: int) -> None:
    """What `make fuzz` found: an escape that the pieces tear after padding is still that escape."""

    def outcome() -> bytes | None:
        try:
            return decoded("data:audio/wav;base64," + text)
        except InvalidAudio:
            return None

    whole = outcome()
    monkeypatch.setattr(source_module, "PIECE_CHARACTERS", piece)
    assert outcome() == whole


@pytest.mark.parametrize("piece", [1, 2, 3, 4, 5, 100])
@pytest.mark.parametrize("text", ["QUJ%", "QUJD%", "QUJ%3", "QUJD%3", "QQ==%", "%", "QUJD%z"])
def test_half_an_escape_at_the_end_is_refused(monkeypatch: pytest.MonkeyPatch, text: str, piece: int) -> None:
    """What `make fuzz` found: not dropped, and with it what stood before."""
    monkeypatch.setattr(source_module, "PIECE_CHARACTERS", piece)
    with pytest.raises(InvalidAudio, match="not valid base64"):
        decoded("data:audio/wav;base64," + text)


@given(st.text(max_size=200), st.integers(4, 16))
def test_arbitrary_text_never_raises_anything_else(text: str, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source_module, "PIECE_CHARACTERS", piece)
        try:
            decoded(text)
        except InvalidAudio:
            pass


def sources(**settings: object) -> Sources:
    loaded = Settings(**settings)  # type: ignore[arg-type]
    return Sources(loaded, Fetcher(loaded))


async def test_base64_and_uploads_become_clips() -> None:
    for kind, data in (("base64", TEXT), ("base64", f"data:audio/mpeg;base64,{TEXT}"), ("bytes", WAV)):
        clip = await sources().clip(AudioSource(kind=kind, data=data, where=WHERE))  # type: ignore[arg-type]
        assert (clip.data, clip.container, clip.where) == (WAV, "wav", WHERE)


async def test_a_data_url_where_a_url_is_expected() -> None:
    clip = await sources().clip(AudioSource(kind="url", data=f"data:audio/wav;base64,{TEXT}", where=WHERE))
    assert clip.data == WAV


async def test_bytes_that_are_no_audio_are_refused_whatever_their_mime_type_says() -> None:
    text = "data:audio/wav;base64," + base64.b64encode(b"hello, this is text").decode()
    with pytest.raises(UnsupportedFormat):
        await sources().clip(AudioSource(kind="base64", data=text, where=WHERE))


async def test_an_empty_or_oversized_upload_is_refused() -> None:
    with pytest.raises(InvalidAudio, match="file: the audio is empty"):
        await sources().clip(AudioSource(kind="bytes", data=b"", where="file"))
    with pytest.raises(AudioTooLarge, match=r"file: .* limit of 1000 bytes"):
        await sources(max_url_bytes=1000).clip(AudioSource(kind="bytes", data=WAV, where="file"))


@pytest.mark.parametrize("gap", ["", "\n"])
async def test_fifty_megabytes_leave_the_loop_free(gap: str) -> None:
    data = WAV[:44] + os.urandom(37 * 1024 * 1024)
    encoded = base64.b64encode(data).decode()
    text = f"{gap}".join(encoded[i : i + 76] for i in range(0, len(encoded), 76)) if gap else encoded
    gaps: list[float] = []
    done = asyncio.Event()

    async def beat() -> None:
        last = time.perf_counter()
        while not done.is_set():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    heart = asyncio.create_task(beat())
    await asyncio.sleep(0.02)
    gaps.clear()
    clip = await sources().clip(AudioSource(kind="base64", data=text, where=WHERE))
    done.set()
    await heart
    assert clip.data == data
    assert threading.active_count() < 30
    # On the loop it would be one gap, or two. How long they are is the machine's doing as much as ours.
    assert len(gaps) >= 4, "the event loop was blocked"
