"""Downloads from a hub: a stand-in server that can break in every way a real one does."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from auricle.config import Settings
from auricle.errors import PullStopped, WeightsError
from auricle.weights import hub
from auricle.weights.pull import downloaded_from_hub, remove, resolve, state, verify
from tests.weights.published import Heard, StandIn, Tiny, assert_nothing_final, assert_whole

MakeSettings = Callable[..., Settings]


@pytest.fixture
def settings(stand_in: StandIn, tiny: Tiny, settings_for: MakeSettings) -> Settings:
    tiny.put_on(stand_in)
    return settings_for(hub_url=stand_in.url, weights_sources="hub")


def test_full_download(stand_in: StandIn, tiny: Tiny, settings: Settings) -> None:
    heard = Heard()
    path = resolve("tiny", settings, heard)
    assert path == settings.cache_dir / "weights" / "tiny"
    assert_whole(path, tiny.contents)
    downloads = [step for step in heard.steps if step.phase == "downloading"]
    assert downloads[-1].done_bytes == downloads[-1].total_bytes == tiny.model.size_bytes
    assert [step.done_bytes for step in downloads] == sorted(step.done_bytes for step in downloads)
    assert heard.ended == ["tiny"]
    assert len(stand_in.asked) == 2


def test_second_resolve_asks_nobody_and_reads_nothing(stand_in: StandIn, tiny: Tiny, settings: Settings) -> None:
    resolve("tiny", settings)
    asked = len(stand_in.asked)
    heard = Heard()
    resolve("tiny", settings, heard)
    assert len(stand_in.asked) == asked
    assert heard.steps == []  # nothing was hashed again: the marker says that it is right


def test_broken_connection_is_resumed_where_it_broke(stand_in: StandIn, tiny: Tiny, settings: Settings) -> None:
    stand_in.cut_after_bytes = [1_000_000, 1_000_000]
    assert_whole(resolve("tiny", settings), tiny.contents)
    ranges = [asked.range for asked in stand_in.asked if asked.path.endswith("model.bin")]
    assert ranges[0] == ""
    starts = [int(given.removeprefix("bytes=").removesuffix("-")) for given in ranges[1:]]
    assert len(starts) == 2
    assert 0 < starts[0] < starts[1]


def test_later_run_goes_on_with_what_arrived(stand_in: StandIn, tiny: Tiny, settings: Settings) -> None:
    stand_in.hold_after_bytes = 2_000_000
    cancelled = threading.Event()
    threading.Timer(1.0, cancelled.set).start()
    with pytest.raises(PullStopped):
        resolve("tiny", settings, cancelled=cancelled)
    assert_nothing_final(settings.cache_dir)
    assert state(tiny.model, settings).kind == "partial"
    stand_in.hold_after_bytes = None
    assert_whole(resolve("tiny", settings), tiny.contents)
    # whole chunks of hub.CHUNK_BYTES had been written
    assert stand_in.asked[1].range == f"bytes={hub.CHUNK_BYTES}-"


def test_server_without_ranges_starts_anew(stand_in: StandIn, tiny: Tiny, settings: Settings) -> None:
    stand_in.cut_after_bytes = [2_000_000]
    stand_in.ignores_ranges = True
    assert_whole(resolve("tiny", settings), tiny.contents)


def test_partial_file_longer_than_the_model_is_not_trusted(tiny: Tiny, settings: Settings) -> None:
    work = settings.cache_dir / "weights" / "tiny.partial"
    work.mkdir(parents=True)
    (work / "model.bin.partial").write_bytes(bytes(5_000_000))
    assert_whole(resolve("tiny", settings), tiny.contents)


def test_spoiled_partial_file_is_fetched_again_from_the_start(tiny: Tiny, settings: Settings) -> None:
    """A power cut may leave zeros where bytes were: the hash tells, and one fresh download mends it."""
    work = settings.cache_dir / "weights" / "tiny.partial"
    work.mkdir(parents=True)
    (work / "model.bin.partial").write_bytes(bytes(2_000_000))
    assert_whole(resolve("tiny", settings), tiny.contents)


def test_redirect_to_storage(stand_in: StandIn, other_stand_in: StandIn, tiny: Tiny, settings: Settings) -> None:
    path = tiny.hub_path("model.bin")
    other_stand_in.files["/blob"] = stand_in.files.pop(path)
    stand_in.redirects[path] = f"{other_stand_in.url}/blob"
    other_stand_in.cut_after_bytes = [1_000_000]
    assert_whole(resolve("tiny", settings), tiny.contents)
    assert [bool(asked.range) for asked in other_stand_in.asked] == [False, True]


def test_token_goes_to_its_own_hub_only(
    stand_in: StandIn, tiny: Tiny, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    resolve("tiny", settings)
    assert {asked.authorization for asked in stand_in.asked} == {""}


def test_token_is_sent_to_the_configured_hub_and_not_to_its_storage(
    stand_in: StandIn, other_stand_in: StandIn, tiny: Tiny, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", stand_in.url)
    template = stand_in.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    path = tiny.hub_path("model.bin")
    other_stand_in.files["/blob"] = stand_in.files.pop(path)
    # another host, as storage is: a browser's and httpx's rule goes by host and port
    stand_in.redirects[path] = f"{other_stand_in.url.replace('127.0.0.1', 'localhost')}/blob"
    resolve("tiny", settings)
    assert {asked.authorization for asked in stand_in.asked} == {"Bearer hf_secret"}
    assert {asked.authorization for asked in other_stand_in.asked} == {""}


def test_wrong_hash(stand_in: StandIn, tiny: Tiny, settings: Settings) -> None:
    content = bytearray(tiny.contents["model.bin"])
    content[1234] ^= 1
    stand_in.files[tiny.hub_path("model.bin")] = bytes(content)
    with pytest.raises(WeightsError, match=r"model\.bin has the wrong content, the hash is not the pinned one"):
        resolve("tiny", settings)
    assert not list(settings.cache_dir.rglob("model.bin*"))  # neither whole nor half


@pytest.mark.parametrize("change", [b"more", None], ids=["longer", "shorter"])
def test_wrong_size(stand_in: StandIn, tiny: Tiny, settings: Settings, change: bytes | None) -> None:
    content = tiny.contents["model.bin"]
    stand_in.files[tiny.hub_path("model.bin")] = content + change if change else content[:-10]
    with pytest.raises(WeightsError, match=r"model\.bin has [\d,]+ bytes there, not the pinned 4,000,000"):
        resolve("tiny", settings)
    assert_nothing_final(settings.cache_dir)


@pytest.mark.parametrize(
    ("status", "words"),
    [(404, "not found"), (401, "HF_TOKEN"), (403, "HF_TOKEN"), (500, "HTTP 500"), (429, "HTTP 429")],
)
def test_refusals(stand_in: StandIn, tiny: Tiny, settings: Settings, status: int, words: str) -> None:
    stand_in.statuses[tiny.hub_path("model.bin")] = status
    with pytest.raises(WeightsError) as caught:
        resolve("tiny", settings)
    message = str(caught.value)
    assert words in message
    assert settings.hub_url in message
    assert "AURICLE_WEIGHTS_DIR" in message  # what to do
    assert_nothing_final(settings.cache_dir)


def test_redirects_without_end(stand_in: StandIn, tiny: Tiny, settings: Settings) -> None:
    path = tiny.hub_path("model.bin")
    stand_in.redirects[path] = f"{stand_in.url}{path}"
    with pytest.raises(WeightsError, match="redirect"):
        resolve("tiny", settings)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://hub.invalid", "http://[", "nonsense"])
def test_no_route_fails_fast(tiny: Tiny, settings_for: MakeSettings, url: str) -> None:
    started = time.monotonic()
    with pytest.raises(WeightsError, match=r"hub .*"):
        resolve("tiny", settings_for(hub_url=url, weights_sources="hub"))
    assert time.monotonic() - started < hub.REACH_SECONDS + 2


def test_server_that_never_answers_is_left(
    stand_in: StandIn, tiny: Tiny, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "REACH_SECONDS", 1.0)
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts in the kernel, never speaks
        port = silent.getsockname()[1]
        started = time.monotonic()
        with pytest.raises(WeightsError, match="no answer within 1 s"):
            resolve("tiny", settings.model_copy(update={"hub_url": f"http://127.0.0.1:{port}"}))
        assert time.monotonic() - started < 3


def test_stop_while_the_server_is_silent(stand_in: StandIn, tiny: Tiny, settings: Settings) -> None:
    stand_in.hold_after_bytes = 0
    cancelled = threading.Event()
    threading.Timer(0.5, cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(PullStopped):
        resolve("tiny", settings, cancelled=cancelled)
    assert time.monotonic() - started < 1.5


def test_offline_mode_of_the_hub_library_is_honoured(
    stand_in: StandIn, tiny: Tiny, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError, match="HF_HUB_OFFLINE is set"):
        resolve("tiny", settings)
    assert stand_in.asked == []


# Models that the catalogue does not know


def _list(stand_in: StandIn, repository: str, revision: str, commit: str, contents: dict[str, bytes]) -> None:
    """Publish a repository as the hub's API describes it: SHA-256 for large files, git ids for small ones."""
    siblings = []
    for name, content in contents.items():
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        entry: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": blob}
        if len(content) > 1000:
            entry["lfs"] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "pointerSize": 134}
        siblings.append(entry)
        stand_in.files[f"/{repository}/resolve/{commit}/{name}"] = content
    listing = {
        "id": repository,
        "sha": commit,
        "siblings": siblings,
        "cardData": {"license": "apache-2.0\x1b[2J"},
        "private": False,
        "downloads": 1,
        "likes": 0,
        "tags": [],
    }
    stand_in.files[f"/api/models/{repository}/revision/{revision}"] = json.dumps(listing).encode()


