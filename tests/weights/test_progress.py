"""What people and the server's readiness see of a pull."""

from __future__ import annotations

import io
from typing import Literal

import pytest
from rich.console import Console

from auricle.weights.progress import Bars, Board, Lines, Step, shown, size_text


def step(done: int, phase: Literal["downloading", "unpacking", "checking"] = "downloading", model: str = "m") -> Step:
    return Step(model, phase, "wheels", "file", done, 200_000_000)


def test_board_tells_the_server_how_far_it_is() -> None:
    lines: list[str] = []
    board = Board(Lines(lines.append))
    assert board.detail("qwen2.5-coder-1.5b") == ""
    board.step(step(87_000_000, model="qwen2.5-coder-1.5b"))
    assert board.detail("qwen2.5-coder-1.5b") == "downloading qwen2.5-coder-1.5b: 43 %"
    assert board.detail("whisper-base") == ""
    board.end("qwen2.5-coder-1.5b")
    assert board.detail("qwen2.5-coder-1.5b") == ""
    assert len(lines) == 1  # passed on


def test_lines_come_at_intervals_and_at_each_phase() -> None:
    lines: list[str] = []
    progress = Lines(lines.append, interval_seconds=60)
    progress.note("a note")
    for done in range(0, 200_000_001, 10_000_000):
        progress.step(step(done))
    progress.step(step(1_000_000, "unpacking"))
    progress.step(step(2_000_000, "unpacking"))
    assert lines == [
        "a note",
        "downloading m from wheels: 0 % (0 of 200 MB)",
        "unpacking m: 0 % (1 of 200 MB)",
    ]
    often = Lines(lines.append, interval_seconds=0)
    often.step(step(0))
    often.step(step(100_000_000))
    assert lines[-1].startswith("downloading m from wheels: 50 % (100 of 200 MB), ")
    assert lines[-1].endswith(" s left")


def test_bars_on_a_terminal() -> None:
    out = io.StringIO()
    bars = Bars(Console(file=out, force_terminal=True, width=120))
    bars.step(step(0))
    bars.step(step(100_000_000))
    bars.note("a [bold]note[/bold]")  # nothing in it is markup
    bars.step(step(0, "unpacking"))
    bars.end("m")
    bars.close()
    text = out.getvalue()
    assert "downloading m" in text
    assert "a [bold]note[/bold]" in text
    assert "unpacking m" in text


def test_shown_chooses_by_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(Console(file=io.StringIO(), force_terminal=True)) as progress:
        assert isinstance(progress, Bars)
    with shown(Console(file=io.StringIO(), force_terminal=False)) as progress:
        progress.note("plain")
    assert capsys.readouterr() == ("", "plain\n")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (2_309, "2.31 kB"),
        (15_151_712, "15.2 MB"),
        (147_882_941, "148 MB"),
        (999_600, "1.00 MB"),
        (1_117_320_768, "1.12 GB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert size_text(size) == text


def test_percent_reaches_100_only_at_the_end() -> None:
    assert step(199_999_999).percent == 99
    assert step(200_000_000).percent == 100
    assert Step("m", "checking", "disk", "", 0, 0).percent == 0
