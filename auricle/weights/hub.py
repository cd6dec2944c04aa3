"""Weights from Hugging Face, or a mirror of it: which files a repository has, and resumable downloads of them.

huggingface_hub knows the addresses, the user's token and the listing; the bytes are read here, because its own
download starts again from nothing after an interruption (2.4: each try has a file of its own) and cannot be stopped.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from auricle import __version__
from auricle.weights.catalogue import File, Hub, Model
from auricle.weights.disk import digest_matches, disk_failures, require_room
from auricle.weights.sources import Pull, SourceFailed, run_stoppable

CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0  # of silence in the middle of a file
REACH_SECONDS = 10.0  # until the first answer, resolving the name included
RETRIES = 3  # in a row without a new byte
RETRY_WAIT_SECONDS = 1.0
CHUNK_BYTES = 1024 * 1024
MAX_LISTED_FILES = 1000

# What CTranslate2's Whisper reads, as faster-whisper's own download does (faster_whisper/utils.py).
CTRANSLATE2_FILES = re.compile(
    r"(config\.json|preprocessor_config\.json|model\.bin|tokenizer\.json|vocabulary\.[a-z]+)", re.IGNORECASE
)
SPLIT_GGUF = re.compile(r"(?P<stem>.+)-\d{5}-of-(?P<count>\d{5})\.gguf")


def download(pull: Pull, hub_url: str) -> None:
    """Fetch every missing file of the model into its folder. Raises SourceFailed, DiskFull or PullStopped."""
    hub = pull.model.hub
    if hub is None:
        raise SourceFailed("it is not published there in this form")
    early = [file for file in pull.missing if _size(_partial(pull, file))]
    with disk_failures(pull.folder):
        try:
            wrong = _transfer(pull, hub, hub_url, pull.missing)
            if wrong and all(file in early for file in wrong):
                # What an earlier run left may have been spoiled, by a power cut or a change of mirror.
                wrong = _transfer(pull, hub, hub_url, wrong)
        except OSError:  # a half file on a full disk is in the way of whatever the user does next
            for file in pull.missing:
                _partial(pull, file).unlink(missing_ok=True)
            raise
    if wrong:
        names = ", ".join(file.name for file in wrong)
        raise SourceFailed(f"{names} has the wrong content, the hash is not the pinned one; it was deleted")


def _transfer(pull: Pull, hub: Hub, hub_url: str, files: tuple[File, ...]) -> tuple[File, ...]:
    """Download `files`, going on where each ends, and take those that are right; returns the wrong ones, deleted."""
    arrived = {file.name: _size(_partial(pull, file)) for file in files}
    total = sum(file.size_bytes for file in files)
    require_room(pull.folder, total - sum(arrived.values()))
    reached = threading.Event()

    def work(stop: threading.Event) -> None:
        headers, url_of = _addresses(hub, hub_url)
        with _client(headers) as client:
            for file in files:

                def report(size: int, file: File = file) -> None:
                    arrived[file.name] = size
                    pull.tell("downloading", "hub", file.name, sum(arrived.values()), total)

                _fetch(client, url_of(file), file, _partial(pull, file), report, reached, stop)

    run_stoppable(work, pull, reached=reached, reach_seconds=REACH_SECONDS)
    checked = 0

    def on_bytes(count: int) -> None:
        nonlocal checked
        checked += count
        pull.check()
        pull.tell("checking", "hub", "", checked, total)

    wrong = []
    for file in files:
        part = _partial(pull, file)
        if digest_matches(part, file, on_bytes):
            pull.finish(part, file)
        else:
            part.unlink(missing_ok=True)
            wrong.append(file)
    return tuple(wrong)


def _client(headers: dict[str, str]) -> httpx.Client:
    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    try:
        return httpx.Client(timeout=timeout, follow_redirects=True, headers=headers)
    except (OSError, ValueError, httpx.InvalidURL) as error:  # certificates or a proxy that make no sense
        raise SourceFailed(f"cannot set up a connection: {error}") from error


def _partial(pull: Pull, file: File) -> Path:
    return pull.work / f"{file.name}.partial"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _addresses(hub: Hub, hub_url: str) -> tuple[dict[str, str], Callable[[File], str]]:
    # Imported late: it takes a third of a second, and most starts find everything in the cache.
    from huggingface_hub import constants, get_token, hf_hub_url

    if constants.is_offline_mode():
        raise SourceFailed("HF_HUB_OFFLINE is set")
    # Identity: a range of a compressed file is of no use.
    headers = {"user-agent": f"auricle/{__version__}", "accept-encoding": "identity"}
    if _is_own(hub_url) and (token := get_token()):
        headers["authorization"] = f"Bearer {token}"

    def url_of(file: File) -> str:
        path = file.hub_path or file.name
        return hf_hub_url(hub.repository, path, revision=hub.revision, endpoint=hub_url.rstrip("/"))

    return headers, url_of


def _is_own(hub_url: str) -> bool:
    """Whether the user's token, which is for the hub that huggingface_hub is configured for, may go there."""
    from huggingface_hub import constants

    try:
        ours, theirs = urlsplit(hub_url), urlsplit(constants.ENDPOINT)
    except ValueError:
        return False  # the request will say what is wrong with it
    return (ours.scheme, ours.netloc) == (theirs.scheme, theirs.netloc)


