"""Decoding in worker processes: every variant that people have, and everything that can go wrong."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from auricle.audio.decode import Decoder
from auricle.audio.formats import recognise
from auricle.audio.ogg import links
from auricle.audio.tokens import audio_tokens
from auricle.config import Settings
from auricle.errors import AudioTooLarge, AuricleError, InvalidAudio, Unavailable, UnsupportedFormat
from auricle.types import AudioClip
from auricle.waveform import SAMPLE_RATE, Waveform
from tests.audio.encoding import Floats, channels, correlation, encode, id3, id3_picture, melody, wav
from tests.processes import wait_gone

pytestmark = pytest.mark.asyncio(loop_scope="module")

DATA = Path(__file__).parent / "data"
EXAMPLES = Path(__file__).parents[2] / "examples"
WHERE = "messages[0].content[0].input_audio.data"
SECONDS = 1.5
TRUTH = melody(SECONDS, SAMPLE_RATE)
"""What every variant below holds."""


def settings(**changes: Any) -> Settings:
    return Settings(**{"decode_workers": 1, **changes})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Decoder]:
    made = Decoder(settings(spool_dir=tmp_path_factory.mktemp("spool")))
    await made.start()
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="module")
async def decoder(tmp_path: Path) -> AsyncIterator[Decoder]:
    made = Decoder(settings(spool_dir=tmp_path))
    await made.start()
    yield made
    await made.close()


def clip(data: bytes, container: str | None = None) -> AudioClip:
    return AudioClip(data=data, container=container or recognise(data), where=WHERE)


def leftovers(folder: Path) -> list[Path]:
    return list(folder.rglob("*.pcm"))


def everything(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def tone(rate: int, count: int = 1) -> Floats:
    return channels(melody(SECONDS, rate), count)


def pcm(rate: int, codec: str, *, count: int = 1, container: str = "wav", **more: Any) -> bytes:
    layouts = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 6: "5.1", 8: "7.1"}
    return encode(tone(rate, count), rate, codec, container, layout=layouts[count], **more)


def s16(samples: Any) -> bytes:
    return bytes((samples * 32767).astype("<i2").tobytes())


def extensible(rate: int, count: int, mask: int) -> bytes:
    """WAVE_FORMAT_EXTENSIBLE with a speaker mask of one's own."""
    payload = s16(tone(rate, count).T.reshape(-1))
    form = struct.pack("<HHIIHHHHI", 0xFFFE, count, rate, rate * count * 2, count * 2, 16, 22, 16, mask)
    form += b"\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(payload)) + payload
    return b"RIFF" + struct.pack("<I", len(body)) + body


def rf64() -> bytes:
    payload = s16(tone(16_000)[0])
    sizes = struct.pack("<QQQI", len(payload) + 72, len(payload), len(payload) // 2, 0)
    form = struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16)
    return (
        b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<I", len(sizes)) + sizes
        + b"fmt " + struct.pack("<I", len(form)) + form + b"data\xff\xff\xff\xff" + payload
    )  # fmt: skip


