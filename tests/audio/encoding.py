"""Audio files for the tests, made with PyAV and numpy."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
STEPS = 8  # changes of pitch a second


def melody(seconds: float, rate: int, *, seed: int = 0) -> Floats:
    """A signal that correlates only with itself: tones of changing pitch below 3 kHz, shape [n]."""
    pitch = np.random.default_rng(seed).uniform(150, 3000, size=int(seconds * STEPS) + 1)
    at = np.arange(round(seconds * rate)) / rate
    step = (at * STEPS).astype(int)
    turns = np.concatenate([[0.0], np.cumsum(pitch) / STEPS])  # before each step, so that every rate has one phase
    phase = turns[step] + pitch[step] * (at - step / STEPS)
    signal: Floats = (0.4 * np.sin(2 * np.pi * phase)).astype(np.float32)
    return signal


def channels(mono: Floats, count: int) -> Floats:
    """The signal on every channel, shape [count, n]."""
    return np.repeat(mono[None], count, axis=0)


def encode(
    samples: Floats,
    rate: int,
    codec: str,
    container: str,
    *,
    layout: str = "mono",
    bit_rate: int | None = None,
    options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
    metadata: dict[str, str] | None = None,
) -> bytes:
    """Encode floats of shape [channels, n]."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options or {}) as output:
        output.metadata.update(metadata or {})
        stream: Any = output.add_stream(codec, rate=rate, layout=layout, options=codec_options or {})
        if bit_rate:
            stream.bit_rate = bit_rate
        packed = np.ascontiguousarray(samples.T).reshape(1, -1)  # PyAV miscounts the planes of eight channels
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        context = stream.codec_context
        shape = av.AudioResampler(
            format=context.format.name, layout=layout, rate=rate, frame_size=context.frame_size or None
        )
        for shaped in [*shape.resample(frame), *shape.resample(None)]:
            output.mux(stream.encode(shaped))
        output.mux(stream.encode(None))
    return file.getvalue()


def wav(
    payload: bytes,
    *,
    rate: int = 16_000,
    channel_count: int = 1,
    bits: int = 16,
    tag: int = 1,
    data_size: int | None = None,
    riff_size: int | None = None,
) -> bytes:
    """A RIFF file written by hand, for headers that no encoder writes."""
    block = channel_count * bits // 8
    form = struct.pack("<HHIIHH", tag, channel_count, rate, rate * block, block, bits)
    size = len(payload) if data_size is None else data_size
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size) + payload
    return b"RIFF" + struct.pack("<I", len(body) if riff_size is None else riff_size) + body


def id3(size: int, *, frames: bytes = b"") -> bytes:
    """An ID3v2.3 tag with `size` bytes of padding."""
    length = len(frames) + size
    syncsafe = bytes((length >> 21 & 127, length >> 14 & 127, length >> 7 & 127, length & 127))
    return b"ID3\x03\x00\x00" + syncsafe + frames + bytes(size)


def id3_picture(picture: bytes) -> bytes:
    """An APIC frame with a cover picture."""
    body = b"\x00image/jpeg\x00\x03\x00" + picture
    return b"APIC" + struct.pack(">IH", len(body), 0) + body


def correlation(one: Floats, other: Floats, *, slack: int = 0) -> float:
    """Highest normalised correlation of two signals with at most `slack` samples of shift."""
    best = 0.0
    for shift in range(-slack, slack + 1):
        a, b = one[max(shift, 0) :], other[max(-shift, 0) :]
        size = min(len(a), len(b))
        a, b = a[:size], b[:size]
        best = max(best, float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-9)))
    return best
