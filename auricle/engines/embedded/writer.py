"""What the language model may write: held to what is certain, and judged before it is sent."""

from __future__ import annotations

import re
from array import array
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from auricle.engines.embedded.certain import beginning, denies, may_deny, told
from auricle.engines.embedded.completion import Sampling, Written
from auricle.engines.embedded.constraints import anything_but, beginning_with, beginning_with_or, exactly
from auricle.engines.embedded.conversation import Conversation
from auricle.engines.embedded.doubt import ADMIT, ADMIT_ANSWER, ADMIT_REASON, SURE, AnswerDoubt, Doubt
from auricle.engines.embedded.examples import FACTS
from auricle.engines.embedded.grounding import REASONED, invented, unfounded
from auricle.engines.embedded.heard import Heard
from auricle.engines.embedded.language_model import LanguageModel
from auricle.engines.embedded.notes import Wording, sentences
from auricle.engines.embedded.prompt import Prompt
from auricle.engines.embedded.selection import CJK
from auricle.engines.embedded.sentence_end import has_sentence
from auricle.engines.embedded.vocabularies import ADMISSIONS, VOCABULARIES

HELD_CHARACTERS = 160  # of an answer that is judged before it is sent: its first sentence, if that is shorter
REMEMBERED = 256  # prompts whose judgement is kept: the same request again is answered at once
_UNFINISHED = re.compile(rf"(?:(?!{CJK.pattern})\w)+$")  # a word, or the beginning of one


@dataclass(frozen=True, slots=True)
class _Settled:
    """What is known of an answer before it is written."""

    grammar: str | None = None
    reused: int | None = None
    """Tokens of the prompt, from the front, whose keys and values were still there, if it had to be read."""
    logprobs: tuple[float, ...] = ()
    """How likely tokens are to begin the answer, where it is to be probed when it is written."""
    untold: bool = False
    """Whether what is asked is rather not told, as far as is known by then."""

    @property
    def probed(self) -> bool:
        """Whether the answer is to be probed when it is written."""
        return bool(self.logprobs)


