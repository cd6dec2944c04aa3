"""The bodies of the wire as pydantic models: what is accepted, and what `/docs` shows.

A field is honoured, or refused by name, never dropped. Fields of OpenAI's API that cannot change an answer
are accepted; those that could are refused unless they ask for nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

MAX_STOPS = 4
MAX_PARTS = 4096
MAX_MESSAGES = 4096


class Wire(BaseModel):
    """Strict about types (no "5" for 5), closed to unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Lenient(Wire):
    """What clients send back of what they were given: fields that we do not know are harmless."""

    model_config = ConfigDict(extra="ignore")


class InputAudio(Lenient):
    """OpenAI's and MiMo's spelling of an audio."""

    data: str = Field(
        min_length=1,
        description="An http(s) URL, a data URL `data:{MIME};base64,...`, or bare base64.",
        examples=["https://example.com/speech.wav"],
    )
    format: str | None = Field(
        None, description="A hint (`wav`, `mp3`...); the format is recognised by the audio's bytes."
    )


class AudioUrl(Lenient):
    """vLLM's spelling of an audio."""

    url: str = Field(min_length=1, description="An http(s) URL or a data URL.")


class TextPart(Lenient):
    type: Literal["text"]
    text: str


class InputAudioPart(Lenient):
    type: Literal["input_audio"]
    input_audio: InputAudio


class AudioUrlPart(Lenient):
    type: Literal["audio_url"]
    audio_url: AudioUrl


class RefusalPart(Lenient):
    """Part of an earlier answer of another service."""

    type: Literal["refusal"]
    refusal: str


ContentPart = Annotated[
    TextPart | InputAudioPart | AudioUrlPart | RefusalPart,
    Field(discriminator="type"),
]


class FunctionCall(Lenient):
    name: str = Field(min_length=1)
    arguments: str


