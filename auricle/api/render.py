"""From Answers and Deltas to the official JSON: keys, nesting and their order as the published pages have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from auricle.types import Answer, Delta, FinishReason, HeardAudio, Task, ToolCall, ToolCallDelta, Usage

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """What every body and chunk of one answer shares."""

    id: str
    model: str
    created: int  # Unix seconds
    task: Task


def completion(head: Head, answer: Answer) -> Json:
    """The body of an answer that is not streamed."""
    body: Json = {
        "id": head.id,
        "choices": [{"finish_reason": answer.finish_reason, "index": 0, "message": message(head.task, answer)}],
        "created": head.created,
        "model": head.model,
        "object": "chat.completion",
        "usage": usage(head.task, answer.usage),
    }
    return body | extensions(answer.heard)


def extensions(heard: Sequence[HeardAudio]) -> Json:
    """What goes beyond the official body; nothing unless it was asked for."""
    return {"auricle": {"heard": [heard_body(audio) for audio in heard]}} if heard else {}


def heard_body(audio: HeardAudio) -> Json:
    segments = [
        {
            "text": segment.text.strip(),
            "start": segment.start,
            "end": segment.end,
            "language": segment.language,
            "voice": segment.voice,
        }
        for segment in audio.segments
    ]
    return {**asdict(audio), "segments": segments}


def message(task: Task, answer: Answer) -> Json:
    if task is Task.RECOGNIZE:
        return {
            "content": answer.content,
            "role": "assistant",
            "audio": None,
            "tool_calls": None,
            "audio_tokens": [],
        }
    return {
        "content": answer.content,
        "role": "assistant",
        "tool_calls": [tool_call(call) for call in answer.tool_calls] or None,
        "reasoning_content": answer.reasoning,
    }


def tool_call(call: ToolCall) -> Json:
    return {"id": call.id, "function": {"arguments": call.arguments, "name": call.name}, "type": "function"}


def usage(task: Task, counted: Usage) -> Json:
    body: Json = {
        "completion_tokens": counted.completion_tokens,
        "prompt_tokens": counted.prompt_tokens,
        "total_tokens": counted.total_tokens,
        "completion_tokens_details": {"reasoning_tokens": counted.reasoning_tokens},
        "prompt_tokens_details": {
            "audio_tokens": counted.audio_tokens,
            "cached_tokens": counted.cached_tokens,
        },
    }
    if task is Task.RECOGNIZE:
        body["seconds"] = ceil(counted.audio_seconds)
    return body


def first_chunk(head: Head) -> Json:
    """Says who speaks, before anything is said."""
    return chunk(head, {"content": "", "role": "assistant"})


def delta_chunk(head: Head, delta: Delta) -> Json:
    body: Json = {}
    if delta.reasoning:
        body["reasoning_content"] = delta.reasoning
    if delta.content:
        body["content"] = delta.content
    if delta.tool_calls:
        body["tool_calls"] = [tool_call_delta(piece) for piece in delta.tool_calls]
    return chunk(head, body)


def tool_call_delta(piece: ToolCallDelta) -> Json:
    body: Json = {"index": piece.index, "function": {"arguments": piece.arguments}}
    if piece.name is not None:
        body["function"]["name"] = piece.name
    if piece.id is not None:
        body |= {"id": piece.id, "type": "function"}
    return body


def finish_chunk(head: Head, reason: FinishReason, counted: Usage | None, heard: Sequence[HeardAudio] = ()) -> Json:
    """The chunk that ends the answer; `counted` goes with it when no chunk of its own was asked for."""
    body = chunk(head, {}, reason) | extensions(heard)
    if counted is not None:
        body["usage"] = usage(head.task, counted)
    return body


def usage_chunk(head: Head, counted: Usage) -> Json:
    return chunk_base(head, []) | {"usage": usage(head.task, counted)}


def chunk(head: Head, delta: Json, reason: FinishReason | None = None) -> Json:
    return chunk_base(head, [{"delta": delta, "finish_reason": reason, "index": 0}])


def chunk_base(head: Head, choices: list[Json]) -> Json:
    return {
        "id": head.id,
        "choices": choices,
        "created": head.created,
        "model": head.model,
        "object": "chat.completion.chunk",
    }