class Writer:
    """Writes answers with one model. Of them it keeps only which grammar they had to be held to."""

    def __init__(self, model: LanguageModel, doubt: Doubt | None = None) -> None:
        """`doubt` was fitted for this model, if for any."""
        self._model = model
        self._doubt = doubt
        self._grammars: OrderedDict[tuple[bytes, Sampling], str | None] = OrderedDict()

    async def write(
        self, conversation: Conversation, heard: Sequence[Heard], prompt: Prompt, max_tokens: int, sampling: Sampling
    ) -> AsyncGenerator[Written, None]:
        """What the model writes. That it is not heard, where what is asked is not told, or the model makes up a number
        or a name; what is said, where it writes that nobody speaks and somebody does.

        The beginning of an answer that may be corrected is held back until it is judged.
        """
        sampling = replace(sampling, adapted=conversation.adapted)
        if (key := _key(prompt, sampling)) in self._grammars:
            writing = self._model.write(prompt.tokens, max_tokens, replace(sampling, grammar=self._grammars[key]))
        elif conversation.asked:
            writing = self._write_judged(_Judge(conversation, heard, self._doubt), prompt, max_tokens, sampling)
        else:
            writing = self._model.write(prompt.tokens, max_tokens, sampling)
        async with aclosing(writing) as pieces:
            async for piece in pieces:
                yield piece

    async def _write_judged(
        self, judge: _Judge, prompt: Prompt, max_tokens: int, sampling: Sampling
    ) -> AsyncGenerator[Written, None]:
        """An answer that may stand, or what is to be written in its place."""
        settled = await self._settle(judge, prompt)
        held_to = replace(sampling, grammar=settled.grammar)
        async with aclosing(self._model.write(prompt.tokens, max_tokens, held_to)) as pieces:
            begun, correction = await _begin(pieces, judge, settled)
            reused = begun.reused_tokens if settled.reused is None else settled.reused
            begun = replace(begun, reused_tokens=reused)
            if not correction and begun.finish is None:
                if sampling.temperature == 0:
                    self._remember(prompt, sampling, settled.grammar)
                yield begun
                async for piece in pieces:
                    yield replace(piece, reused_tokens=reused)
                return
        # Its slot is free again: a probe needs one.
        if not correction and settled.probed and await self._untold(judge, prompt, settled.logprobs, begun.text):
            correction = judge.admitting()
        if not correction:
            if sampling.temperature == 0 and begun.finish != "length":
                self._remember(prompt, sampling, settled.grammar)
            yield begun
            return
        self._remember(prompt, sampling, correction)
        corrected = replace(sampling, grammar=correction)
        async with aclosing(self._model.write(prompt.tokens, max_tokens, corrected)) as pieces:
            async for piece in pieces:
                yield replace(piece, reused_tokens=reused)

    async def _settle(self, judge: _Judge, prompt: Prompt) -> _Settled:
        """What is known of the answer before anything of it is written."""
        if (grammar := judge.certain()) is not None:
            return _Settled(grammar)
        if self._doubt is None or not judge.doubtable:
            return _Settled(judge.reasoning())
        weighed = await self._model.weigh(prompt.tokens, self._doubt.tokens)
        log_odds = self._doubt.log_odds(weighed.logprobs)
        if log_odds > (ADMIT if judge.probe is None else SURE) and not judge.probes_reasons:
            return _Settled(judge.admitting(), weighed.reused_tokens)
        logprobs = () if judge.probe is None else weighed.logprobs
        return _Settled(judge.reasoning(), weighed.reused_tokens, logprobs, log_odds > ADMIT)

    async def _untold(self, judge: _Judge, prompt: Prompt, before: Sequence[float], answer: str) -> bool:
        """Whether nothing like `answer`, which the model has written, is rather told; `before` is how likely tokens
        were to begin it."""
        answer = answer.strip()
        if self._doubt is None or judge.probe is None or answer in ADMISSIONS.values():
            return False
        written = [*prompt.tokens, *await self._model.tokenize(answer)]
        if len(written) >= self._model.context_length:
            return False
        after = await self._model.weigh(written, self._doubt.tokens)
        limit = ADMIT_REASON if judge.probes_reasons else ADMIT_ANSWER
        return judge.probe.log_odds(before, after.logprobs) > limit

    def _remember(self, prompt: Prompt, sampling: Sampling, grammar: str | None) -> None:
        self._grammars[_key(prompt, sampling)] = grammar
        if len(self._grammars) > REMEMBERED:
            self._grammars.popitem(last=False)


def _key(prompt: Prompt, sampling: Sampling) -> tuple[bytes, Sampling]:
    return array("I", prompt.tokens).tobytes(), sampling


async def _begin(pieces: AsyncGenerator[Written, None], judge: _Judge, settled: _Settled) -> tuple[Written, str]:
    """What an answer begins with, as far as it has to be there to be judged, as one piece; and the grammar of what to
    write in its place, empty where it may stand."""
    held = ""
    async for piece in pieces:
        held += piece.text
        if piece.finish is None:
            if not judge.ready(held, probed=settled.probed):
                continue
            if settled.untold:  # too long to be held until it is probed
                return replace(piece, text=held), judge.admitting()
        correction = judge.correction(held if piece.finish else _UNFINISHED.sub("", held))
        return replace(piece, text=held), correction
    return Written(held, "stop"), ""