class ToolCallMessage(Lenient):
    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class ChatMessage(Lenient):
    """One turn. Fields of answers that clients send back (`reasoning_content`, `audio`, `refusal`...) are accepted."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | Annotated[list[ContentPart], Field(max_length=MAX_PARTS)] | None = None
    name: str | None = None
    tool_calls: list[ToolCallMessage] | None = None
    tool_call_id: str | None = None


class StreamOptions(Lenient):
    include_usage: bool | None = Field(None, description="Send a last chunk with `choices: []` and `usage`.")


class Thinking(Wire):
    type: Literal["enabled", "disabled"]


class AsrOptions(Wire):
    language: str | None = Field(
        None, description="`auto` (default) or an ISO 639-1 code that the engine knows: `zh`, `en`, ..."
    )


class JsonSchema(Lenient):
    name: str | None = None
    description: str | None = None
    schema_: dict[str, JsonValue] | None = Field(None, alias="schema", description="A JSON Schema.")
    strict: bool | None = None


class ResponseFormatBody(Wire):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class Function(Lenient):
    name: str = Field(min_length=1, max_length=64, pattern=r"^[a-zA-Z0-9_.-]+$")
    description: str | None = None
    parameters: dict[str, JsonValue] | None = None
    strict: bool | None = None


class Tool(Wire):
    type: Literal["function"]
    function: Function


class NamedFunction(Wire):
    name: str = Field(min_length=1)


class NamedTool(Wire):
    type: Literal["function"]
    function: NamedFunction


class ChatTemplateKwargs(Wire):
    enable_thinking: bool | None = None


class Extensions(Wire):
    """What Auricle offers beyond the official API."""

    heard: bool | None = Field(
        None, description="Understanding only: give what was heard in each audio as data, under `auricle.heard`."
    )


class ChatRequest(Wire):
    """The body of `POST /v1/chat/completions`."""

    model: str = Field(
        min_length=1, description="`mimo-v2.5`, `mimo-v2-omni` or `mimo-v2.5-asr`.", examples=["mimo-v2.5"]
    )
    messages: list[ChatMessage] = Field(
        min_length=1, max_length=MAX_MESSAGES, description="The conversation; audio may stand in any user message."
    )
    asr_options: AsrOptions | None = Field(None, description="For speech recognition models only.")
    max_completion_tokens: int | None = Field(
        None, ge=1, le=2**31 - 1, description="Most tokens of the answer, thinking included."
    )
    max_tokens: int | None = Field(None, ge=1, le=2**31 - 1, description="The older name of `max_completion_tokens`.")
    temperature: float | None = Field(None, ge=0, le=2, description="0 takes the likeliest word every time.")
    top_p: float | None = Field(None, ge=0, le=1, description="Share of the likeliest words to choose from.")
    stop: str | Annotated[list[str], Field(max_length=MAX_STOPS)] | None = Field(
        None, description=f"The answer ends before any of these, at most {MAX_STOPS}."
    )
    frequency_penalty: float | None = Field(None, ge=-2, le=2, description="Against words that were said often.")
    presence_penalty: float | None = Field(None, ge=-2, le=2, description="Against words that were said at all.")
    seed: int | None = Field(None, ge=-(2**63), le=2**63 - 1, description="Makes a sampled answer repeatable.")
    n: int | None = Field(None, ge=1, le=1, description="Only one answer is given.")
    stream: bool | None = Field(None, description="Send the answer as it is made, as server-sent events.")
    stream_options: StreamOptions | None = None
    thinking: Thinking | None = Field(None, description="Understanding models think unless `disabled`.")
    reasoning_effort: str | None = Field(None, description="OpenAI's spelling: `none` is `thinking: disabled`.")
    chat_template_kwargs: ChatTemplateKwargs | None = Field(None, description="vLLM's spelling of `thinking`.")
    response_format: ResponseFormatBody | None = Field(None, description="The form that the answer must have.")
    tools: Annotated[list[Tool], Field(max_length=128)] | None = Field(
        None, description="Functions that the model may ask to call."
    )
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = Field(
        None, description="Whether, and which, of the `tools` is to be called."
    )

    auricle: Extensions | None = Field(None, description="Auricle's own extensions; nobody else knows them.")

    # OpenAI's fields that cannot change the answer
    user: Any = None
    metadata: Any = None
    store: Any = None
    service_tier: Any = None
    safety_identifier: Any = None
    prompt_cache_key: Any = None
    prompt_cache_retention: Any = None
    prediction: Any = None
    parallel_tool_calls: bool | None = Field(None, description="Accepted; a call at a time is asked for in any case.")

    # OpenAI's fields that could, accepted only where they ask for nothing
    modalities: list[Literal["text"]] | None = Field(None, description="Only `text` is given.")
    audio: None = Field(None, description="Spoken answers are not given.")
    logprobs: Literal[False] | None = Field(None, description="Not given.")
    top_logprobs: Annotated[int, Field(ge=0, le=0)] | None = Field(None, description="Not given.")
    logit_bias: Annotated[dict[str, float], Field(max_length=0)] | None = Field(None, description="Not honoured.")
    verbosity: Literal["medium"] | None = Field(None, description="Not honoured beyond OpenAI's default.")
    web_search_options: None = Field(None, description="There is no web search.")
    functions: None = Field(None, description="Use `tools`.")
    function_call: None = Field(None, description="Use `tool_choice`.")


class CompletionTokensDetails(BaseModel):
    reasoning_tokens: int


class PromptTokensDetails(BaseModel):
    audio_tokens: int
    cached_tokens: int = Field(description="Prompt tokens whose computation was reused, as measured.")


class UsageBody(BaseModel):
    completion_tokens: int = Field(description="Includes `reasoning_tokens`.")
    prompt_tokens: int
    total_tokens: int
    completion_tokens_details: CompletionTokensDetails
    prompt_tokens_details: PromptTokensDetails
    seconds: int | None = Field(None, description="Speech recognition only: whole seconds of audio, rounded up.")


class AnswerMessage(BaseModel):
    content: str
    role: Literal["assistant"]
    tool_calls: list[ToolCallMessage] | None
    reasoning_content: str | None = Field(None, description="Understanding only: what was heard.")
    audio: None = Field(None, description="Speech recognition only.")
    audio_tokens: list[int] | None = Field(None, description="Speech recognition only, always empty.")


FinishReasonBody = Literal["stop", "length", "tool_calls", "content_filter"]


class Choice(BaseModel):
    finish_reason: FinishReasonBody
    index: int
    message: AnswerMessage


class SegmentBody(BaseModel):
    text: str
    start: float = Field(description="Seconds from the start of the audio.")
    end: float
    language: str = Field(description="ISO 639-1.")
    voice: Literal["lower", "higher"] | None = Field(
        description="Which of two voices speaks, where two are told apart by their pitch; null elsewhere."
    )


class SoundBody(BaseModel):
    label: str = Field(description="AudioSet's name of the sound.")
    kind: Literal["speech", "singing", "music", "sound", "tone", "noise", "general"]
    start: float = Field(description="Seconds from the start of the audio, good to about a third of a second.")
    end: float
    confidence: float = Field(description="0 to 1, calibrated: the share of sounds like this that are right.")
    background: bool = Field(description="Whether it goes on through most of the audio.")


class MusicBody(BaseModel):
    start: float
    end: float
    confidence: float
    styles: list[str] = Field(description="AudioSet's names of styles and moods, the likeliest first: a guess.")
    beats_per_minute: float | None = Field(description="Null where no beat is regular; may be half or double.")


class HeardBody(BaseModel):
    """What was heard in one audio."""

    seconds: float
    languages: list[str] = Field(description="ISO 639-1, the most spoken first; empty where nobody speaks.")
    segments: list[SegmentBody]
    rms_dbfs: float = Field(description="How loud it is: root mean square, decibels below full scale.")
    peak_dbfs: float
    clipped_share: float = Field(description="Share of samples at full scale; above 0.001 it is overdriven.")
    sounds: list[SoundBody] | None = Field(description="In order; null where sounds were not listened for.")
    music: list[MusicBody]


class ExtensionsBody(BaseModel):
    heard: list[HeardBody] = Field(description="One entry an audio, in the order of the request.")


class Completion(BaseModel):
    """The body of an answer that is not streamed."""

    id: str
    choices: list[Choice]
    created: int
    model: str
    object: Literal["chat.completion"]
    usage: UsageBody
    auricle: ExtensionsBody | None = Field(None, description="Only where the request asked for it.")


class ChunkDelta(BaseModel):
    role: Literal["assistant"] | None = None
    reasoning_content: str | None = None
    content: str | None = None
    tool_calls: list[dict[str, JsonValue]] | None = None


class ChunkChoice(BaseModel):
    delta: ChunkDelta
    finish_reason: FinishReasonBody | None
    index: int


class CompletionChunk(BaseModel):
    """One event of a stream. `usage` comes with the last one."""

    id: str
    choices: list[ChunkChoice]
    created: int
    model: str
    object: Literal["chat.completion.chunk"]
    usage: UsageBody | None = None
    auricle: ExtensionsBody | None = Field(
        None, description="With the chunk that has the finish_reason, only where the request asked for it."
    )


class ErrorDetail(BaseModel):
    code: str = Field(description="The HTTP status, as a string.")
    message: str = Field(description="What class of error.")
    param: str = Field(description="What exactly.")
    type: str


class ErrorBody(BaseModel):
    error: ErrorDetail
