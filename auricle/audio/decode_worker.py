"""The process that decodes strangers' bytes: encoded audio in, 16 kHz mono signed 16-bit PCM out.

FFmpeg's libraries read from memory only: the demuxer is forced to the container that was recognised, nested files and
protocols are refused, and only decoders of audio are let in. What is decoded flows through in blocks, so memory
does not grow with the length. Started by `auricle.audio.decode`; ends when a file breaks it, and nothing else does.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from typing import Any, BinaryIO

import av
import av.logging
import numpy as np
import numpy.typing as npt

from auricle.audio.formats import demuxer
from auricle.audio.ogg import links
from auricle.waveform import BYTES_PER_SAMPLE, SAMPLE_RATE
from auricle.workers import Channel, connect

BLOCK_VALUES = 1 << 17  # samples times channels, resampled at a time
LOWEST_RATE = 1000  # Hz: below it a small file yields a large result
HIGHEST_RATE = 768_000  # Hz
MAX_CHANNELS = 64
MISCOUNTED_PLANES = 8  # from so many on, PyAV counts a frame's planes beyond the end of their list
MAX_RATES = 64  # different sample rates in one file
FLOAT_LIMIT = 8.0  # of full scale: beyond it a float is no sound
CANCELLED = 0.02  # a mean with less than this share of its channels' energy has cancelled itself out
PCM_READ_BYTES = 1 << 16  # of a WAV at a time, where FFmpeg would take 4096

AUDIO_CODECS = frozenset(
    {
        "aac",
        "aac_fixed",
        "aac_latm",
        "ac3",
        "alac",
        "als",
        "amrnb",
        "amrwb",
        "ape",
        "dca",
        "eac3",
        "flac",
        "gsm",
        "gsm_ms",
    }
    | {
        "libopencore_amrnb",
        "libopencore_amrwb",
        "libopus",
        "libspeex",
        "libvorbis",
        "mp1",
        "mp1float",
        "mp2",
        "mp2float",
    }
    | {"mp3", "mp3adu", "mp3adufloat", "mp3float", "opus", "speex", "truespeech", "tta", "vorbis", "wavpack"}
    | {"wmalossless", "wmapro", "wmav1", "wmav2", "wmavoice"}
    | {"adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms", "adpcm_swf", "adpcm_yamaha", "g722", "g723_1", "g726", "g729"}
    | {"pcm_alaw", "pcm_mulaw", "pcm_s8", "pcm_u8", "qdm2", "qdmc", "mace3", "mace6"}
    | {f"pcm_{kind}{bits}{end}" for kind in "sfu" for bits in (16, 24, 32, 64) for end in ("le", "be")}
)
"""Decoders of the containers' audio; a file that asks for another one is refused."""

FLOAT_CODECS = frozenset(f"pcm_f{bits}{end}" for bits in (16, 24, 32, 64) for end in ("le", "be"))
"""Formats that can carry infinities and what is not a number."""


class Undecodable(Exception):
    """The file cannot be decoded. `kind` is one of the words that the parent knows."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail


class Output:
    """Collects PCM: in memory while it is short, in the spool file once it is long."""

    def __init__(self, spool: str, max_seconds: float, inline_seconds: float) -> None:
        self._spool = spool
        self._max_samples = ceil(max_seconds * SAMPLE_RATE)
        self._inline_bytes = int(inline_seconds * SAMPLE_RATE) * BYTES_PER_SAMPLE
        self._memory = io.BytesIO()
        self._file: BinaryIO | None = None
        self.samples = 0

    @property
    def spooled(self) -> bool:
        return self._file is not None

    def write(self, pcm: bytes) -> None:
        self.samples += len(pcm) // BYTES_PER_SAMPLE
        if self.samples > self._max_samples + SAMPLE_RATE:  # the exact duration is judged at the end
            raise Undecodable("too long")
        if self._file is None and self._memory.tell() + len(pcm) > self._inline_bytes:
            fd = os.open(self._spool, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            self._file = os.fdopen(fd, "wb")
            self._file.write(self._memory.getvalue())
            self._memory = io.BytesIO()
        (self._memory if self._file is None else self._file).write(pcm)

    def finish(self) -> bytes:
        """The PCM if it is in memory, else nothing; the file is complete then."""
        if self._file is not None:
            self._file.close()
            return b""
        return self._memory.getvalue()

    def abandon(self) -> None:
        """Close and remove the file."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # what is still to be flushed may not fit
                self._file.close()
            os.unlink(self._spool)  # noqa: PTH108  the worker starts faster without pathlib's company


