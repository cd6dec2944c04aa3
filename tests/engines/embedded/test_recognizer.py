"""The recogniser with its real model, in its real process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import pytest_asyncio

from auricle.config import EngineSettings
from auricle.engines.embedded.recognizer import Recognizer
from auricle.errors import EngineFailed, Unavailable, WeightsError
from auricle.types import RecognitionOptions, Segment
from auricle.waveform import SAMPLE_RATE, Waveform
from tests.engines.waveforms import from_pcm, from_samples, from_wav, noise, silence

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.weights]

EXAMPLES = Path(__file__).parents[3] / "examples"
CLIPS = Path(__file__).parent / "clips"
SECRET = "sk-nobody-tells-the-recogniser"
ASK_NOT = "ask not what your country can do for you"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recognizer(recognizer_folder: Path) -> AsyncIterator[Recognizer]:
    recognizer = Recognizer(recognizer_folder, EngineSettings())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AURICLE_API_KEYS", SECRET)
        await recognizer.start()
        await recognizer.wait_ready()
    yield recognizer
    await recognizer.close()


@pytest.fixture(scope="module")
def speech() -> Waveform:
    return from_wav(EXAMPLES / "ask-not.wav")


def repeated(speech: Waveform, times: int, pause_seconds: float = 0.5) -> Waveform:
    assert isinstance(speech.pcm, bytes)
    return from_pcm((speech.pcm + bytes(2 * round(pause_seconds * SAMPLE_RATE))) * times)


async def collect(recognizer: Recognizer, waveform: Waveform, **options: object) -> list[Segment]:
    recognition = RecognitionOptions(**options)  # type: ignore[arg-type]
    return [segment async for segment in recognizer.recognize(waveform, recognition)]


def plain(segments: list[Segment]) -> str:
    text = "".join(segment.text for segment in segments).casefold()
    return " ".join("".join(c for c in text if c.isalnum() or c.isspace()).split())


async def test_it_writes_down_what_is_said(recognizer: Recognizer, speech: Waveform) -> None:
    segments = await collect(recognizer, speech)
    assert plain(segments) == ASK_NOT
    (segment,) = segments
    assert segment.language == "en"
    assert 0 <= segment.start < segment.end <= speech.seconds
    assert -0.7 < segment.avg_logprob < 0
    assert len(segment.tokens) > 8
    assert segment.compression_ratio > 0
    assert recognizer.readiness.ready
    assert {"en", "zh", "de", "jv"} <= recognizer.languages


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_its_process_knows_no_secrets_and_leaves_the_cores_to_the_model(recognizer: Recognizer) -> None:
    environment = await asyncio.to_thread(Path(f"/proc/{recognizer.worker_pid}/environ").read_bytes)
    assert b"OPENBLAS_NUM_THREADS=1" in environment.split(b"\0")
    assert SECRET.encode() not in environment


@pytest.mark.parametrize(
    "quiet", [silence(0.0), silence(0.01), silence(30), noise(30)], ids=["empty", "short", "silence", "noise"]
)
async def test_nothing_is_said_in_silence_and_noise(recognizer: Recognizer, quiet: Waveform) -> None:
    assert await collect(recognizer, quiet) == []


async def test_a_soft_sentence_beside_a_loud_one_is_not_left_out(recognizer: Recognizer, speech: Waveform) -> None:
    """Whisper alone steps over the first of the two, without a sign in the likelihood of the second."""
    loud = speech.read(0, speech.sample_count)
    samples = np.concatenate([0.2 * loud, np.zeros(SAMPLE_RATE // 2, np.float32), loud]).astype(np.float32)
    segments = await collect(recognizer, from_samples(samples), language="en")
    assert plain(segments).count("what your country can do for you") == 2
    assert [segment.start for segment in segments] == sorted(segment.start for segment in segments)
    timed = await collect(recognizer, from_samples(samples), language="en", word_timestamps=True)
    words = [word for segment in timed for word in segment.words]
    assert [word.start for word in words] == sorted(word.start for word in words)
    assert sum("country" in word.text for word in words) == 2


async def test_spooled_audio_is_read_from_its_file(recognizer: Recognizer, speech: Waveform, tmp_path: Path) -> None:
    file = tmp_path / "pcm"
    assert isinstance(speech.pcm, bytes)
    file.write_bytes(speech.pcm)
    assert await collect(recognizer, replace(speech, pcm=file)) == await collect(recognizer, speech)


async def test_a_file_that_is_gone_fails_its_request_only(
    recognizer: Recognizer, speech: Waveform, tmp_path: Path
) -> None:
    with pytest.raises(EngineFailed):
        await collect(recognizer, replace(speech, pcm=tmp_path / "nothing"))
    assert plain(await collect(recognizer, speech)) == ASK_NOT


async def test_a_long_audio_comes_window_by_window_in_order(recognizer: Recognizer, speech: Waveform) -> None:
    waveform = repeated(speech, 12, pause_seconds=5)  # a window each: more in one would look like a loop
    segments = []
    begun, first = time.monotonic(), 0.0
    async for segment in recognizer.recognize(waveform, RecognitionOptions()):
        first = first or time.monotonic() - begun
        segments.append(segment)
    assert first < (time.monotonic() - begun) / 2
    assert len(segments) == 12
    assert [segment.start for segment in segments] == sorted(segment.start for segment in segments)
    assert plain(segments).count("your country can do for you") >= 11


async def test_an_audio_ends_with_its_last_words_however_many_wait(recognizer: Recognizer, speech: Waveform) -> None:
    happened: list[tuple[str, int]] = []

    async def listen(number: int) -> None:
        async for _ in recognizer.recognize(speech, RecognitionOptions()):
            happened.append(("words", number))
        happened.append(("end", number))

    count = 24
    await asyncio.gather(*(listen(number) for number in range(count)))
    for number in range(count):
        between = happened[happened.index(("words", number)) : happened.index(("end", number))]
        others = sum(kind == "words" for kind, _ in between) - 1
        assert others < 12  # a batch or two; not all who wait


async def test_words_have_times(recognizer: Recognizer, speech: Waveform) -> None:
    lead = 2 * round(1.5 * SAMPLE_RATE)
    assert isinstance(speech.pcm, bytes)
    plainly = await collect(recognizer, speech, word_timestamps=True, language="en")
    later = await collect(recognizer, from_pcm(bytes(lead) + speech.pcm), word_timestamps=True, language="en")
    for segments in (plainly, later):
        words = [word for segment in segments for word in segment.words]
        assert " ".join(word.text.strip(" ,.?!").casefold() for word in words) == ASK_NOT
        assert all(0 <= word.start <= word.end and 0 <= word.probability <= 1 for word in words)
        assert [word.start for word in words] == sorted(word.start for word in words)
        assert segments[0].text == "".join(word.text for word in segments[0].words)
    shifts = [b.start - a.start for a, b in zip(plainly[0].words, later[0].words, strict=True)]
    assert np.median(shifts) == pytest.approx(1.5, abs=0.15)


async def test_many_at_once(recognizer: Recognizer, speech: Waveform) -> None:
    answers = await asyncio.gather(*(collect(recognizer, speech) for _ in range(12)))
    assert {plain(segments) for segments in answers} == {ASK_NOT}


async def test_a_clip_overtakes_a_file(recognizer: Recognizer, speech: Waveform) -> None:
    file = asyncio.create_task(collect(recognizer, repeated(speech, 60)))
    await asyncio.sleep(0.3)
    assert plain(await collect(recognizer, speech)) == ASK_NOT
    assert not file.done()
    file.cancel()
    with pytest.raises(asyncio.CancelledError):
        await file


async def test_closing_the_generator_frees_the_recognizer(recognizer: Recognizer, speech: Waveform) -> None:
    async with aclosing(recognizer.recognize(repeated(speech, 400), RecognitionOptions())) as segments:
        async for _ in segments:
            break
    await asyncio.sleep(0.2)
    answers = await asyncio.gather(*(collect(recognizer, speech) for _ in range(2)))
    assert {plain(segments) for segments in answers} == {ASK_NOT}


def from_ogg(file: Path) -> Waveform:
    pieces = []
    with av.open(str(file)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        for frame in container.decode(audio=0):
            pieces += [piece.to_ndarray() for piece in resampler.resample(frame)]
    return from_pcm(np.concatenate(pieces, axis=1).tobytes())


@pytest.fixture(scope="module")
def chinese() -> Waveform:
    return from_ogg(EXAMPLES / "one-to-ten-zh.ogg")


def counted(text: str) -> int:
    """How many of the numbers from one to ten a text names."""
    return sum(number in text for number in "一二三四五六七八九十") or sum(
        str(number) in text for number in range(1, 11)
    )


async def test_chinese_is_simplified(recognizer: Recognizer, chinese: Waveform) -> None:
    segments = await collect(recognizer, chinese, language="zh")
    assert {segment.language for segment in segments} == {"zh"}
    assert counted(plain(segments)) >= 5


async def test_mandarin_words_that_sound_like_what_was_written(recognizer: Recognizer) -> None:
    """请周海燕女士尽快登机，舱门将在五分钟后关闭: 尽快 is taken for no word, and 舱门 may be where 仓门 is."""
    boarding = from_ogg(CLIPS / "boarding.ogg")
    assert "紧快" in plain(await collect(recognizer, boarding, language="zh"))
    options = {"language": "zh", "word_timestamps": True, "readings": True}
    (said,) = await collect(recognizer, boarding, **options)
    assert "尽快" in said.text
    assert "舱门" in {one.text for one in said.alternatives if said.text[one.start : one.stop] == "仓门"}


@pytest.mark.parametrize("pause_seconds", [0.8, 2.0, 5.0])
async def test_each_segment_has_its_own_language(
    recognizer: Recognizer, speech: Waveform, chinese: Waveform, pause_seconds: float
) -> None:
    """Two people, two languages, one audio: nothing is left out or translated, even where both are in one window."""
    assert isinstance(speech.pcm, bytes)
    assert isinstance(chinese.pcm, bytes)
    pause = bytes(2 * round(pause_seconds * SAMPLE_RATE))
    mixed = from_pcm(pause.join([speech.pcm, chinese.pcm, speech.pcm]))
    first, second, third = await collect(recognizer, mixed)
    assert [part.language for part in (first, second, third)] == ["en", "zh", "en"]
    assert plain([first]) == plain([third]) == ASK_NOT
    assert counted(second.text) >= 8
    begins = float(speech.duration) + pause_seconds
    assert second.start == pytest.approx(begins, abs=1)
    assert third.start == pytest.approx(begins + float(chinese.duration) + pause_seconds, abs=1)


async def test_an_accent_does_not_hide_the_language(recognizer: Recognizer) -> None:
    """Russian by an Italian voice, which at first sounds most like Slovak or Polish."""
    (said,) = await collect(recognizer, from_wav(CLIPS / "pharmacy.wav"))
    assert said.language == "ru"
    assert plain([said]).startswith("скажите пожалуйста где находится")


async def test_a_prompt_settles_the_spelling(recognizer: Recognizer, speech: Waveform) -> None:
    segments = await collect(recognizer, speech, prompt="ASK NOT, COUNTRY, YOU, DO, FOR, CAN, WHAT.")
    assert plain(segments) == ASK_NOT


async def test_without_tricks_it_says_the_same(recognizer_folder: Path, speech: Waveform) -> None:
    settings = EngineSettings(graft=False, recheck=False, beam_size=5, decode_batch=1, threads=1)
    recognizer = Recognizer(lambda: recognizer_folder, settings)
    await recognizer.start()
    try:
        await recognizer.wait_ready()
        assert plain(await collect(recognizer, speech)) == ASK_NOT
        (segment,) = await collect(recognizer, speech, word_timestamps=True)
        assert len(segment.words) == len(ASK_NOT.split())
    finally:
        await recognizer.close()


async def test_a_crash_costs_the_requests_in_flight_only(recognizer_folder: Path, speech: Waveform) -> None:
    recognizer = Recognizer(recognizer_folder, EngineSettings())
    await recognizer.start()
    await recognizer.wait_ready()
    try:
        running = asyncio.create_task(collect(recognizer, repeated(speech, 100)))
        await asyncio.sleep(0.5)
        assert recognizer.worker_pid is not None
        os.kill(recognizer.worker_pid, signal.SIGKILL)
        with pytest.raises(EngineFailed):
            await running
        assert plain(await collect(recognizer, speech)) == ASK_NOT  # waits for the new child
    finally:
        await recognizer.close()
    await recognizer.close()
    assert not recognizer.readiness.ready
    with pytest.raises(Unavailable):
        await collect(recognizer, speech)


async def test_a_folder_without_a_model_is_said(tmp_path: Path, speech: Waveform) -> None:
    recognizer = Recognizer(tmp_path, EngineSettings())
    await recognizer.start()
    with pytest.raises(WeightsError):
        await recognizer.wait_ready()
    assert "cannot be loaded" in recognizer.readiness.detail
    with pytest.raises(Unavailable):
        await collect(recognizer, speech)
    await recognizer.close()


async def test_weights_that_cannot_be_had_are_said(speech: Waveform) -> None:
    def folder() -> Path:
        raise WeightsError("no network")

    recognizer = Recognizer(folder, EngineSettings())
    await recognizer.start()
    with pytest.raises(WeightsError):
        await recognizer.wait_ready()
    assert "no network" in recognizer.readiness.detail
    await recognizer.close()


@pytest.mark.asyncio(loop_scope="module")
async def test_batches_are_counted_by_their_size(recognizer: Recognizer, speech: Waveform) -> None:
    before = recognizer.batches.copy()
    await collect(recognizer, speech)
    run = recognizer.batches - before
    assert run
    assert all(1 <= size <= EngineSettings().decode_batch for size in run)
