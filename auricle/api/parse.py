"""From a JSON body to a Request. Everything wrong with it is an InvalidField that names the place."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from auricle.api.body import Body, Cut
from auricle.api.schema import (
    MAX_STOPS,
    AudioUrlPart,
    ChatMessage,
    ChatRequest,
    ContentPart,
    InputAudioPart,
    ResponseFormatBody,
    TextPart,
    ToolCallMessage,
)
from auricle.errors import InvalidField, UnknownModel
from auricle.types import (
    AudioSource,
    Message,
    Options,
    Part,
    RecognitionOptions,
    Request,
    ResponseFormat,
    Task,
    Text,
    ToolCall,
)


def new_request_id() -> str:
    """32 random hex digits."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Streaming:
    """How the client wants the answer to travel."""

    wanted: bool
    include_usage: bool


def parse_chat(body: Body, tasks: Mapping[str, Task], request_id: str) -> tuple[Request, Streaming]:
    """The request that `body` asks for, and how its answer is to travel.

    `tasks` says what each model name that is served does. Raises InvalidField and UnknownModel.
    """
    try:
        chat = ChatRequest.model_validate(body.fields)
    except ValidationError as error:
        raise first_problem(error) from None
    task = tasks.get(chat.model)
    if task is None:
        raise UnknownModel(chat.model)
    for name in ("tools", "response_format"):
        if body.cuts and body.mentions_cut(body.fields.get(name)):
            raise InvalidField(name, "an audio cannot stand here")
    messages = tuple(read_message(message, f"messages[{n}]", body.cuts) for n, message in enumerate(chat.messages))
    check_content(messages, task)
    if chat.asr_options is not None and task is not Task.RECOGNIZE:
        raise InvalidField("asr_options", f"{chat.model} does not transcribe; use a speech recognition model")
    request = Request(
        id=request_id,
        model=chat.model,
        task=task,
        messages=messages,
        options=read_options(chat, task),
        recognition=RecognitionOptions(language=read_language(chat)),
    )
    include_usage = bool(chat.stream_options and chat.stream_options.include_usage)
    return request, Streaming(bool(chat.stream), include_usage)


def first_problem(error: ValidationError) -> InvalidField:
    """The first thing pydantic found wrong, in our words: the place as it is written in the request."""
    problems = error.errors(include_url=False, include_context=False)
    # In a union each member complains; the complaint deepest in the body is about what the client meant.
    problem = max(problems, key=lambda item: len(wire_location(item["loc"])))
    location = wire_location(problem["loc"])
    if problem["type"] == "extra_forbidden":
        return InvalidField(place(location), "this field is not known or not supported")
    if problem["type"] == "union_tag_invalid":
        return InvalidField(place(location), "the part's type must be text, input_audio or audio_url")
    if problem["type"] == "union_tag_not_found":
        return InvalidField(place(location), "a part needs a type: text, input_audio or audio_url")
    if location and location[-1] in EITHER:
        return InvalidField(place(location), EITHER[location[-1]])
    if len(location) == 1 and location[0] in ASK_FOR_NOTHING:
        return InvalidField(place(location), f"not supported; {lower_first(ASK_FOR_NOTHING[location[0]])}")
    return InvalidField(place(location), lower_first(problem["msg"]))


EITHER: dict[int | str, str] = {
    "content": "must be a string or a list of parts",
    "stop": f"must be a string or a list of at most {MAX_STOPS} strings",
}
ASK_FOR_NOTHING: dict[int | str, str] = {
    name: ChatRequest.model_fields[name].description or ""
    for name in (
        *("n", "modalities", "audio", "logprobs", "top_logprobs", "logit_bias", "verbosity"),
        *("web_search_options", "functions", "function_call"),
    )
}


UNION_PREFIXES = ("str", "list[", "literal[", "constrained-", "function-", "NamedTool")
PART_TYPES = frozenset({"text", "input_audio", "audio_url", "refusal"})  # discriminators, after a part's number