class _Interrupted(Exception):
    """The connection broke in the middle; asking for the rest may help."""


def _fetch(
    client: httpx.Client,
    url: str,
    file: File,
    part: Path,
    report: Callable[[int], None],
    reached: threading.Event,
    stop: threading.Event,
) -> None:
    """Download `url` into `part`, going on where it ends, until it has the size of `file`."""
    tries = 0
    furthest = _size(part)
    while (had := _size(part)) != file.size_bytes and not stop.is_set():
        if had > file.size_bytes:
            part.unlink()
            had = 0
        try:
            _stream(client, url, file, part, had, report, reached, stop)
        except _Interrupted as error:
            # only bytes never had before count: a server that always breaks at the same place must not go on for ever
            tries = 0 if _size(part) > furthest else tries + 1
            furthest = max(furthest, _size(part))
            if tries >= RETRIES:
                raise SourceFailed(str(error)) from error
            stop.wait(RETRY_WAIT_SECONDS)
    report(_size(part))


def _stream(
    client: httpx.Client,
    url: str,
    file: File,
    part: Path,
    had: int,
    report: Callable[[int], None],
    reached: threading.Event,
    stop: threading.Event,
) -> None:
    try:
        with client.stream("GET", url, headers={"range": f"bytes={had}-"} if had else {}) as response:
            reached.set()
            if response.status_code == 416:  # the rest is not there: what we have is not the beginning of this file
                part.unlink(missing_ok=True)
                raise _Interrupted(f"{file.name}: it has no bytes from {had:,} on")
            if response.status_code not in (200, 206):
                raise SourceFailed(_refusal(response.status_code, file))
            resumed = response.status_code == 206
            if resumed and not response.headers.get("content-range", "").startswith(f"bytes {had}-"):
                raise SourceFailed(f"{file.name}: it answered with another range than asked")
            size = had if resumed else 0
            length = response.headers.get("content-length", "")
            if length.isdecimal() and "content-encoding" not in response.headers:
                whole = size + int(length)
                if whole != file.size_bytes:
                    raise SourceFailed(f"{file.name} has {whole:,} bytes there, not the pinned {file.size_bytes:,}")
            with part.open("ab" if resumed else "wb") as out:
                for chunk in response.iter_bytes(CHUNK_BYTES):
                    if stop.is_set():
                        return
                    size += len(chunk)
                    if size > file.size_bytes:
                        break
                    out.write(chunk)
                    report(size)
            if size > file.size_bytes:
                part.unlink()
                raise SourceFailed(f"{file.name} is larger than the pinned {file.size_bytes:,} bytes")
            if size < file.size_bytes:
                raise _Interrupted(f"{file.name} ended after {size:,} of {file.size_bytes:,} bytes")
    except httpx.TransportError as error:
        if not reached.is_set():
            raise SourceFailed(f"no connection ({_words(error)})") from error
        raise _Interrupted(f"the connection broke ({_words(error)})") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:  # redirects without end, nonsense
        raise SourceFailed(_words(error)) from error


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _refusal(status: int, file: File) -> str:
    if status in (401, 403):
        return (
            f"{file.name}: not allowed (HTTP {status}); if the repository is gated, accept its terms and set HF_TOKEN"
        )
    if status == 404:
        return f"{file.name}: not found (HTTP 404)"
    return f"{file.name}: HTTP {status}"