S16 = s16(tone(16_000)[0])
VARIANTS: dict[str, bytes] = {
    **{f"wav {codec} {rate}": pcm(rate, codec) for codec, rate in (
        ("pcm_u8", 8_000), ("pcm_s16le", 16_000), ("pcm_s16le", 44_100), ("pcm_s24le", 48_000), ("pcm_s32le", 96_000),
        ("pcm_f32le", 16_000), ("pcm_f32le", 48_000), ("pcm_f64le", 44_100), ("pcm_s16le", 192_000),
        ("pcm_alaw", 8_000), ("pcm_mulaw", 8_000), ("adpcm_ms", 22_050), ("adpcm_ima_wav", 22_050),
        ("adpcm_yamaha", 22_050), ("g722", 16_000), ("pcm_s16le", 11_025), ("pcm_s64le", 48_000),
    )},
    **{f"wav {count} channels": pcm(48_000, "pcm_s16le", count=count) for count in (2, 3, 4, 6)},
    "wav extensible": extensible(16_000, 2, 3),
    "wav extensible without a mask": extensible(16_000, 5, 0),
    "wav extensible with an odd mask": extensible(16_000, 4, 0x30F0),
    "wav 8 channels": wav(s16(tone(44_100, 8).T.reshape(-1)), rate=44_100, channel_count=8),
    "wav 11 channels": wav(s16(tone(16_000, 11).T.reshape(-1)), channel_count=11),
    "wav 11 channels 48000": wav(s16(tone(48_000, 11).T.reshape(-1)), rate=48_000, channel_count=11),
    "wav 64 float channels": wav(tone(44_100, 64).T.tobytes(), rate=44_100, channel_count=64, bits=32, tag=3),
    "wav 7.1": pcm(44_100, "pcm_s24le", count=8),
    "flac 7.1": pcm(44_100, "flac", container="flac", count=8),
    "flac 7.1 16000": pcm(16_000, "flac", container="flac", count=8),
    "m4a 7.1": pcm(48_000, "aac", container="ipod", count=8, bit_rate=400_000),
    "wav rf64": rf64(),
    "wav streamed, sizes 0xffffffff": wav(S16, data_size=0xFFFF_FFFF, riff_size=0xFFFF_FFFF),
    "wav streamed, sizes 0": wav(S16, data_size=0, riff_size=0),
    "wav data size too large": wav(S16, data_size=len(S16) * 100),
    "wav with mp3 inside": pcm(44_100, "libmp3lame", bit_rate=96_000),
    **{f"mp3 {rate} x{count}": pcm(rate, "libmp3lame", container="mp3", count=count)
       for rate in (8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000) for count in (1, 2)},
    "mp3 vbr": pcm(44_100, "libmp3lame", container="mp3", codec_options={"q": "4", "flags": "+qscale"}),
    "mp3 abr": pcm(44_100, "libmp3lame", container="mp3", codec_options={"abr": "1"}, bit_rate=96_000),
    "mp3 without a Xing header": pcm(44_100, "libmp3lame", container="mp3",
                                     options={"write_xing": "0", "write_id3v2": "0"}),
    "mp3 with art": id3(500, frames=id3_picture(b"\xff\xd8\xff\xfb\x90" * 4000))
                    + pcm(44_100, "libmp3lame", container="mp3", options={"write_id3v2": "0"}),
    "mp3 with ID3v1": pcm(44_100, "libmp3lame", container="mp3", options={"write_id3v1": "1"}, metadata={"title": "x"}),
    **{f"flac {rate} {form}": pcm(rate, "flac", container="flac", count=count, codec_options=more)
       for rate, form, count, more in ((16_000, "mono", 1, {}), (44_100, "stereo", 2, {}), (96_000, "5.1", 6, {}),
                                       (48_000, "level 12", 1, {"compression_level": "12"}))},
    "flac behind ID3": id3(64) + pcm(44_100, "flac", container="flac"),
    **{f"m4a aac {rate} x{count}": pcm(rate, "aac", container="ipod", count=count, bit_rate=96_000)
       for rate, count in ((16_000, 1), (44_100, 2), (48_000, 6), (48_000, 1))},
    "m4a alac": pcm(44_100, "alac", container="ipod", count=2),
    "m4a as mp4": pcm(44_100, "aac", container="mp4"),
    "m4a as mov": pcm(44_100, "pcm_s16le", container="mov"),
    "m4a fragmented": pcm(48_000, "aac", container="mp4",
                          options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
    "m4a mp3 inside": pcm(44_100, "libmp3lame", container="mp4"),
    "ogg opus": pcm(48_000, "libopus", container="ogg"),
    "ogg opus stereo": pcm(48_000, "libopus", container="ogg", count=2),
    "ogg opus 8k": pcm(8_000, "libopus", container="ogg", bit_rate=16_000),
    "ogg flac": pcm(44_100, "flac", container="ogg"),
    "ogg vorbis": (DATA / "vorbis.ogg").read_bytes(),
    "ogg vorbis 16k": (DATA / "vorbis-16k.ogg").read_bytes(),
    "ogg speex": (DATA / "speex.ogg").read_bytes(),
}  # fmt: skip
PADDED = {"m4a fragmented": 2048 / 48_000, "m4a mp3 inside": 0.06, "mp3 without a Xing header": 0.08,
          "wav with mp3 inside": 0.08, "wav adpcm_ms 22050": 0.1, "wav adpcm_ima_wav 22050": 0.1,
          "wav adpcm_yamaha 22050": 0.1}  # fmt: skip
"""Files that do not say how much of them is the encoder's padding, seconds."""


@pytest.mark.parametrize("name", VARIANTS)
async def test_every_variant_decodes_to_what_was_encoded(name: str, pool: Decoder) -> None:
    data = VARIANTS[name]
    assert recognise(data) == name.split()[0]
    waveform = await pool.decode(clip(data))
    again = await pool.decode(clip(data))
    samples = waveform.read()
    assert (waveform.digest, waveform.pcm) == (again.digest, again.pcm), "the same bytes give the same samples"
    assert waveform.digest == hashlib.sha256(waveform.pcm).hexdigest()  # type: ignore[arg-type]
    assert waveform.sample_count == len(samples)
    assert waveform.tokens == audio_tokens(waveform.duration)
    assert abs(waveform.sample_count - waveform.duration * SAMPLE_RATE) <= 17  # the resampler rounds up
    surplus = float(waveform.duration) - SECONDS
    assert -0.001 < surplus <= PADDED.get(name, 0.0005)
    lossy = any(word in name for word in ("g722", "8000", "8k", "u8", "yamaha"))
    slack = 1300 if name in PADDED else 200 if "speex" in name or "8k" in name else 40
    assert correlation(samples, TRUTH, slack=slack) > (0.5 if "speex" in name else 0.8 if lossy else 0.95)
    loudness = float(np.sqrt(np.mean(samples**2)) / np.sqrt(np.mean(TRUTH**2)))
    assert 0.85 < loudness < 1.1


async def test_exact_samples_of_exact_formats(pool: Decoder) -> None:
    waveform = await pool.decode(clip(wav(S16)))
    assert waveform.pcm == S16
    assert waveform.duration == Fraction(len(S16) // 2, 16_000)
    flac = encode(np.frombuffer(S16, "<i2")[None].astype(np.float32) / np.float32(32768), 16_000, "flac", "flac")
    assert (await pool.decode(clip(flac))).pcm == S16


async def test_examples_last_as_long_as_they_say(pool: Decoder) -> None:
    for path in EXAMPLES.glob("ask-not.*"):
        waveform = await pool.decode(clip(path.read_bytes()))
        assert (waveform.duration, waveform.sample_count, waveform.tokens) == (Fraction(47, 10), 75_200, 30)


@pytest.mark.parametrize("order", ["ab", "ba", "aab", "as", "bas", "oa", "ao", "aaaa"])
async def test_chained_ogg_sums_up_whatever_its_links_are(order: str, pool: Decoder) -> None:
    files = {
        "a": (DATA / "vorbis.ogg").read_bytes(),
        "b": (DATA / "vorbis-16k.ogg").read_bytes(),
        "s": (DATA / "speex.ogg").read_bytes(),
        "o": pcm(48_000, "libopus", container="ogg"),
    }
    chain = b"".join(files[letter] for letter in order)
    assert [bytes(part) for part in links(chain)] == [files[letter] for letter in order]
    waveform = await pool.decode(clip(chain))
    assert waveform.duration == Fraction(3, 2) * len(order)
    pieces = waveform.read().reshape(len(order), -1)
    for letter, piece in zip(order, pieces, strict=True):
        assert correlation(piece, TRUTH, slack=200) > (0.5 if letter == "s" else 0.9)


async def test_a_chain_survives_a_truncated_link(pool: Decoder) -> None:
    first, second = (DATA / "vorbis.ogg").read_bytes(), (DATA / "vorbis-16k.ogg").read_bytes()
    waveform = await pool.decode(clip(first[:-1500] + second))
    assert waveform.duration >= Fraction(3, 2)


async def test_channels_that_cancel_are_heard(pool: Decoder) -> None:
    opposite = np.vstack([tone(16_000), -tone(16_000)])
    waveform = await pool.decode(clip(encode(opposite, 16_000, "pcm_s16le", "wav", layout="stereo")))
    assert abs(correlation(waveform.read(), TRUTH)) > 0.99


async def test_full_scale_on_every_channel_does_not_clip(pool: Decoder) -> None:
    loud = np.sign(tone(48_000, 6)).astype(np.float32) * np.float32(0.7)
    samples = (await pool.decode(clip(encode(loud, 48_000, "pcm_s16le", "wav", layout="5.1")))).read()
    assert abs(float(np.median(np.abs(samples))) - 0.7) < 0.05
    one_sided = np.vstack([tone(16_000), np.zeros((1, len(TRUTH)), dtype=np.float32)])
    half = (await pool.decode(clip(encode(one_sided, 16_000, "pcm_s16le", "wav", layout="stereo")))).read()
    assert np.allclose(half, TRUTH / 2, atol=2e-3)


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("rate", [16_000, 44_100])
async def test_floats_that_are_no_numbers_become_silence(bits: int, rate: int, pool: Decoder) -> None:
    values = melody(SECONDS, rate).astype("<f4" if bits == 32 else "<f8")
    for at, bad in ((100, np.nan), (2000, np.inf), (4000, -np.inf), (6000, 3e38), (8000, -3e38)):
        values[at : at + 3] = bad
    samples = (await pool.decode(clip(wav(values.tobytes(), rate=rate, bits=bits, tag=3)))).read()
    assert np.isfinite(samples).all()
    assert correlation(samples, TRUTH, slack=20) > 0.95
    assert np.mean(np.abs(samples) > 0.99) < 0.01


@pytest.mark.parametrize("name", ["wav pcm_s16le 16000", "mp3 44100 x2", "flac 44100 stereo"])
async def test_a_truncated_file_gives_what_is_there(name: str, pool: Decoder) -> None:
    data = VARIANTS[name]
    waveform = await pool.decode(clip(data[: len(data) * 6 // 10]))
    assert 0.2 < waveform.seconds < 1.3
    assert correlation(waveform.read(), TRUTH, slack=100) > 0.9


@pytest.mark.parametrize(
    "name", ["mp3 44100 x2", "flac 44100 stereo", "m4a aac 44100 x2", "ogg opus", "wav pcm_s24le 48000"]
)
async def test_damage_in_the_middle_costs_only_itself(name: str, pool: Decoder) -> None:
    data = bytearray(VARIANTS[name])
    middle = len(data) // 3 if "m4a" not in name else len(data) // 4
    data[middle : middle + 300] = os.urandom(300)
    waveform = await pool.decode(clip(bytes(data)))
    assert waveform.seconds > 0.4  # a page of OGG holds a second


MOOV_AT_THE_END = VARIANTS["m4a as mp4"]


@pytest.mark.parametrize(
    ("data", "container", "problem"),
    [
        (wav(b""), "wav", "there are no samples in the audio"),
        (VARIANTS["mp3 44100 x2"][:200], "mp3", "damaged or incomplete|no samples"),
        (MOOV_AT_THE_END[: len(MOOV_AT_THE_END) // 2], "m4a", "damaged or incomplete"),
        (b"RIFF\x00\x00\x00\x00WAVE", "wav", "damaged or incomplete"),
        (b"fLaC" + bytes(100), "flac", "damaged or incomplete|no samples"),
        (b"OggS" + bytes(1000), "ogg", "damaged or incomplete|no sound track"),
        (b"\x00\x00\x00\x20ftypM4A " + bytes(1000), "m4a", "damaged or incomplete|no sound track"),
        (wav(bytes(1000), rate=1), "wav", "damaged or incomplete"),
        (wav(bytes(4000), channel_count=1000), "wav", "damaged or incomplete|no samples"),
        (wav(bytes(4000), rate=0), "wav", "damaged or incomplete"),
        (wav(bytes(4000), rate=11_878_016), "wav", "damaged or incomplete"),
    ],
)
async def test_what_cannot_be_decoded_says_so(data: bytes, container: str, problem: str, pool: Decoder) -> None:
    with pytest.raises(InvalidAudio, match=problem) as caught:
        await pool.decode(clip(data, container))
    assert caught.value.param.startswith(f"{WHERE}: ")
    assert type(caught.value) is InvalidAudio
    assert (await pool.decode(clip(wav(S16)))).pcm == S16, "the next one is served"


def video(audio: str | None) -> bytes:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        picture: Any = output.add_stream("libx264", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        sound: Any = output.add_stream(audio, rate=16_000, layout="mono") if audio else None
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), number * 20, dtype=np.uint8), format="rgb24")
            output.mux(picture.encode(frame))
        output.mux(picture.encode(None))
        if sound is not None:
            chunk = av.AudioFrame.from_ndarray(TRUTH[None], format="fltp", layout="mono")
            chunk.sample_rate, chunk.pts = 16_000, 0
            output.mux(sound.encode(chunk))
            output.mux(sound.encode(None))
    return file.getvalue()


async def test_video_is_refused_unless_it_is_allowed(decoder: Decoder, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat):
        await decoder.decode(clip(video("aac")))
    allowing = Decoder(settings(allow_video=True, spool_dir=tmp_path))
    await allowing.start()
    try:
        assert correlation((await allowing.decode(clip(video("aac")))).read(), TRUTH, slack=40) > 0.97
        with pytest.raises(InvalidAudio, match="no sound track"):
            await allowing.decode(clip(video(None)))
    finally:
        await allowing.close()


async def test_extra_formats_decode(pool: Decoder) -> None:
    codecs = {"aac": "aac", "matroska": "aac", "mpegts": "aac", "asf": "wmav2", "wv": "wavpack"}
    codecs |= {"aiff": "pcm_s16be", "au": "pcm_s16be", "avi": "pcm_s16le", "caf": "pcm_s16le", "w64": "pcm_s16le"}
    for container, codec in codecs.items():
        muxer = "adts" if container == "aac" else container
        data = encode(tone(44_100), 44_100, codec, muxer, bit_rate=None if "pcm" in codec else 96_000)
        assert recognise(data, (container,)) == container
        waveform = await pool.decode(clip(data, container))
        assert correlation(waveform.read(), TRUTH, slack=1300) > 0.9, container


def dref(target: str) -> bytes:
    """A QuickTime file whose samples lie in another file, as an alias with a path."""
    data = encode(tone(16_000), 16_000, "pcm_s16le", "mov")
    at = data.find(b"dref")
    entry = data[at + 12 : at + 24]
    assert entry[4:8] in (b"alis", b"url ")
    name = target.encode()
    alias = struct.pack(">HH", 0, 2) + bytes(146) + struct.pack(">HH", 2, len(name)) + name + bytes(len(name) % 2)
    alias += b"\xff\xff\x00\x00"
    replaced = struct.pack(">I", 12 + len(alias)) + b"alis" + bytes(4) + alias
    return data[: at + 12] + replaced + data[at + 24 :]


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXTINF:1,\nfile://{}\n",
        "ffconcat version 1.0\nfile {}\n",
        "<MPD><BaseURL>{}</BaseURL></MPD>",
        "concat:{}",
    ],
)
@pytest.mark.parametrize("container", ["wav", "mp3", "flac", "m4a", "ogg"])
async def test_playlists_open_nothing(text: str, container: str, pool: Decoder, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(wav(S16))
    with pytest.raises(InvalidAudio):
        await pool.decode(clip(text.format(secret).encode() * 20, container))


async def test_samples_in_another_file_are_not_fetched(pool: Decoder, tmp_path: Path) -> None:
    secret = tmp_path / "secret.raw"
    secret.write_bytes(S16)
    try:
        samples = (await pool.decode(clip(dref(str(secret)), "m4a"))).read()
    except InvalidAudio:
        return
    assert abs(correlation(samples, TRUTH)) < 0.5 or samples.size == 0


# Long audio, limits and the spool


def long_mp3(seconds: int) -> bytes:
    """An MP3 of many identical parts: frames may be repeated without end."""
    part = encode(tone(16_000), 16_000, "libmp3lame", "mp3", bit_rate=32_000,
                  options={"write_xing": "0", "write_id3v2": "0"})  # fmt: skip
    return part * round(seconds / SECONDS)


async def test_long_audio_lies_in_a_file_until_it_is_discarded(decoder: Decoder, tmp_path: Path) -> None:
    waveform = await decoder.decode(clip(long_mp3(90)))
    assert isinstance(waveform.pcm, Path)
    assert waveform.pcm.is_relative_to(tmp_path)
    assert waveform.pcm.stat().st_mode & 0o777 == 0o600
    assert waveform.pcm.parent.stat().st_mode & 0o777 == 0o700
    assert waveform.pcm.stat().st_size == waveform.sample_count * 2
    assert waveform.digest == hashlib.sha256(waveform.pcm.read_bytes()).hexdigest()
    assert len(waveform.read(SAMPLE_RATE * 80, SAMPLE_RATE * 81)) == SAMPLE_RATE
    waveform.discard()
    waveform.discard()
    assert leftovers(tmp_path) == []


async def test_inline_and_spooled_samples_are_the_same(tmp_path: Path) -> None:
    data = VARIANTS["mp3 44100 x2"]
    digests = set()
    for inline_seconds in (60.0, 0.5):
        made = Decoder(settings(spool_dir=tmp_path), inline_seconds=inline_seconds)
        await made.start()
        waveform = await made.decode(clip(data))
        assert isinstance(waveform.pcm, Path) is (inline_seconds < 1)
        digests.add((waveform.digest, waveform.sample_count, waveform.duration))
        await made.close()
    assert len(digests) == 1
    assert everything(tmp_path) == [], "closing removes the spool"


async def test_audio_over_the_limit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    made = Decoder(settings(spool_dir=tmp_path, max_audio_seconds=70))
    await made.start()
    try:
        with pytest.raises(AudioTooLarge, match="longer than the limit of 70 seconds"):
            await made.decode(clip(long_mp3(200)))
        assert leftovers(tmp_path) == []
        (await made.decode(clip(long_mp3(60)))).discard()
    finally:
        await made.close()


async def test_a_century_of_silence_costs_nothing(tmp_path: Path) -> None:
    """A header that claims 2^36 samples, and a megabyte of FLAC that yields hours."""
    made = Decoder(settings(spool_dir=tmp_path, max_audio_seconds=600))
    await made.start()
    try:
        short = bytearray(VARIANTS["flac 16000 mono"])
        short[21:26] = b"\x0f\xff\xff\xff\xff"
        short[21] = VARIANTS["flac 16000 mono"][21] | 0x0F
        waveform = await made.decode(clip(bytes(short)))
        assert waveform.duration == Fraction(3, 2)
        silence = encode(np.zeros((1, 16_000 * 1500), np.float32), 16_000, "flac", "flac")
        assert len(silence) < 1_000_000
        started = time.perf_counter()
        with pytest.raises(AudioTooLarge):
            await made.decode(clip(silence))
        assert time.perf_counter() - started < 10
        assert leftovers(tmp_path) == []
    finally:
        await made.close()


async def test_a_job_over_its_deadline_is_killed(tmp_path: Path) -> None:
    made = Decoder(settings(spool_dir=tmp_path, decode_timeout_seconds=0.15))
    await made.start()
    try:
        pid = worker_pid(made)
        started = time.perf_counter()
        with pytest.raises(InvalidAudio, match=r"not decoded within 0\.15 seconds"):
            await made.decode(clip(long_mp3(3600)))
        assert time.perf_counter() - started < 2
        await until_gone(pid)
        assert leftovers(tmp_path) == []
    finally:
        await made.close()


async def test_memory_is_limited(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux limits the address space")
    made = Decoder(settings(spool_dir=tmp_path, decode_memory_bytes=512 * 1024 * 1024))
    await made.start()
    try:
        with pytest.raises(InvalidAudio):
            await made.decode(clip(wav(bytes(450 * 1024 * 1024))))
        assert (await made.decode(clip(wav(S16)))).pcm == S16
    finally:
        await made.close()


async def test_workers_know_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("needs /proc")
    monkeypatch.setenv("AURICLE_API_KEYS", "sk-very-secret")
    monkeypatch.setenv("HF_TOKEN", "hf-very-secret")
    made = Decoder(Settings(decode_workers=1, spool_dir=tmp_path))
    await made.start()
    try:
        environment = await asyncio.to_thread(Path(f"/proc/{worker_pid(made)}/environ").read_bytes)
        assert b"secret" not in environment
        assert b"PATH=" in environment
    finally:
        await made.close()


# Workers that die, and clients that leave


def worker_pid(decoder: Decoder) -> int:
    worker = decoder._slots[0].worker
    assert worker is not None
    return worker.pid


async def until_gone(pid: int, seconds: float = 1.0) -> None:
    await asyncio.to_thread(wait_gone, [pid], seconds)


async def test_a_killed_worker_is_replaced_and_its_job_repeated(decoder: Decoder) -> None:
    pid = worker_pid(decoder)
    job = asyncio.create_task(decoder.decode(clip(long_mp3(1200))))
    await asyncio.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    waveform = await job
    assert waveform.seconds > 1100
    waveform.discard()
    assert worker_pid(decoder) != pid


async def test_a_file_that_kills_every_worker_is_refused(decoder: Decoder, tmp_path: Path) -> None:
    job = asyncio.create_task(decoder.decode(clip(long_mp3(7200))))
    killed: set[int] = set()
    while not job.done():
        worker = decoder._slots[0].worker
        if worker is not None and worker.pid not in killed and leftovers(tmp_path):  # it is in the middle of it
            os.kill(worker.pid, signal.SIGKILL)
            killed.add(worker.pid)
        await asyncio.sleep(0.01)
    with pytest.raises(InvalidAudio, match="broke the decoder"):
        await job
    assert len(killed) == 2
    assert leftovers(tmp_path) == []
    assert (await decoder.decode(clip(wav(S16)))).pcm == S16


async def test_an_idle_worker_that_died_is_not_noticed_by_the_next_job(decoder: Decoder) -> None:
    os.kill(worker_pid(decoder), signal.SIGKILL)
    await asyncio.sleep(0.05)
    assert (await decoder.decode(clip(wav(S16)))).pcm == S16


async def test_a_client_that_leaves_stops_the_work_within_a_second(decoder: Decoder, tmp_path: Path) -> None:
    pid = worker_pid(decoder)
    job = asyncio.create_task(decoder.decode(clip(long_mp3(7200))))
    await asyncio.sleep(0.15)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    await until_gone(pid)
    assert (await decoder.decode(clip(wav(S16)))).pcm == S16
    assert leftovers(tmp_path) == []


async def test_an_abandoned_short_job_spares_its_worker(decoder: Decoder, tmp_path: Path) -> None:
    pid = worker_pid(decoder)
    for _ in range(5):
        job = asyncio.create_task(decoder.decode(clip(VARIANTS["mp3 44100 x2"])))
        await asyncio.sleep(0)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
    assert (await decoder.decode(clip(wav(S16)))).pcm == S16
    assert worker_pid(decoder) == pid
    assert leftovers(tmp_path) == []


async def test_a_client_that_leaves_the_queue_costs_nothing(decoder: Decoder) -> None:
    long = asyncio.create_task(decoder.decode(clip(long_mp3(600))))
    await asyncio.sleep(0.05)
    waiting = [asyncio.create_task(decoder.decode(clip(wav(S16)))) for _ in range(5)]
    await asyncio.sleep(0.05)
    for task in waiting[:4]:
        task.cancel()
    assert (await waiting[4]).pcm == S16
    (await long).discard()


async def test_workers_are_recycled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auricle.audio.decode.JOBS_PER_WORKER", 3)
    made = Decoder(settings(spool_dir=tmp_path))
    await made.start()
    try:
        pids = []
        for _ in range(7):
            await made.decode(clip(wav(S16)))
            slot = await made._idle.get()
            made._idle.put_nowait(slot)
            pids.append(worker_pid(made))
        assert len(set(pids)) == 3
        await until_gone(pids[0])
    finally:
        await made.close()


async def test_many_clips_at_once(tmp_path: Path) -> None:
    made = Decoder(settings(spool_dir=tmp_path, decode_workers=2))
    await made.start()
    try:
        names = [name for name in VARIANTS if not name.startswith("wav")]
        found = await asyncio.gather(*(made.decode(clip(VARIANTS[name])) for name in names * 2))
        assert [w.digest for w in found[: len(names)]] == [w.digest for w in found[len(names) :]]
    finally:
        await made.close()


async def test_a_decoder_that_does_not_run_says_so(tmp_path: Path) -> None:
    made = Decoder(settings(spool_dir=tmp_path))
    with pytest.raises(Unavailable):
        await made.decode(clip(wav(S16)))
    await made.start()
    long = asyncio.create_task(made.decode(clip(long_mp3(7200))))
    queued = asyncio.create_task(made.decode(clip(wav(S16))))
    await asyncio.sleep(0.2)
    pid = worker_pid(made)
    await made.close()
    await made.close()
    for task in (long, queued):
        with pytest.raises(Unavailable):
            await task
    await until_gone(pid)
    assert everything(tmp_path) == []


async def test_a_spool_that_cannot_be_used_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match="spool folder"):
        await Decoder(settings(spool_dir=tmp_path / "file")).start()


SERVER = """
import asyncio, sys
from pathlib import Path
from auricle.audio.decode import Decoder
from auricle.config import Settings
from auricle.types import AudioClip

async def main():
    decoder = Decoder(Settings(decode_workers=1, spool_dir=Path(sys.argv[1])))
    await decoder.start()
    print(decoder._slots[0].worker.pid, flush=True)
    data = Path(sys.argv[2]).read_bytes()
    while True:
        await decoder.decode(AudioClip(data, "mp3", "x"))

asyncio.run(main())
"""


async def test_a_killed_server_leaves_no_process_and_the_next_one_cleans_its_spool(tmp_path: Path) -> None:
    spool, audio = tmp_path / "spool", tmp_path / "long.mp3"
    audio.write_bytes(long_mp3(1200))
    with subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", SERVER, str(spool), str(audio)], stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        pid = int(await asyncio.to_thread(server.stdout.readline))
        deadline = time.perf_counter() + 10
        while not leftovers(spool):  # in the middle of its work
            assert time.perf_counter() < deadline
            await asyncio.sleep(0.02)
        neighbour = Decoder(settings(spool_dir=spool))
        await neighbour.start()
        assert leftovers(spool), "a server that lives keeps its spool"
        await neighbour.close()
        server.kill()
    await until_gone(pid, 1.0)
    abandoned = everything(spool)
    assert abandoned
    made = Decoder(settings(spool_dir=spool))
    await made.start()
    assert not any(folder.exists() for folder in abandoned)
    await made.close()


async def test_no_foreign_exception_leaves_the_decoder(pool: Decoder) -> None:
    """Mutated files: decoded or refused in our own words, and the pool goes on."""
    random = np.random.default_rng(7)
    names = [name for name in VARIANTS if len(VARIANTS[name]) < 60_000]
    for number in range(150):
        data = bytearray(VARIANTS[names[number % len(names)]])
        for _ in range(int(random.integers(1, 30))):
            at = int(random.integers(4 if number % 2 else 40, min(len(data), 3000)))
            data[at] = int(random.integers(256))
        container = names[number % len(names)].split()[0]
        try:
            waveform: Waveform = await pool.decode(clip(bytes(data), container))
            waveform.discard()
        except AuricleError as error:
            assert error.status == 400
    assert (await pool.decode(clip(wav(S16)))).pcm == S16