@dataclass(slots=True)
class _Block:
    """Frames of one form, gathered and resampled together: a call for each frame would cost more than decoding it."""

    frame: Any  # the first frame, for its form
    sanitise: bool
    emit: Callable[[bytes], None]
    fifo: Any = field(default_factory=av.AudioFifo)
    resampler: Any = field(default_factory=lambda: av.AudioResampler(format="flt", rate=SAMPLE_RATE))

    def same_form(self, frame: Any) -> bool:
        first = self.frame
        return bool(
            first.sample_rate == frame.sample_rate
            and first.format.name == frame.format.name
            and first.layout == frame.layout
            and first.time_base == frame.time_base
        )

    def add(self, frame: Any) -> None:
        self.fifo.write(frame)
        if self.fifo.samples * len(self.frame.layout.channels) >= BLOCK_VALUES:
            self._resample(self.fifo.read(self.fifo.samples))

    def finish(self, cut_samples: int = 0) -> None:
        """Resample what is left, less `cut_samples` at its end."""
        rest = self.fifo.samples - cut_samples
        if rest > 0:
            self._resample(self.fifo.read(rest))
        for resampled in self.resampler.resample(None):  # nothing, if it was never used
            self.emit(to_pcm(resampled.to_ndarray()[0]))

    def _resample(self, frame: Any) -> None:
        frame.pts = None
        rate = frame.sample_rate
        if self.sanitise or rate == SAMPLE_RATE or len(frame.layout.channels) > 1:
            # Mixed down before it is resampled: half the work for stereo, which then takes no longer than PyAV alone.
            mono = mixed(floats(frame), sanitise=self.sanitise)
            if rate == SAMPLE_RATE:
                self.emit(to_pcm(mono))
                return
            frame = av.AudioFrame.from_ndarray(mono.reshape(1, -1), format="flt", layout="mono")
            frame.sample_rate = rate
        for resampled in self.resampler.resample(frame):
            self.emit(to_pcm(resampled.to_ndarray()[0]))


def floats(frame: Any) -> npt.NDArray[np.floating[Any]]:
    """The samples of a frame: shape [channels, n], full scale 1."""
    count = len(frame.layout.channels)
    if not frame.format.is_packed and count >= MISCOUNTED_PLANES:
        (frame,) = av.AudioResampler(format="flt").resample(frame)
    values: npt.NDArray[Any] = frame.to_ndarray()
    if frame.format.is_packed:
        values = values.reshape(-1, count).T
    if values.dtype.kind == "f":
        return values
    full_scale = np.float32(2.0 ** (values.dtype.itemsize * 8 - 1))
    samples = values.astype(np.float32)
    if values.dtype.kind == "u":
        samples -= full_scale
    return np.divide(samples, full_scale, dtype=np.float32)


def mixed(channels: npt.NDArray[np.floating[Any]], *, sanitise: bool) -> npt.NDArray[np.float32]:
    """One channel of many, shape [n].

    The mean can't clip. Where it has cancelled itself out (one channel is the other's negative, as some telephone
    recorders and karaoke mixes have it), the loudest channel stands for all. With `sanitise`, what is no sample
    becomes silence, and absurd amplitudes are bounded.
    """
    if sanitise:
        channels = np.clip(np.nan_to_num(channels, nan=0.0, posinf=0.0, neginf=0.0), -FLOAT_LIMIT, FLOAT_LIMIT)
    planes: list[npt.NDArray[np.float32]] = list(np.ascontiguousarray(channels, dtype=np.float32))
    if len(planes) == 1:
        return planes[0]
    mono: npt.NDArray[np.float32] = np.mean(planes, axis=0)
    energies = [float(plane @ plane) for plane in planes]
    if float(mono @ mono) < CANCELLED * sum(energies) / len(energies):
        return planes[int(np.argmax(energies))]
    return mono


