"""Small files of every format and variant, to mutate."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from tests.audio import encoding
from tests.audio.encoding import channels, id3, id3_picture, melody, wav

EXAMPLES = Path(__file__).parents[2] / "examples"
DATA = Path(__file__).parents[1] / "audio" / "data"
SECONDS = 0.4


def encode(samples: encoding.Floats, rate: int, codec: str, container: str, **more: Any) -> bytes:
    """Without random serial numbers: the same seeds in every run."""
    options = {"fflags": "+bitexact", **more.pop("options", {})}
    return encoding.encode(samples, rate, codec, container, options=options, **more)


def audio() -> dict[str, bytes]:
    """Encoded audio by name."""
    mono = melody(SECONDS, 48_000)
    stereo, mono_plane = channels(mono, 2), mono[None]
    low = melody(SECONDS, 16_000)[None]
    mp3 = encode(mono_plane, 48_000, "libmp3lame", "mp3")
    made = {
        "wav-16": encode(low, 16_000, "pcm_s16le", "wav"),
        "wav-24-stereo": encode(stereo, 48_000, "pcm_s24le", "wav", layout="stereo"),
        "wav-float": encode(mono_plane, 48_000, "pcm_f32le", "wav"),
        "wav-ulaw": encode(low, 16_000, "pcm_mulaw", "wav"),
        "wav-adpcm": encode(low, 16_000, "adpcm_ima_wav", "wav"),
        "wav-5.1": encode(channels(mono, 6), 48_000, "pcm_s16le", "wav", layout="5.1"),
        "wav-rf64": encode(low, 16_000, "pcm_s16le", "wav", options={"rf64": "always"}),
        "wav-8": wav(bytes(range(256)) * 20, bits=8, rate=8_000),
        "mp3": mp3,
        "mp3-vbr": encode(stereo, 48_000, "libmp3lame", "mp3", layout="stereo", codec_options={"q": "5"}),
        "mp3-art": id3(100, frames=id3_picture(b"\xff\xd8\xff\xe0" + bytes(3000))) + mp3,
        "flac": encode(mono_plane, 48_000, "flac", "flac"),
        "m4a-aac": encode(mono_plane, 48_000, "aac", "ipod"),
        "m4a-alac": encode(mono_plane, 48_000, "alac", "ipod"),
        "m4a-fragments": encode(
            mono_plane, 48_000, "aac", "mp4", options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}
        ),
        "ogg-opus": encode(mono_plane, 48_000, "libopus", "ogg"),
        "ogg-flac": encode(mono_plane, 48_000, "flac", "ogg"),
        "aac": encode(mono_plane, 48_000, "aac", "adts"),
        "aiff": encode(low, 16_000, "pcm_s16be", "aiff"),
        "au": encode(low, 16_000, "pcm_s16be", "au"),
        "caf": encode(low, 16_000, "pcm_s16be", "caf"),
        "matroska": encode(mono_plane, 48_000, "libopus", "matroska"),
        "w64": encode(low, 16_000, "pcm_s16le", "w64"),
        "asf": encode(mono_plane, 48_000, "wmav2", "asf", bit_rate=64_000),
        "wv": encode(mono_plane, 48_000, "wavpack", "wv"),
    }
    made |= {path.stem: path.read_bytes() for path in DATA.glob("*.ogg")}
    made["ogg-chained"] = made["vorbis-16k"] + made["ogg-opus"] + made["speex"]
    return made


def bodies() -> dict[str, bytes]:
    """JSON bodies by name."""
    data = base64.b64encode(audio()["wav-16"]).decode()
    part = {"type": "input_audio", "input_audio": {"data": f"data:audio/wav;base64,{data[:200]}", "format": "wav"}}
    text = {"type": "text", "text": 'what is "said"? \u4f60\u597d'}
    chat = {"model": "mimo-v2.5", "messages": [{"role": "user", "content": [part, text]}], "stream": True}
    function = {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "number"}}}}
    tools = {**chat, "tools": [{"type": "function", "function": function}], "stop": ["a"], "temperature": 1.5}
    url = {"model": "mimo-v2.5-asr", "messages": [{"role": "user", "content": [{"type": "audio_url"}]}]}
    return {
        name: json.dumps(body, ensure_ascii=name != "chat").encode()
        for name, body in {"chat": chat, "tools": tools, "url": url}.items()
    }
