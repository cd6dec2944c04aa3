"""The console in front of real models: a transcript and its subtitles, an answer, sounds on the time axis."""

from __future__ import annotations

import re
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Browser, expect

from auricle.config import load_settings
from auricle.waveform import SAMPLE_RATE
from tests.console.browser import Visit, visiting
from tests.console.test_accessibility import problems
from tests.serving import CLIP, EXAMPLES, Server, serving, wait_ready

pytestmark = [pytest.mark.console, pytest.mark.weights]

CROW = Path(__file__).parents[1] / "engines" / "embedded" / "clips" / "crow.wav"
CHORDS = ((130.8, 164.8, 196.0, 261.6), (110.0, 130.8, 164.8, 220.0), (87.3, 130.8, 174.6, 220.0))  # Hz
SLOW_MILLISECONDS = 120_000  # the tests' machine may be busy

Samples = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(load_settings(api_keys=(), lite=True, data_dir=tmp_path_factory.mktemp("data"))) as running:
        wait_ready(running, 240)
        yield running


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    # axe writes styles into the page, which its policy forbids.
    with visiting(browser, server.url, bypass_csp=True) as visited:
        yield visited


def plucked(hertz: float, seed: int) -> Samples:
    """One second of a string, by Karplus and Strong (Computer Music Journal 7(2), 1983)."""
    period = round(SAMPLE_RATE / hertz)
    loop = np.random.default_rng(seed).uniform(-1, 1, period)
    out = np.empty(SAMPLE_RATE, np.float32)
    for n in range(SAMPLE_RATE):
        out[n] = loop[n % period]
        loop[n % period] = 0.498 * (loop[n % period] + loop[(n + 1) % period])
    return out


def song() -> Samples:
    """Broken chords on a string, 7 seconds."""
    out = np.zeros(7 * SAMPLE_RATE, np.float32)
    for note in range(24):
        at = note * SAMPLE_RATE // 4
        out[at : at + SAMPLE_RATE] += plucked(CHORDS[note // 8][(0, 2, 1, 3)[note % 4]] * (1 + note % 2), note)
    loud: Samples = (out * (0.5 / np.abs(out).max())).astype(np.float32)
    return loud


def read(path: Path) -> Samples:
    with wave.open(str(path)) as file:
        return (np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768).astype(np.float32)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody speaks, a crow calls, music plays."""
    pause = np.zeros(SAMPLE_RATE, np.float32)
    samples = np.concatenate([read(CLIP), pause, read(CROW), pause, song()])
    path = tmp_path_factory.mktemp("scene") / "scene.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def test_upload_to_a_real_transcript_to_subtitles(visit: Visit) -> None:
    page = visit.open("transcripts")
    page.set_input_files("input[type=file]", EXAMPLES / "ask-not.mp3")
    page.get_by_role("button", name="Transcribe").click()
    line = page.locator(".segments button").first
    expect(line).to_contain_text("what your country can do for you", timeout=SLOW_MILLISECONDS)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download as SRT").click()
    assert waiting.value.suggested_filename == "ask-not.srt"
    number, times, text = waiting.value.path().read_text().split("\n", 2)
    assert number == "1"
    assert re.fullmatch(r"00:00:0\d,\d{3} --> 00:00:0[34],\d{3}", times)
    assert "country" in text
    page.set_input_files("input[type=file]", EXAMPLES / "one-to-ten-zh.ogg")
    page.get_by_role("button", name="Transcribe").click()
    expect(page.locator(".segments [lang=zh]").first).to_contain_text(re.compile("[一1]"), timeout=SLOW_MILLISECONDS)


def test_record_to_a_real_answer(visit: Visit) -> None:
    page = visit.open()
    page.get_by_role("button", name="Record").click()  # the browser's microphone hears the English clip
    expect(page.get_by_role("timer")).to_contain_text("0:06")
    page.get_by_role("button", name="Stop recording").click()
    page.get_by_label("What do you want to know?").fill("Repeat the words that are said.")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator(".reasoning")).to_contain_text("country", timeout=SLOW_MILLISECONDS)
    expect(page.locator("#answer")).to_have_attribute("aria-busy", "false", timeout=SLOW_MILLISECONDS)
    expect(page.locator("#answer")).to_contain_text("country")
    expect(page.get_by_role("group", name="Speech").get_by_role("button").first).to_contain_text("country")


def test_sounds_and_music_stand_on_the_time_axis(visit: Visit, scene: Path) -> None:
    page = visit.open("transcripts")
    page.set_input_files("input[type=file]", scene)
    page.get_by_role("button", name="Transcribe").click()
    lane = {name: page.get_by_role("group", name=name) for name in ("Speech", "Music and singing", "Sounds")}
    expect(lane["Speech"].get_by_role("button").first).to_contain_text("country", timeout=SLOW_MILLISECONDS)
    expect(lane["Music and singing"].get_by_role("button")).to_have_count(1)
    music = lane["Music and singing"].get_by_role("button")
    expect(music).to_have_accessible_name(re.compile(r"^0:0[67]\.\d to 0:1[2-4]\.\d: .*[Mm]usic"))
    crow = lane["Sounds"].get_by_role("button").first
    expect(crow).to_have_accessible_name(re.compile(r"^0:05\.\d to 0:06\.\d: .*([Cc]row|[Cc]aw)"))
    boxes = [button.bounding_box() for button in (lane["Speech"].get_by_role("button").first, crow, music)]
    lefts = [box["x"] for box in boxes if box]
    assert len(lefts) == 3
    assert lefts == sorted(lefts)
    music.click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^0:(0[6-9]|1\d)\.\d / 0:14"))).to_be_visible()
    assert problems(page) == []