def wire_location(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """pydantic's location without the names of union members that it puts in between."""
    kept: list[int | str] = []
    for position, step in enumerate(location):
        if isinstance(step, str) and position > 0:
            after_number = isinstance(location[position - 1], int)
            if step.startswith(UNION_PREFIXES) or (step in PART_TYPES and after_number):
                continue
        kept.append(step)
    return tuple(kept)


def place(location: tuple[int | str, ...]) -> str:
    """`("messages", 0, "content")` as `messages[0].content`."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def read_message(message: ChatMessage, where: str, cuts: Mapping[str, Cut]) -> Message:
    parts: tuple[Part, ...]
    if message.content is None:
        if message.role != "assistant":
            raise InvalidField(f"{where}.content", "field required")
        parts = ()
    elif isinstance(message.content, str):
        parts = (Text(message.content),)
    else:
        parts = tuple(
            read_part(part, f"{where}.content[{n}]", message.role, cuts) for n, part in enumerate(message.content)
        )
    if message.role == "tool" and not message.tool_call_id:
        raise InvalidField(f"{where}.tool_call_id", "field required in a tool message")
    return Message(
        role=message.role,
        content=parts,
        name=message.name,
        tool_calls=tuple(read_tool_call(call) for call in message.tool_calls or ()),
        tool_call_id=message.tool_call_id,
    )


def read_part(part: ContentPart, where: str, role: str, cuts: Mapping[str, Cut]) -> Part:
    if isinstance(part, TextPart):
        return Text(part.text)
    if isinstance(part, InputAudioPart | AudioUrlPart) and role == "assistant":
        raise InvalidField(where, "an assistant message cannot hold audio")
    if isinstance(part, InputAudioPart):
        return read_audio(part.input_audio.data, f"{where}.input_audio.data", cuts)
    if isinstance(part, AudioUrlPart):
        return read_audio(part.audio_url.url, f"{where}.audio_url.url", cuts)
    return Text(part.refusal)


def read_audio(data: str, where: str, cuts: Mapping[str, Cut]) -> AudioSource:
    """An http(s) URL is a URL; everything else is base64, with or without a data URL's prefix. What was decoded as it
    came in is there already."""
    if data in cuts:
        return AudioSource("bytes", cuts[data].take(where), where)
    return AudioSource("url" if "://" in data[:32] else "base64", data, where)


def read_tool_call(call: ToolCallMessage) -> ToolCall:
    return ToolCall(call.id, call.function.name, call.function.arguments)


def check_content(messages: tuple[Message, ...], task: Task) -> None:
    """What the messages must hold for the task. Raises InvalidField."""
    has_audio = any(isinstance(part, AudioSource) for message in messages for part in message.content)
    has_text = any(message.text.strip() for message in messages)
    if task is Task.RECOGNIZE and not has_audio:
        raise InvalidField("messages", "speech recognition needs an input_audio part")
    if task is Task.UNDERSTAND and not has_text:
        raise InvalidField("messages", "a text part that says what to do with the audio is required")


def read_language(chat: ChatRequest) -> str | None:
    language = chat.asr_options.language if chat.asr_options else None
    return None if language in (None, "auto") else language


def read_options(chat: ChatRequest, task: Task) -> Options:
    if chat.max_tokens is not None and chat.max_completion_tokens not in (None, chat.max_tokens):
        raise InvalidField("max_tokens", "differs from max_completion_tokens; send one of them")
    stop = (chat.stop,) if isinstance(chat.stop, str) else tuple(chat.stop or ())
    if "" in stop:
        raise InvalidField("stop", "a stop string must not be empty")
    tool_choice: str | Mapping[str, Any] | None
    tool_choice = chat.tool_choice if isinstance(chat.tool_choice, str | None) else chat.tool_choice.model_dump()
    if tool_choice is not None and tool_choice != "none" and not chat.tools:
        raise InvalidField("tool_choice", "needs tools")
    if isinstance(tool_choice, Mapping):
        wanted = tool_choice["function"]["name"]
        if wanted not in {tool.function.name for tool in chat.tools or ()}:
            raise InvalidField("tool_choice.function.name", f"there is no tool named {wanted}")
    return Options(
        max_tokens=chat.max_completion_tokens if chat.max_tokens is None else chat.max_tokens,
        temperature=chat.temperature,
        top_p=chat.top_p,
        stop=stop,
        frequency_penalty=chat.frequency_penalty,
        presence_penalty=chat.presence_penalty,
        seed=chat.seed,
        thinking=task is Task.UNDERSTAND and wants_thinking(chat),
        response_format=read_response_format(chat.response_format),
        tools=tuple(tool.model_dump(exclude_none=True) for tool in chat.tools or ()),
        tool_choice=tool_choice,
        heard=bool(chat.auricle and chat.auricle.heard),
    )


def wants_thinking(chat: ChatRequest) -> bool:
    """MiMo's spelling wins over vLLM's, vLLM's over OpenAI's; the default is to think."""
    if chat.thinking is not None:
        return chat.thinking.type == "enabled"
    if chat.chat_template_kwargs is not None and chat.chat_template_kwargs.enable_thinking is not None:
        return chat.chat_template_kwargs.enable_thinking
    return chat.reasoning_effort != "none"


def read_response_format(body: ResponseFormatBody | None) -> ResponseFormat:
    if body is None:
        return ResponseFormat()
    if body.type != "json_schema":
        return ResponseFormat(body.type)
    if body.json_schema is None or body.json_schema.schema_ is None:
        raise InvalidField("response_format.json_schema.schema", "field required")
    return ResponseFormat("json_schema", body.json_schema.schema_)