@dataclass(frozen=True)
class _Judge:
    """Of answers to one question in words, by what was heard."""

    conversation: Conversation
    heard: Sequence[Heard]
    doubt: Doubt | None = None
    """What tells beforehand of what is `doubtable` if it is there."""

    @property
    def doubtable(self) -> bool:
        """Whether it can be told beforehand if what is asked is there: as in the questions that doubt was fitted on."""
        if len(self.heard) != 1 or not self.heard[0].segments or not self._admission:
            return False
        users = sum(message.role == "user" for message in self.conversation.request.messages)
        return users == 1 and self._fitted and self.conversation.doubtable

    @property
    def _fitted(self) -> bool:
        """Whether the prompt is like those that doubt was fitted on."""
        return self.conversation.prepared and not self.conversation.adapted

    def certain(self) -> str | None:
        """The grammar of what is certain of the answer, if anything is."""
        question = self.conversation.question
        if word := beginning(question, self.heard):
            return beginning_with(word)
        if not (self._admission and told(question, self.heard)):
            return None
        vocabulary = VOCABULARIES[question.language]
        return anything_but(vocabulary.refusal or vocabulary.admission)

    @property
    def probe(self) -> AnswerDoubt | None:
        """What tells, of the answer that the model writes, if it was told."""
        if self.doubt is None or not self.doubtable:
            return None
        return self.doubt.reasons if self.conversation.reasoned else self.doubt.answers

    @property
    def probes_reasons(self) -> bool:
        """Whether the answer is a reason, and is probed."""
        return self.conversation.reasoned and self.probe is not None

    def reasoning(self) -> str | None:
        """The grammar of an answer to why: because of something, or, where no probe judges that, it can't be heard. A
        small model rather says the question again, and not the sentence after it, which tells why."""
        question = self.conversation.question
        if not (self._admission and self.conversation.reasoned and any(one.segments for one in self.heard)):
            return None
        because = VOCABULARIES[question.language].because
        return beginning_with(because) if self.probes_reasons else beginning_with_or(because, self._admission)

    def admitting(self) -> str:
        """The grammar of the answer that it can't be heard."""
        return exactly(self._admission)

    def ready(self, held: str, *, probed: bool = False) -> bool:
        """Whether enough of the answer is there to judge it; of one that is to be probed, if it is too long to be held,
        and of a reason all."""
        if probed:
            return len(held) >= HELD_CHARACTERS and not self.conversation.reasoned
        if len(held) >= HELD_CHARACTERS or has_sentence(held):
            return True
        return not self._admission and not (self._says and may_deny(held, self.heard))

    def correction(self, held: str) -> str:
        """The grammar of what to write in place of an answer that begins so; empty where it may stand."""
        if self._says and denies(held, self.heard):
            return beginning_with(self._says)
        # Of a reason the adapter, or the probe and the model, know more than the rule.
        known = self.conversation.reasoned and self.doubt is not None and self.doubtable
        reasons = not (self.conversation.adapted or known)
        made_up = self._admission and _made_up(held, self.conversation, self.heard, reasons=reasons)
        return self.admitting() if made_up else ""

    @property
    def _admission(self) -> str:
        return ADMISSIONS.get(self.conversation.question.language, "") if self.conversation.asking else ""

    @property
    def _says(self) -> str:
        vocabulary = VOCABULARIES.get(self.conversation.question.language)
        return "" if vocabulary is None else vocabulary.says


def _made_up(answer: str, conversation: Conversation, heard: Sequence[Heard], *, reasons: bool) -> bool:
    """Whether `answer` only echoes the question, is about an example, gives a reason where none is told (if `reasons`
    are judged), or has numbers or names that are neither in the notes nor in what the client wrote."""
    if answer.strip() in ADMISSIONS.values():
        return False
    notes = [line for one in heard for line in sentences(one, Wording(conversation.chinese, None, one.seconds))]
    written = [message.text for message in conversation.request.messages]
    # Names have another form in another language, and German writes every noun like one.
    spoken = {segment.language for one in heard for segment in one.segments}
    question = conversation.question
    sources = [*notes, *written]
    known = " ".join(sources).lower()
    if spoken <= {question.language} and any(found.group().lower() not in known for found in FACTS.finditer(answer)):
        return True
    texts = [*(segment.text for one in heard for segment in one.segments), *written[:-1]]
    if not texts and conversation.asking and "fact" in question.wants:
        return True
    if not conversation.doubtable:
        return conversation.asking and bool(invented(answer, sources, language=question.language, names=False))
    names = spoken == {question.language} and question.language != "de"
    return unfounded(answer, question, texts, sources, names=names, reasons=reasons and spoken <= REASONED)
