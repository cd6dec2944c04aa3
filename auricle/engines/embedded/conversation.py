"""The client's messages as the language model sees them: its turns, with our notes about each audio in their place.

A turn of a user is laid out as notes, then the client's text, then our reminder: whatever order the parts came in, a
second question about the same audio finds everything before its own words in the model's memory. All that we add
depends on the turn alone, so that a turn reads the same when it is history.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import orjson

from auricle.engines.embedded.answer_language import answer_language
from auricle.engines.embedded.biasing import wanted
from auricle.engines.embedded.constraints import Tools
from auricle.engines.embedded.examples import MOST_EXAMPLES, examples
from auricle.engines.embedded.languages import language_of, name_of
from auricle.engines.embedded.prompt import Piece, Turn, merged
from auricle.engines.embedded.question import Question, read
from auricle.engines.embedded.vocabularies import VOCABULARIES
from auricle.types import Audio, Message, Request, Text, ToolCall

# Of the 47 questions of tests/engines/embedded/questions.py, greedily, the 1.5B model answers 40 right with this text
# and the 0.5B model 34. Tried and no better: the same as a reminder after the question, an example of an unknown name
# (the 1.5B still makes one up), and notes that end with what is not known. 'Write: ...' is what makes it say so at all.
_ENGLISH = (
    "You are a careful listener. The user gives you audio, and what you heard in it is written down as notes. "
    "Answer the question from the notes alone, shortly, and answer every part of it. Take words, numbers, names and "
    "times exactly as they are in the notes. To describe, summarize or transcribe the audio, tell what is said in it; "
    "if nobody speaks, say so. Nothing but the notes is known: if they do not contain the answer (a name, a colour, "
    "a reason, a sound), write: It can't be heard in the audio."
)
_CHINESE = (
    "你是一个认真的听者。用户给你音频，你听到的内容已经写成笔记。请只根据笔记简短地回答问题，问题的每一部分都要回答。"
    "原话、数字、名字和时间都照笔记原样写。要求描述、总结或转写音频时，就写出音频里说的话；没有人说话，就说没有人说话。"
    "除了笔记，什么都不知道：如果笔记里没有答案（比如名字、颜色、原因、声音），就写：从音频里听不出来。"
)
LISTENING = (_ENGLISH, _CHINESE)
# For a text that nobody said. The model then sees the words that were said and nothing beside: of notes it translates
# one line and leaves the others, or makes bullet points of the times; examples make it copy the words.
CREATING = (
    "You are a helpful assistant. The user gives you audio, and what is heard in it is written down. Write what the "
    "user asks for.",
    "你是一个有用的助手。用户给你音频，音频里的内容已经写下来。请写出用户要的东西。",
)
ASSISTING = "You are a helpful assistant."
CALLING = (
    "You can call these functions:\n{functions}\n"
    'If one of them is needed for what the user asks, write only {{"name": NAME, "arguments": {{...}}}} and nothing '
    "else. "
    "If none is needed, or its result is there already, answer in words."
)
ONLY_AUDIO = ("the audio", "音频")
NOTES = ("What you heard in {}:\n", "你在{}里听到的：\n")
REMINDER = "\n(Answer in {}.)"
TEXT_REMINDER = "\n(The audio is the text above. Answer in {}.)"  # else the model asks for what it is to translate
TEXT_REMINDER_CHINESE = "\n（音频的内容就是上面的文字。请用中文回答。）"
REMINDER_CHINESE = "\n（请用中文回答。）"
JSON_REMINDER = "\n(Answer with one JSON object and nothing else.)"
SCHEMA_REMINDER = "\n(Answer with JSON that follows this JSON Schema: {})"


@dataclass(frozen=True)
class Conversation:
    """A request's messages, understood."""

    request: Request
    tools: Tools
    examples: int = MOST_EXAMPLES
    """How many of them come first: the model knows so many already."""
    late_instructions: bool = True
    """Whether the chat template takes the client's instructions behind the examples."""
    adaptable: bool = False
    """Whether the model has an adapter for questions that ask for a reason."""

    @cached_property
    def audios(self) -> tuple[Audio, ...]:
        return tuple(self.request.audios())

    @cached_property
    def question(self) -> Question:
        """What the last message of a user that has any text asks for."""
        text = next((m.text for m in reversed(self.request.messages) if m.role == "user" and m.text), "")
        return read(text, self._instructions)

    @cached_property
    def words(self) -> frozenset[str]:
        """Of the users' messages, those that tell a recogniser what may be said."""
        return wanted(message.text for message in self.request.messages if message.role == "user")

    @cached_property
    def chinese(self) -> bool:
        """Whether notes are in Chinese: the first answer decides, for the notes stay as they are in later turns."""
        first = next((m.text for m in self.request.messages if m.role == "user" and m.text), "")
        return self._language_for(first) == "zh"

    def number(self, index: int) -> int | None:
        """What audio `index` is called, from 1; None where it is the only one."""
        return index + 1 if len(self.audios) > 1 else None

    @property
    def prepared(self) -> bool:
        """Whether all examples come first."""
        return self.examples >= len(examples(chinese=self.chinese))

    @property
    def plain(self) -> bool:
        """Whether words are wanted, and neither JSON nor a function call."""
        return self.request.options.response_format.type == "text" and not self.tools.functions

    @property
    def asked(self) -> bool:
        """Whether the last message is `question`, and words are wanted."""
        last = self.request.messages[-1]
        return self.plain and last.role == "user" and bool(last.text)

    @property
    def asking(self) -> bool:
        """Whether the last message is a question in plain words to which there are audios."""
        return bool(self.audios) and self.asked and self.question.marked

    @cached_property
    def creating(self) -> bool:
        """Whether a text is wanted that nobody said."""
        return self.asked and "creation" in self.question.wants

    @property
    def doubtable(self) -> bool:
        """Whether the last message asks in plain words for something that may not be in the audio.

        What notes always tell (what is said, what sounds there are) is in them; yes or no can be answered with no.
        """
        return self.asking and self.question.wants.isdisjoint(("noted", "yes or no"))

    @cached_property
    def reasoned(self) -> bool:
        """Whether the answer is a reason, or that none can be heard."""
        return self.doubtable and "reason" in self.question.wants and bool(VOCABULARIES[self.question.language].because)

    @property
    def adapted(self) -> bool:
        """Whether the adapter answers. It was fitted on prompts without examples."""
        return self.adaptable and self.reasoned

    def turns(self, notes: Sequence[str], hint: str = "") -> tuple[Turn, ...]:
        """The turns, with one note for each audio, and `hint` just before the last question.

        Which tokens are billed, and how many, does not depend on `notes` and `hint`.
        """
        remaining = iter(enumerate(notes))
        last = max((i for i, m in enumerate(self.request.messages) if m.role == "user"), default=-1)
        turns = [*self._opening()]
        for index, message in enumerate(self.request.messages):
            match message.role:
                case "user":
                    turns.append(Turn("user", tuple(self._user(message, remaining, hint, is_last=index == last))))
                case "assistant":
                    text = "\n".join([*filter(None, [message.text]), *map(_call_text, message.tool_calls)])
                    turns.append(Turn("assistant", (Piece(text, billed=True),)))
                case "tool":
                    label = Piece(f"Result of the function {self._called(message)}:\n", billed=False)
                    turns.append(Turn("user", (label, Piece(message.text, billed=True))))
                case _:
                    pass  # in the system turn
        return merged(turns)

    @cached_property
    def _instructions(self) -> str:
        """The client's."""
        return "\n".join(m.text for m in self.request.messages if m.role in ("system", "developer") and m.text)

    def _opening(self) -> Iterable[Turn]:
        """What comes before the first message. Ours first, if possible: what no client changes is never read anew."""
        shown = 0 if self.creating or self.adapted else self.examples
        if not (self.audios and self.plain and shown):  # an answer in another form is not like the examples'
            yield Turn("system", tuple(self._system()))
        elif self._instructions and self.late_instructions:
            yield from opening(shown, chinese=self.chinese)
            yield Turn("system", (Piece(self._instructions, billed=True),))
        else:
            yield Turn("system", tuple(self._system()))
            yield from _examples(shown, chinese=self.chinese)

    def _system(self) -> Iterable[Piece]:
        ours = (CREATING if self.creating else LISTENING)[self.chinese] if self.audios else ASSISTING
        if self._instructions:
            yield Piece(self._instructions, billed=True)
        if self.audios or not self._instructions:
            yield Piece(("\n\n" if self._instructions else "") + ours, billed=False)
        if self.tools.functions:
            before, _, after = CALLING.partition("{functions}")
            lines = [orjson.dumps(function.definition).decode() for function in self.tools.functions]
            yield Piece("\n\n" + before.format(), billed=False)
            yield Piece("\n".join(lines), billed=True)
            yield Piece(after.format(), billed=False)

    def _user(self, message: Message, notes: Iterable[tuple[int, str]], hint: str, *, is_last: bool) -> Iterable[Piece]:
        audios = [part for part in message.content if not isinstance(part, Text)]
        ours = ""
        for _, (index, note) in zip(audios, notes, strict=False):
            ours += NOTES[self.chinese].format(self._audio_name(index)) + note + "\n\n"
        if is_last and hint:
            ours += hint + "\n\n"
        yield Piece(ours, billed=False)
        yield Piece(message.text, billed=True)
        yield Piece(self._reminder(message.text, is_last=is_last), billed=False)

    def _reminder(self, text: str, *, is_last: bool) -> str:
        form = self.request.options.response_format
        if is_last and form.type == "json_schema":
            return SCHEMA_REMINDER.format(orjson.dumps(form.schema).decode())
        if is_last and form.type == "json_object":
            return JSON_REMINDER
        language = self._language_for(text)
        if self.audios and self.creating and is_last and answer_language(text):
            return TEXT_REMINDER_CHINESE if language == "zh" else TEXT_REMINDER.format(name_of(language))
        return _in_language(language) if self.audios or language != "en" else ""

    def _language_for(self, text: str) -> str:
        """That of the answer to a user's `text`."""
        return read(text, self._instructions).language

    def _audio_name(self, index: int) -> str:
        number = self.number(index)
        if number is None:
            return ONLY_AUDIO[self.chinese]
        return f"音频{number}" if self.chinese else f"audio {number}"

    def _called(self, message: Message) -> str:
        for earlier in self.request.messages:
            for call in earlier.tool_calls:
                if call.id == message.tool_call_id:
                    return call.name
        return message.name or ""


def opening(shown: int, *, chinese: bool) -> tuple[Turn, ...]:
    """What every conversation about an audio begins with, with `shown` of the examples."""
    return Turn("system", (Piece(LISTENING[chinese], billed=False),)), *_examples(shown, chinese=chinese)


def _examples(shown: int, *, chinese: bool) -> Iterable[Turn]:
    """Turns that show how to answer."""
    for example in examples(chinese=chinese)[:shown]:
        heard = NOTES[chinese].format(ONLY_AUDIO[chinese]) + example.notes + "\n\n"
        for question, answer in example.answers:
            yield Turn("user", (Piece(heard + question + _in_language(language_of(question)), billed=False),))
            yield Turn("assistant", (Piece(answer, billed=False),))
            heard = ""


def _in_language(language: str) -> str:
    return REMINDER_CHINESE if language == "zh" else REMINDER.format(name_of(language))


def _call_text(call: ToolCall) -> str:
    return f'{{"name": {orjson.dumps(call.name).decode()}, "arguments": {call.arguments or "{}"}}}'