def to_pcm(mono: npt.NDArray[np.float32]) -> bytes:
    """16-bit PCM of floats, shape [n]."""
    scaled = np.rint(mono * np.float32(32768.0))
    if not np.isfinite(scaled).all():
        scaled = np.nan_to_num(scaled, nan=0.0)
    pcm: bytes = np.clip(scaled, -32768, 32767).astype("<i2").tobytes()
    return pcm


def open_container(data: bytes | memoryview, container: str) -> Any:
    """FFmpeg's view of the bytes, with no way to anything else. Raises Undecodable."""
    options = {
        "protocol_whitelist": "none",  # no such protocol: nothing nested can be opened
        "format_whitelist": _FORMAT_NAMES.get(container, demuxer(container)),
        "codec_whitelist": ",".join(sorted(AUDIO_CODECS)),
        "max_probe_packets": "0",  # the container names its codec; guessing (DTS in WAV) costs ten times the decoding
    }
    if container == "m4a":
        options |= {"enable_drefs": "0", "use_absolute_path": "0"}
    elif container == "wav":
        options |= {"max_size": str(PCM_READ_BYTES)}
    try:
        return av.open(
            io.BytesIO(data), format=demuxer(container), container_options=options, metadata_errors="replace"
        )
    except (av.FFmpegError, ValueError, LookupError) as error:
        raise _translated(error) from None


_FORMAT_NAMES = {"m4a": "mov,mp4,m4a,3gp,3g2,mj2", "matroska": "matroska,webm"}


def _translated(error: Exception) -> Undecodable:
    return Undecodable("memory" if isinstance(error, MemoryError) else "damaged")


def decode(data: bytes, container: str, *, allow_video: bool, output: Output) -> dict[int, int]:
    """Decode the first sound track into `output`; how many samples of each rate there were.

    What is damaged is left out, as FFmpeg does it. Raises Undecodable.
    """
    counts: dict[int, int] = {}
    parts: Sequence[bytes | memoryview] = links(data) if container == "ogg" else [data]
    for number, part in enumerate(parts):
        try:
            _decode_part(part, container, allow_video=allow_video, counts=counts, emit=output.write)
        except Undecodable as error:
            if error.kind not in ("damaged", "no audio") or (number == len(parts) - 1 and not counts):
                raise
    return counts


def _decode_part(
    data: bytes | memoryview,
    container: str,
    *,
    allow_video: bool,
    counts: dict[int, int],
    emit: Callable[[bytes], None],
) -> None:
    with open_container(data, container) as source:
        if not allow_video and any(
            stream.type == "video" and not int(stream.disposition) & int(av.stream.Disposition.attached_pic)
            for stream in source.streams
        ):
            raise Undecodable("video")
        if not source.streams.audio:
            raise Undecodable("no audio")
        stream = source.streams.audio[0]
        codec = stream.codec_context
        if codec is None or codec.name not in AUDIO_CODECS:
            raise Undecodable("codec", codec.name if codec is not None else "")
        codec.thread_count = 1
        block: _Block | None = None
        sanitise = codec.name in FLOAT_CODECS
        waiting = None  # one frame is held back, because the last may have to be cut
        for frame in _frames(source, stream):
            if not frame.samples:
                continue
            if waiting is not None:
                block = _take(waiting, block, counts, sanitise, emit)
            waiting = frame
        if waiting is not None:
            block = _take(waiting, block, counts, sanitise, emit)
            cut = _padding(stream, counts, waiting) if container == "m4a" else 0
            if cut:
                counts[waiting.sample_rate] -= cut
            block.finish(cut)