WHISPER = {
    "model.bin": bytes(range(256)) * 100,
    "config.json": b"{}",
    "tokenizer.json": b'{"t": 1}',
    "vocabulary.json": b"[]",
    "README.md": b"not needed",
    ".gitattributes": b"not needed",
}


def test_ctranslate2_model_by_its_repository(stand_in: StandIn, settings_for: MakeSettings) -> None:
    settings = settings_for(hub_url=stand_in.url, weights_sources="hub")
    _list(stand_in, "me/whisper", "main", "a" * 40, WHISPER)
    heard = Heard()
    folder = resolve("me/whisper", settings, heard)
    wanted = {name: WHISPER[name] for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.json")}
    assert_whole(folder, wanted)
    asked = len(stand_in.asked)
    assert resolve("me/whisper", settings.model_copy(update={"weights_sources": ()})) == folder  # offline from now on
    assert len(stand_in.asked) == asked

    (model,) = downloaded_from_hub(settings)
    assert (model.name, model.licence) == ("me/whisper", "apache-2.02J")  # no control characters
    assert verify(model, settings) == ()
    (folder / "config.json").write_bytes(b"[]")  # same size, other content: a git id tells as well
    assert verify(model, settings) == ("config.json",)
    assert remove(model, settings) > 0
    assert downloaded_from_hub(settings) == ()
    assert not folder.exists()


def test_revision_and_gguf_file(stand_in: StandIn, settings_for: MakeSettings) -> None:
    settings = settings_for(hub_url=stand_in.url, weights_sources="hub")
    _list(stand_in, "me/llm", "v2", "b" * 40, {"q4/small.gguf": bytes(2000), "q8/small.gguf": bytes(4000)})
    path = resolve("me/llm@v2:q4/small.gguf", settings)
    assert (path.name, path.stat().st_size) == ("small.gguf", 2000)
    assert resolve("me/llm@v2:q8/small.gguf", settings).stat().st_size == 4000


def test_split_gguf_brings_all_parts(stand_in: StandIn, settings_for: MakeSettings) -> None:
    settings = settings_for(hub_url=stand_in.url, weights_sources="hub")
    parts = {f"big-0000{part}-of-00003.gguf": bytes([part]) * 1500 for part in (1, 2, 3)}
    _list(stand_in, "me/llm", "main", "c" * 40, parts)
    path = resolve("me/llm:big-00001-of-00003.gguf", settings)
    assert path.name == "big-00001-of-00003.gguf"
    assert_whole(path.parent, parts)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("me/nothing", "Repository Not Found|404"),
        ("me/llm", "no model.bin, so it is not a CTranslate2 model"),
        ("me/llm:other.gguf", "no file other.gguf"),
    ],
)
def test_references_that_lead_nowhere(stand_in: StandIn, settings_for: MakeSettings, name: str, words: str) -> None:
    settings = settings_for(hub_url=stand_in.url, weights_sources="hub")
    _list(stand_in, "me/llm", "main", "d" * 40, {"small.gguf": bytes(2000)})
    with pytest.raises(WeightsError, match=words):
        resolve(name, settings)


def test_reference_without_a_hub(settings_for: MakeSettings) -> None:
    with pytest.raises(WeightsError, match="does not allow the hub"):
        resolve("me/whisper", settings_for(weights_sources=""))
    with pytest.raises(WeightsError, match="cannot get the weights me/whisper"):
        resolve("me/whisper", settings_for())


def test_hostile_file_names_stay_in_the_folder(stand_in: StandIn, settings_for: MakeSettings, tmp_path: Path) -> None:
    settings = settings_for(hub_url=stand_in.url, weights_sources="hub")
    for name in ("me/llm:../../x.gguf", "me/../../etc:x.gguf", "../llm:x.gguf", "/etc/llm:x.gguf"):
        with pytest.raises(WeightsError, match="no weights are called"):
            resolve(name, settings)
    assert stand_in.asked == []
