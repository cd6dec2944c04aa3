"""From an upload to its transcript and subtitles, and the page of the models."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from auricle.console.pages import FILES_PATH
from auricle.types import Readiness
from tests.console.browser import Visit, visiting
from tests.console.conftest import KEY
from tests.serving import CLIP, Server

pytestmark = pytest.mark.console


def long_clip(folder: Path) -> Path:
    """Nine times the clip: 42 seconds, so two windows of the scripted engine."""
    path = folder / "talk.of.today.wav"
    with wave.open(str(CLIP)) as clip, wave.open(str(path), "wb") as longer:
        longer.setparams(clip.getparams())
        longer.writeframes(clip.readframes(clip.getnframes()) * 9)
    return path


def transcribe(page: Page, path: Path) -> None:
    page.set_input_files("input[type=file]", path)
    page.get_by_role("button", name="Transcribe").click()


def test_upload_to_transcript_to_subtitles(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("transcripts")
    transcribe(page, long_clip(tmp_path))
    lines = page.locator(".segments button")
    expect(lines).to_have_count(2)
    expect(lines.nth(1)).to_contain_text("0:30.0 – 0:42.3")
    lines.nth(1).click()
    expect(lines.nth(1)).to_have_class("now")
    expect(page.get_by_text("0:30.").first).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download as SRT").click()
    assert waiting.value.suggested_filename == "talk.of.today.srt"
    assert waiting.value.path().read_text() == (
        "1\n00:00:00,000 --> 00:00:30,000\nscripted speech from 0 to 30.0\n\n"
        "2\n00:00:30,000 --> 00:00:42,300\nscripted speech from 30 to 42.3\n"
    )
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download as VTT").click()
    text = waiting.value.path().read_text()
    assert text.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:30.000\nscripted")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download as TXT").click()
    assert waiting.value.path().read_text().count("\n") == 2


def test_subtitles_of_hours_and_of_markup(visit: Visit) -> None:
    page = visit.open("transcripts")
    segments = [{"start": 3599.9996, "end": 36000.5, "text": " <b>a</b> & b "}]
    call = f"(it) => import('{FILES_PATH}/subtitles.js').then((m) => [m.srt(it), m.vtt(it)])"
    srt, vtt = page.evaluate(call, segments)
    assert srt == "1\n01:00:00,000 --> 10:00:00,500\n<b>a</b> & b\n"
    assert vtt == "WEBVTT\n\n01:00:00.000 --> 10:00:00.500\n&lt;b&gt;a&lt;/b&gt; &amp; b\n"


def test_silence_has_no_transcript(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "silence.wav"
    with wave.open(str(path), "wb") as silence:
        silence.setparams((1, 2, 16_000, 0, "NONE", ""))
        silence.writeframes(bytes(64_000))
    page = visit.open("transcripts")
    transcribe(page, path)
    expect(page.get_by_text("Nobody speaks in this audio.")).to_be_visible()
    expect(page.get_by_role("button", name="Download as SRT")).to_have_count(0)


def test_what_is_no_audio_is_refused_with_the_reason(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("transcripts")
    path = tmp_path / "letter.wav"
    path.write_bytes(b"%PDF-1.7 no audio at all" * 100)
    transcribe(page, path)
    expect(page.get_by_role("alert").filter(has_text="invalid audio format")).to_be_visible()
    assert all("400 (Bad Request)" in complaint for complaint in visit.complaints)
    visit.complaints.clear()


def test_a_key_is_asked_for_before_anything_is_sent(browser: Browser, keyed_server: Server) -> None:
    with visiting(browser, keyed_server.url) as visit:
        page = visit.open("transcripts")
        transcribe(page, CLIP)
        expect(page.get_by_role("alert").filter(has_text="asks for an API key")).to_be_visible()
        page.get_by_label("API key").fill(KEY)
        page.get_by_role("button", name="Use this key").click()
        page.get_by_role("button", name="Transcribe").click()
        expect(page.locator(".segments button")).to_have_count(1)


def test_models_say_what_stands_behind_them(visit: Visit) -> None:
    page = visit.open("models")
    row = page.get_by_role("row").filter(has_text="mimo-v2.5-asr")
    expect(row).to_contain_text("Recognition")
    expect(row).to_contain_text("none (scripted)")
    expect(row).to_contain_text("Ready")
    expect(page.get_by_text("In progress")).to_be_visible()


@contextmanager
def unready(server: Server, detail: str) -> Iterator[None]:
    """The engine of `server` loads, says `detail`, and is ready when the block ends."""
    engine = next(iter(server.pipeline.models.values())).engine
    engine.readiness = lambda task: Readiness(False, detail)  # type: ignore[method-assign]
    try:
        yield
    finally:
        del engine.readiness


def test_models_tell_how_far_they_are(visit: Visit, open_server: Server) -> None:
    with unready(open_server, "downloading 40 % of 1.1 GB"):
        page = visit.open("models")
        expect(page.get_by_text("downloading 40 % of 1.1 GB").first).to_be_visible()
        expect(page.get_by_text("Not ready").first).to_be_visible()
    expect(page.get_by_text("Not ready")).to_have_count(0)