def _take(
    frame: Any, block: _Block | None, counts: dict[int, int], sanitise: bool, emit: Callable[[bytes], None]
) -> _Block:
    rate, channels = frame.sample_rate, len(frame.layout.channels)
    if not LOWEST_RATE <= rate <= HIGHEST_RATE or not 0 < channels <= MAX_CHANNELS:
        raise Undecodable("damaged")
    counts[rate] = counts.get(rate, 0) + frame.samples
    if len(counts) > MAX_RATES:
        raise Undecodable("damaged")
    frame.pts = None  # times in the file are not to be trusted; samples follow one another
    if block is not None and not block.same_form(frame):
        block.finish()
        block = None
    if block is None:
        block = _Block(frame, sanitise, emit)
    block.add(frame)
    return block


def _frames(source: Any, stream: Any) -> Iterator[Any]:
    """Every frame that can be decoded."""
    packets = source.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except (av.FFmpegError, ValueError) as error:
            if isinstance(error, MemoryError):  # FFmpeg's is one too
                raise
            return  # the rest cannot be read: what was decoded so far counts
        try:
            frames = packet.decode()
        except (av.FFmpegError, ValueError) as error:
            if isinstance(error, MemoryError):  # FFmpeg's is one too
                raise
            continue
        yield from frames


def _padding(stream: Any, counts: dict[int, int], last: Any) -> int:
    """Samples of the last frame that lie behind the end which an MP4's edit list tells (the encoder's padding)."""
    if not stream.duration or stream.duration < 0 or not stream.time_base or len(counts) != 1:
        return 0
    surplus = counts[last.sample_rate] - ceil(Fraction(stream.duration) * stream.time_base * last.sample_rate)
    return surplus if 0 < surplus < last.samples else 0


def limit_resources(memory_bytes: int, file_bytes: int) -> None:
    """Bound this process's address space, files and core dumps, where the platform can."""
    if sys.platform == "win32":
        return
    import resource

    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: file_bytes, resource.RLIMIT_NOFILE: 64}
    if sys.platform == "linux":  # others do not enforce it, or count the system's shared libraries
        limits[resource.RLIMIT_AS] = memory_bytes
    for which, value in limits.items():
        _, hard = resource.getrlimit(which)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(which, (value, value))
        except (OSError, ValueError):  # a limit that the system will not set is no reason not to decode
            continue


def serve(channel: Channel) -> None:
    """Decode one job after another until the parent is gone."""
    channel.send({"ready": True})
    while (frame := channel.receive()) is not None:
        job, data = frame
        output = Output(job["spool"], job["max_seconds"], job["inline_seconds"])
        try:
            counts = decode(data, job["container"], allow_video=job["allow_video"], output=output)
            pcm = output.finish()
        except Undecodable as error:
            output.abandon()
            channel.send({"error": error.kind, "detail": error.detail})
        except (av.FFmpegError, ValueError, LookupError, MemoryError) as error:
            output.abandon()
            channel.send({"error": _translated(error).kind, "detail": ""})
        except OSError as error:  # the spool: a full disk, no folder
            output.abandon()
            channel.send({"error": "spool", "detail": error.strerror or ""})
        else:
            rates = [[rate, samples] for rate, samples in counts.items()]
            channel.send({"samples": output.samples, "rates": rates, "spooled": output.spooled}, pcm)
        del frame, data


def main() -> None:
    """`python -m auricle.audio.decode_worker MEMORY_BYTES FILE_BYTES`."""
    channel = connect()
    av.logging.set_level(None)
    limit_resources(int(sys.argv[1]), int(sys.argv[2]))
    try:
        serve(channel)
    except MemoryError:  # the encoded audio alone is too large: the parent sees this process end
        sys.exit(1)


if __name__ == "__main__":
    main()