def describe(pull: Pull, repository: str, revision: str, wanted: str, hub_url: str) -> Model:
    """The model that a reference names, with the hub's own sizes and hashes, at the commit that `revision` is now.

    `wanted` is a GGUF file, whose other parts are found, or empty for a CTranslate2 folder. `pull` is the pull whose
    name and cancelling count. Raises SourceFailed.
    """
    reached = threading.Event()

    def work(_: threading.Event) -> Model:
        from huggingface_hub import HfApi

        token = None if _is_own(hub_url) else False  # None: the one that the user logged in with, if any
        api = HfApi(endpoint=hub_url.rstrip("/"), token=token, library_name="auricle", library_version=__version__)
        try:
            info = api.model_info(repository, revision=revision, files_metadata=True, timeout=CONNECT_SECONDS)
            listed = (info.siblings or [])[:MAX_LISTED_FILES]
            found = {
                sibling.rfilename: File(
                    name=Path(sibling.rfilename).name,
                    size_bytes=sibling.size or 0,
                    sha256=sibling.lfs.sha256 if sibling.lfs else "",
                    git_sha1="" if sibling.lfs else (sibling.blob_id or ""),
                    hub_path=sibling.rfilename,
                )
                for sibling in listed
            }
            commit = info.sha or revision
        except Exception as error:  # its own errors, and those of whatever it speaks HTTP with: no common base
            raise SourceFailed(f"{repository}: {_first_line(error)}") from error
        files = _gguf(found, wanted) if wanted else _ctranslate2(found)
        if not files:
            what = f"no file {wanted}" if wanted else "no model.bin, so it is not a CTranslate2 model"
            raise SourceFailed(f"{repository}@{revision} has {what}")
        if any(not file.sha256 and not file.git_sha1 for file in files):
            raise SourceFailed(f"{repository}@{revision}: the hub gives no hash for its files")
        return Model(
            name=pull.model.name,
            purpose=pull.model.purpose,
            licence=_plain(getattr(info.card_data, "license", None)) or "see its page",
            files=files,
            hub=Hub(repository, commit),
            entry=files[0].name if wanted else "",
        )

    return run_stoppable(work, pull, reached=reached, reach_seconds=REACH_SECONDS)


def _plain(word: object) -> str:
    """A stranger's word, short and without anything that a terminal could take for a command."""
    return re.sub(r"[^\w .+-]", "", str(word or ""))[:40]


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _gguf(found: dict[str, File], wanted: str) -> tuple[File, ...]:
    split = SPLIT_GGUF.fullmatch(wanted)
    if split is None:
        return (found[wanted],) if wanted in found else ()
    count = int(split["count"])
    names = [f"{split['stem']}-{part:05}-of-{count:05}.gguf" for part in range(1, min(count, MAX_LISTED_FILES) + 1)]
    return tuple(found[name] for name in names) if all(name in found for name in names) else ()


def _ctranslate2(found: dict[str, File]) -> tuple[File, ...]:
    files = tuple(file for path, file in found.items() if CTRANSLATE2_FILES.fullmatch(path))
    return files if any(file.name == "model.bin" for file in files) else ()
