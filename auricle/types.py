"""The values that travel through Auricle: frozen, plain, no behaviour beyond reading themselves.

A request's life, in these types: the wire is parsed into a `Request` whose audio parts are `AudioSource`;
fetching turns a source into an `AudioClip` (encoded bytes), decoding turns a clip into a `Waveform`
(16 kHz mono), and the request with `Audio` parts in their place goes to an engine, which yields `Delta`s.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from auricle.waveform import Waveform

Role = Literal["system", "developer", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class Task(enum.StrEnum):
    """What a model does with audio."""

    UNDERSTAND = "understand"
    """Answer a question about what was said and heard."""
    RECOGNIZE = "recognize"
    """Write down what was said."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text part of a message."""

    text: str


@dataclass(frozen=True, slots=True)
class AudioSource:
    """Where a message's audio is to come from; nothing has been fetched or decoded yet."""

    kind: Literal["url", "base64", "bytes"]
    data: str | bytes
    """The URL; or the base64 text, bare or as a data URL; or the encoded audio itself, uploaded or decoded from
    base64 as it came in."""
    where: str
    """The place in the request, for error messages: `messages[0].content[1].input_audio.data`."""


@dataclass(frozen=True, slots=True)
class AudioClip:
    """Encoded audio as it came, recognised by its bytes."""

    data: bytes
    container: str
    """`wav`, `mp3`, `flac`, `m4a` or `ogg` (or another container that the operator allowed)."""
    where: str = "audio"


@dataclass(frozen=True, slots=True)
class Audio:
    """An audio part ready for an engine: the encoded clip and its decoded waveform."""

    clip: AudioClip
    waveform: Waveform


Part = Text | AudioSource | Audio


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a function that the model asks for; `arguments` is JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation."""

    role: Role
    content: tuple[Part, ...] = ()
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """The text parts, joined by newlines."""
        return "\n".join(part.text for part in self.content if isinstance(part, Text))


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """The form that the answer must have."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    schema: Mapping[str, Any] | None = None
    """The JSON Schema, for `json_schema`."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to answer. `None` means the engine's default; an engine honours a field or refuses it by name."""

    max_tokens: int | None = None
    temperature: float | None = None  # 0..2
    top_p: float | None = None  # 0..1
    stop: tuple[str, ...] = ()  # at most 4
    frequency_penalty: float | None = None  # -2..2
    presence_penalty: float | None = None  # -2..2
    seed: int | None = None
    thinking: bool = True
    response_format: ResponseFormat = ResponseFormat()
    tools: tuple[Mapping[str, Any], ...] = ()  # OpenAI tool objects, `{"type": "function", "function": {...}}`
    tool_choice: str | Mapping[str, Any] | None = None  # "none", "auto", "required" or a named function
    heard: bool = False  # whether what was heard is wanted as data, beside the answer


@dataclass(frozen=True, slots=True)
class RecognitionOptions:
    """How to recognise speech."""

    language: str | None = None
    """ISO 639-1 code, or None to detect it."""
    translate: bool = False
    """Write English whatever the language."""
    prompt: str | None = None
    """Text that stands before the speech: spelling of names, style."""
    word_timestamps: bool = False
    readings: bool = False
    """Also tell what else each sentence may say, where that is not sure; needs `word_timestamps`."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, whatever endpoint it came from."""

    id: str  # 32 hex digits
    model: str
    task: Task
    messages: tuple[Message, ...]
    options: Options = Options()
    recognition: RecognitionOptions = RecognitionOptions()

    def audios(self) -> Iterator[Audio]:
        """The decoded audios in the order in which the messages name them."""
        for message in self.messages:
            for part in message.content:
                if isinstance(part, Audio):
                    yield part

    def sources(self) -> Iterator[AudioSource]:
        """The audios that have still to be fetched, in order."""
        for message in self.messages:
            for part in message.content:
                if isinstance(part, AudioSource):
                    yield part


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word; times in seconds from the start of its audio."""

    text: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What a stretch of speech may say."""

    text: str
    logprob: float  # natural logarithm of the probability of all that is said with it


@dataclass(frozen=True, slots=True)
class Alternative:
    """What characters of a segment's text may be in place of what they are."""

    start: int
    stop: int
    text: str
    logprob: float  # natural logarithm of how many times likelier the recogniser finds what it heard with it


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of recognised speech; times in seconds from the start of its audio."""

    text: str
    start: float
    end: float
    language: str  # ISO 639-1
    avg_logprob: float = 0.0  # mean natural-log probability of a token
    no_speech_prob: float = 0.0
    compression_ratio: float = 1.0
    temperature: float = 0.0
    tokens: tuple[int, ...] = ()
    words: tuple[Word, ...] = ()
    audio_index: int = 0  # which of the request's audios
    voice: Literal["lower", "higher"] | None = None  # which of two voices, where they are told apart
    readings: tuple[Reading, ...] = ()  # what else it may say, where it is not sure; from a recogniser, its text first
    alternatives: tuple[Alternative, ...] = ()  # what else parts of it may be; from a recogniser


@dataclass(frozen=True, slots=True)
class HeardSound:
    """A sound that was heard; times in seconds from the start of its audio."""

    label: str  # a name that machines may rely on; the embedded engine's are AudioSet's
    kind: str  # speech, singing, music, sound, tone, noise, general
    start: float
    end: float
    confidence: float  # 0..1
    background: bool = False  # goes on through most of the audio


@dataclass(frozen=True, slots=True)
class HeardMusic:
    """A stretch of music; times in seconds from the start of its audio."""

    start: float
    end: float
    confidence: float  # 0..1
    styles: tuple[str, ...] = ()  # styles and moods, the likeliest first
    beats_per_minute: float | None = None  # None where no beat is regular


@dataclass(frozen=True, slots=True)
class HeardAudio:
    """Everything that was heard in one audio."""

    seconds: float
    languages: tuple[str, ...]  # ISO 639-1, the most spoken first
    segments: tuple[Segment, ...]
    rms_dbfs: float  # root mean square, decibels below full scale
    peak_dbfs: float
    clipped_share: float  # of samples at full scale
    sounds: tuple[HeardSound, ...] | None = None
    """In order of time, spans of speech and music among them; None where sounds were not listened for."""
    music: tuple[HeardMusic, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request. `completion_tokens` includes `reasoning_tokens`, `prompt_tokens` the rest."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    audio_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens whose computation was reused: audio heard before, prompt prefix in the key-value cache."""
    reasoning_tokens: int = 0
    audio_seconds: Fraction = Fraction(0)
    """Duration of all audios, from decoded samples; filled in by the pipeline."""

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call: `id` and `name` come with the first piece, `arguments` pieces are joined."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """One piece of an answer. The last one carries `finish_reason` and `usage`, both or neither."""

    reasoning: str = ""
    content: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    segments: tuple[Segment, ...] = ()
    """Recognised segments that `content` was made of (recognition), in order."""
    heard: tuple[HeardAudio, ...] = ()
    """Each of the request's audios, where that was asked for; with the last piece."""
    finish_reason: FinishReason | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A collected stream of Deltas."""

    content: str
    reasoning: str
    tool_calls: tuple[ToolCall, ...]
    segments: tuple[Segment, ...]
    finish_reason: FinishReason
    usage: Usage
    heard: tuple[HeardAudio, ...] = ()


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a model can answer, and if not, or not as well as it could, why, in words for an operator."""

    ready: bool
    detail: str = ""
