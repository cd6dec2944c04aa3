"""A window's way to text, as the scheduler's jobs: listen, encode, decode, and once more where the text is doubtful."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import ctranslate2
import numpy as np

from auricle.engines.embedded import (
    alternatives,
    guards,
    omission,
    readings,
    script,
    spoken_language,
    switching,
    timestamps,
)
from auricle.engines.embedded.graft import Grafter, States
from auricle.engines.embedded.scheduler import Item, Job, Kind, Scheduler, Ticket
from auricle.engines.embedded.stretches import Stretches
from auricle.engines.embedded.whisper import MAX_TOKENS, Decoded, Mel, Whisper
from auricle.engines.embedded.windows import Window
from auricle.types import Reading, RecognitionOptions, Segment
from auricle.waveform import Samples, Waveform

FULL_WINDOW_SECONDS = 28.0  # longest window where every window costs 30 s
TEMPERATURES = (0.4, 0.8)  # openai/whisper tries five, which keeps hopeless audio busy for long
SURE_LANGUAGE = 0.6  # probability of a language from which on it is believed; else the first is sought with 30 s
SURE_SECONDS = 3.0  # and the least length of such a window, unless nothing else is known
BEAM_SECONDS = 8.0  # least length of a grafted window that is searched with a beam
MOST_WEIGHED = 1000  # words of an audio that are weighed against what was written: a minute on two slow cores
READINGS = 10  # texts of a window that are told beside the one that was found, where that is wanted


@dataclass(frozen=True, slots=True)
class TranscriptionOptions:
    """How every window is recognised; see `EngineSettings` for the meaning of each."""

    beam_size: int = 1
    window_seconds: float = 14.0
    graft: bool = True
    graft_seconds: float = 10.0
    graft_beam_size: int = 3
    recheck: bool = True
    recheck_logprob: float = -0.3
    recheck_beam_size: int = 5
    temperature_fallback: bool = True
    speech_threshold: float = 0.5
    telephone_speech: bool = True
    chinese_script: script.ChineseScript = "simplified"

    @property
    def quick(self) -> bool:
        """Whether windows are grafted."""
        return self.graft and self.beam_size == 1


@dataclass(slots=True, eq=False)
class Encoded(Item):
    """A window with its encoder states."""

    states: States | None = None
    language: str = ""
    inherited: bool = False  # the language is that of other windows
    improbable: bool = False  # the text found so far; else it is doubted because it loops or was cut off
    lacking: Decoded | None = None  # that text, if it leaves a sentence out
    part: int = 0  # of a window that was taken apart
    parts: int = 1


@dataclass(slots=True, eq=False)
class Audio(Ticket):
    """One audio that is being recognised."""

    waveform: Waveform | None = None
    options: RecognitionOptions = field(default_factory=RecognitionOptions)
    language: str | None = None  # Whisper's code: the one asked for, or the last one that was sure
    stretches: Iterator[tuple[list[Window], bool]] = field(default_factory=lambda: iter(()))
    spoken: Counter[str] = field(default_factory=Counter)  # windows by language, of those that were sure
    waiting: list[Encoded] = field(default_factory=list)  # encoded, but of no known language yet
    results: dict[int, tuple[Segment, ...]] = field(default_factory=dict)  # by window, not yet sent
    halves: dict[int, dict[int, tuple[Segment, ...]]] = field(default_factory=dict)  # by window and part, incomplete
    sent: int = 0  # windows
    weighed: int = 0  # words that may be in place of others


class Sink(Protocol):
    """Where results go; called from any thread."""

    def segment(self, id: int, segment: Segment) -> None: ...
    def end(self, id: int) -> None: ...
    def error(self, id: int, error: Exception) -> None: ...


class Transcription:
    """What the threads do for all audios."""

    def __init__(self, whisper: Whisper, scheduler: Scheduler, options: TranscriptionOptions, sink: Sink) -> None:
        self._whisper = whisper
        self._scheduler = scheduler
        self._options = options
        self._sink = sink
        self._windows = Stretches(
            max_window=options.window_seconds if options.quick else FULL_WINDOW_SECONDS,
            threshold=options.speech_threshold,
            telephone=options.telephone_speech,
        )
        self._grafter = Grafter(whisper, options.graft_seconds)
        self._lock = threading.Lock()  # of every audio's language and results

    def open(self, id: int, waveform: Waveform, options: RecognitionOptions) -> None:
        """Queue an audio."""
        audio = Audio(id, waveform=waveform, options=options, stretches=self._windows.of(waveform))
        if options.language:
            audio.language = self._whisper.languages[options.language]
        self._scheduler.open(audio)

    def run(self, job: Job) -> None:
        """Do `job`, and queue what follows from it. An audio that fails is ended; the others go on."""
        try:
            match job.kind:
                case Kind.LISTEN:
                    self._listen(_audio(job.ticket))
                case Kind.ENCODE:
                    self._encode(job.items[0])
                case Kind.DECODE:
                    self._decode([item for item in job.items if isinstance(item, Encoded)])
                case Kind.REDO:
                    self._redo(job.items[0])
        except Exception as error:
            for owner in {item.owner.id: item.owner for item in job.items}.values() or [job.ticket]:
                self._fail(owner, error)
        finally:
            self._scheduler.finished(job)
        if self._scheduler.finish(job.ticket):
            self._sink.end(job.ticket.id)

    def _fail(self, owner: Ticket, error: Exception) -> None:
        if not owner.cancelled:
            self._scheduler.cancel(owner.id)
            self._sink.error(owner.id, error)

    def _listen(self, audio: Audio) -> None:
        windows, unread = next(audio.stretches, ([], False))
        self._scheduler.heard(audio, windows, unread=unread)

    def _mel(self, item: Item) -> Mel:
        waveform = _audio(item.owner).waveform
        if waveform is None:
            raise ValueError("an audio without a waveform")
        pieces: list[Samples] = [waveform.read(piece.start, piece.stop) for piece in item.window.pieces]
        return self._whisper.mel(np.concatenate(pieces))

    def _encode(self, item: Item) -> None:
        audio = _audio(item.owner)
        mel = self._mel(item)
        states = self._states(mel)
        encoded = Encoded(audio, item.window, item.tag, states=states)
        if audio.options.language:
            encoded.language = self._whisper.languages[audio.options.language]
            self._ready(encoded)
            return
        if parts := self._parts(item.window, states):
            self._take_apart(item, parts)
            return
        view = self._seen(states)
        found, probability = spoken_language.rank(self._whisper, view)[0][0]
        first = item.window.index == 0
        if first and probability < SURE_LANGUAGE and self._options.quick:
            found, probability = spoken_language.rank(self._whisper, self._whisper.encode(mel))[0][0]
        sure = probability >= SURE_LANGUAGE and item.window.spoken_seconds >= SURE_SECONDS
        with self._lock:
            if first or sure:
                encoded.language = found
            audio.spoken.update([found] if sure else [])
            if sure or audio.language is None:
                audio.language = encoded.language or None
            if not encoded.language:
                encoded.language, encoded.inherited = audio.language or "", True
            if not encoded.language:
                audio.waiting.append(encoded)
        self._release(audio)
        if encoded.language:
            self._ready(encoded)

    def _take_apart(self, item: Item, parts: list[tuple[Window, str]]) -> None:
        """Go on with each part of a window of several languages."""
        audio = _audio(item.owner)
        self._scheduler.split(item, len(parts))
        with self._lock:
            audio.language = parts[-1][1]
        self._release(audio)
        for number, (window, language) in enumerate(parts):
            part = Encoded(audio, window, item.tag, language=language, part=number, parts=len(parts))
            part.states = self._states(self._mel(part))
            self._ready(part)

    def _release(self, audio: Audio) -> None:
        """Go on with the windows that waited for the audio's language, once there is one."""
        with self._lock:
            language = audio.language
            waited, audio.waiting = (audio.waiting, []) if language else ([], audio.waiting)
        for encoded in waited:
            encoded.language = language or "en"
            self._ready(encoded)

    def _states(self, mel: Mel) -> States:
        return self._grafter.encode(mel) if self._options.quick else np.array(self._whisper.encode(mel))[0]

    def _seen(self, *states: States) -> Any:
        """Windows' states as the decoder is to see them."""
        return self._grafter.join(states) if self._options.quick else _view(*states)

    def _parts(self, window: Window, states: States) -> list[tuple[Window, str]]:
        """A window of several languages in parts of one each."""
        if len(window.pieces) < 2:
            return []
        found = self._whisper.detect_languages(self._grafter.join(switching.slices(window, states)))
        return switching.parts(window, [ranked[0] for ranked in found])

    def _ready(self, encoded: Encoded) -> None:
        # CTranslate2 wants prompts of one length in a batch, and searches all of it with one beam
        encoded.group = len(self._prompt(encoded, encoded.language)), self._beam_size(encoded)
        self._scheduler.ready(encoded)

    def _beam_size(self, item: Item) -> int:
        if not self._options.quick:
            return self._options.beam_size
        return self._options.graft_beam_size if item.seconds >= BEAM_SECONDS else 1

    def _prompt(self, item: Item, language: str) -> list[int]:
        options = _audio(item.owner).options
        prefix = [options.prompt or ""]
        if script.is_chinese(language) and not options.translate:
            prefix.insert(0, script.PROMPTS.get(self._options.chinese_script, ""))
        return self._whisper.prompt(language, translate=options.translate, prefix=" ".join(prefix).strip() or None)

    def _decode(self, items: list[Encoded]) -> None:
        states = self._seen(*(item.states for item in items if item.states is not None))
        languages = [item.language for item in items]
        prompts = [self._prompt(item, item.language) for item in items]
        limit = guards.token_limit(max(item.seconds for item in items), MAX_TOKENS)
        beam_size = self._beam_size(items[0])
        found = self._whisper.decode(states, prompts, languages, beam_size=beam_size, limit=limit)
        for item, decoded in zip(items, found, strict=True):
            if item.owner.cancelled:
                continue
            if self._options.recheck and self._doubtful(item, decoded):
                self._scheduler.again(item)
                continue
            self._finish(item, decoded, item.states)

    def _doubtful(self, item: Encoded, decoded: Decoded) -> bool:
        text = self._whisper.text(decoded.tokens)
        if not self._options.quick:
            item.improbable = True
            return guards.failed(text, decoded.avg_logprob)
        seconds, careful = item.window.spoken_seconds, _audio(item.owner).options.readings
        floor = guards.floor(seconds, self._options.recheck_logprob, careful=careful)
        item.improbable = decoded.avg_logprob < floor
        if guards.doubtful(text, decoded.tokens, decoded.avg_logprob, item.seconds, limit=MAX_TOKENS, floor=floor):
            return True
        item.lacking = decoded if self._left_out(item, decoded, item.states) else None
        return item.lacking is not None

    def _redo(self, item: Item) -> None:
        """The window again, with 30 s, as Whisper was trained. If its text was improbable, also with a beam and in each
        likely language; where that loops, sampled; where a sentence is left out, part by part.
        """
        if not isinstance(item, Encoded):
            raise TypeError("a window that was never encoded")
        if item.lacking is not None and item.states is not None and self._mend(item, item.lacking, item.states):
            return
        states = np.array(self._whisper.encode(self._mel(item)))[0]
        view = _view(states)
        beam_size = self._options.beam_size
        if item.improbable or item.lacking is not None:
            beam_size = max(beam_size, self._options.recheck_beam_size)
        audio = _audio(item.owner)
        unsure = item.improbable and not audio.options.language
        ranked = spoken_language.rank(self._whisper, view)[0] if unsure else []
        found = [self._search(item, view, language, beam_size) for language in self._languages(item, ranked)]
        best = self._said(max(found, key=self._rank))
        if best.tokens and (language := self._likelier(item, ranked, best.language)):
            other = self._said(self._search(item, view, language, beam_size))
            best = spoken_language.likeliest(self._whisper, [best, other]) if other.tokens else best
            with self._lock:
                audio.language = audio.language if audio.spoken else best.language
        for temperature in TEMPERATURES if self._options.temperature_fallback else ():
            if not guards.repeats(self._whisper.text(best.tokens)) or item.owner.cancelled:
                break
            prompt, limit = self._prompt(item, best.language), guards.token_limit(item.seconds, MAX_TOKENS)
            other = self._whisper.sample(view, prompt, best.language, temperature, limit)
            best = self._said(max(best, other, key=self._rank))
        if item.lacking is not None and item.states is not None and len(best.tokens) < len(item.lacking.tokens):
            best, states = item.lacking, item.states
        if not self._mend(item, best, states, again=True):
            self._finish(item, best, states)

    def _said(self, decoded: Decoded) -> Decoded:
        """`decoded`, without text where nobody spoke."""
        text = self._whisper.text(decoded.tokens)
        spoken = not guards.nobody_spoke(text, decoded.avg_logprob, decoded.no_speech_prob)
        return decoded if spoken else replace(decoded, tokens=())

    def _search(self, item: Item, view: Any, language: str, beam_size: int, texts: int = 1) -> Decoded:
        """One window's text."""
        prompts, limit = [self._prompt(item, language)], guards.token_limit(item.seconds, MAX_TOKENS)
        return self._whisper.decode(view, prompts, [language], beam_size=beam_size, limit=limit, texts=texts)[0]

    def _left_out(self, item: Encoded, decoded: Decoded, states: States | None) -> list[int]:
        """The voices of a window that nothing was written for."""
        whole = item.parts == 1 and not _audio(item.owner).options.translate
        if states is None or not self._options.quick or not whole or not omission.sparse(item.window, decoded):
            return []
        return omission.unwritten(self._whisper, self._grafter.join([states]), decoded, item.window)

    def _mend(self, item: Encoded, decoded: Decoded, states: States, *, again: bool = False) -> bool:
        """A window whose text leaves a sentence out, part by part; False if none is left out, or that does not help.

        With `again` doubtful parts are tried with 30 s as well, else one of them is enough to give up.
        """
        windows = omission.parts(item.window, self._left_out(item, decoded, states))
        found: list[tuple[Encoded, Decoded]] = []
        for number, window in enumerate(windows):
            part = Encoded(item.owner, window, item.tag, language=decoded.language, part=number, parts=len(windows))
            one = self._decode_part(part, again=again)
            if one is None:
                return False
            found.append((part, one))
        if sum(len(one.tokens) for _, one in found) <= len(decoded.tokens):
            return False
        self._scheduler.split(item, len(found))
        for part, one in found:
            self._finish(part, one, part.states)
        return True

    def _decode_part(self, part: Encoded, *, again: bool) -> Decoded | None:
        """A part's text; None if it is doubtful, or `again` with 30 s, and then none if it has failed."""
        mel, beam_size = self._mel(part), self._beam_size(part)
        part.states = self._states(mel)
        found = self._search(part, self._grafter.join([part.states]), part.language, beam_size)
        if not self._doubtful(part, found):
            return found
        if not again:
            return None
        part.states = np.array(self._whisper.encode(mel))[0]
        beam_size = max(beam_size, self._options.recheck_beam_size)
        found = self._search(part, _view(part.states), part.language, beam_size)
        failed = guards.failed(self._whisper.text(found.tokens), found.avg_logprob)
        return replace(found, tokens=()) if failed else found

    def _languages(self, item: Encoded, ranked: spoken_language.Ranked) -> list[str]:
        """The languages that a window of doubtful text may be in: at most three; `ranked` where they are in doubt, too.

        One of them is what most windows of the audio are in: with an accent, one may be taken for another language.
        """
        languages = [item.language] if item.inherited or not ranked else []
        with self._lock:
            spoken = [language for language, _ in _audio(item.owner).spoken.most_common(1)]
        return list(dict.fromkeys([*languages, *(language for language, _ in ranked[:1]), *spoken]))

    def _likelier(self, item: Encoded, ranked: spoken_language.Ranked, found: str) -> str | None:
        """Another language than the one that was `found` in which the window makes a likelier text."""
        told = item.inherited and _audio(item.owner).spoken
        languages = [] if told else spoken_language.candidates(ranked, found)
        if not languages or item.states is None:
            return None
        likeliest = spoken_language.probe(self._whisper, self._seen(*[item.states] * len(languages)), languages)
        return likeliest if likeliest != found else None

    def _rank(self, decoded: Decoded) -> tuple[bool, float]:
        return spoken_language.merit(self._whisper, decoded)

    def _finish(self, item: Encoded, decoded: Decoded, states: States | None) -> None:
        """Send what is known in order."""
        audio = _audio(item.owner)
        segments = self._segments(item, decoded, states)
        with self._lock:
            halves = audio.halves.setdefault(item.window.index, {})
            halves[item.part] = segments
            if len(halves) == item.parts:
                del audio.halves[item.window.index]
                audio.results[item.window.index] = tuple(one for _, half in sorted(halves.items()) for one in half)
            while not audio.cancelled and (found := audio.results.pop(audio.sent, None)) is not None:
                audio.sent += 1
                for segment in found:
                    self._sink.segment(audio.id, segment)
        if self._scheduler.done(item):
            self._sink.end(audio.id)

    def _segments(self, item: Encoded, decoded: Decoded, states: States | None) -> tuple[Segment, ...]:
        audio = _audio(item.owner)
        options = audio.options
        text = self._text(decoded.tokens, decoded.language, translate=options.translate)
        if not text.strip():
            return ()
        whole = Segment(
            text=text,
            start=round(item.window.start_seconds, 3),
            end=round(item.window.stop_seconds, 3),
            language=self._whisper.iso(decoded.language),
            avg_logprob=decoded.avg_logprob,
            no_speech_prob=decoded.no_speech_prob,
            compression_ratio=guards.compression_ratio(text),
            temperature=decoded.temperature,
            tokens=decoded.tokens,
        )
        if not options.word_timestamps or states is None:
            return (whole,)
        view = self._seen(states)
        found = timestamps.words(
            self._whisper, view, decoded.tokens, decoded.language, item.window, translate=options.translate
        )
        said = timestamps.split(whole, found, lambda text: self._script(text, decoded.language, options.translate))
        if not options.readings:
            return said
        alone = view if len(said) == 1 else None
        known = tuple(self._with_readings(item, one, decoded.language, alone) for one in said)
        return known if options.translate else self._with_alternatives(audio, known, view, decoded.language)

    def _with_alternatives(
        self, audio: Audio, said: tuple[Segment, ...], view: Any, language: str
    ) -> tuple[Segment, ...]:
        """The sentences of a window with what their words may be, until that has cost an audio enough."""
        found = alternatives.changes(said, self._whisper.iso(language))
        with self._lock:
            audio.weighed += sum(map(len, found))
            enough = audio.weighed > MOST_WEIGHED
        return said if enough or not any(found) else alternatives.told(self._whisper, view, said, found, language)

    def _with_readings(self, item: Encoded, sentence: Segment, language: str, view: Any | None) -> Segment:
        """The sentence with what else it may say, if it is not sure. Without the `view` of a window that is all its own
        it is heard by itself: the likeliest texts of a whole window differ in few words."""
        if not readings.unsure(sentence):
            return sentence
        if view is None:
            item = Encoded(item.owner, readings.window_of(sentence, item.window), item.tag)
            view = self._seen(self._states(self._mel(item)))
        found = self._search(item, view, language, READINGS, texts=READINGS)
        translate = _audio(item.owner).options.translate
        texts = [
            Reading(self._text(one.tokens, language, translate=translate), one.logprob)
            for one in (found, *found.others)
        ]
        return replace(sentence, readings=readings.told(sentence.text, texts))

    def _text(self, tokens: tuple[int, ...], language: str, *, translate: bool) -> str:
        return self._script(self._whisper.text(tokens), language, translate)

    def _script(self, text: str, language: str, translate: bool) -> str:
        chinese = script.is_chinese(language) and not translate
        return script.to_script(text, self._options.chinese_script) if chinese else text


def _audio(ticket: Ticket) -> Audio:
    if not isinstance(ticket, Audio):
        raise TypeError("the scheduler was given another kind of ticket")
    return ticket


def _view(*states: States) -> Any:
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(np.stack(states)))
