"""The documentation says what is so: what is generated is current, what is linked is there, what is shown works."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from auricle.config import Settings, load_settings
from docs.generate import GENERATED
from docs.generate.cli import commands, options
from docs.generate.settings import groups
from tests.serving import CLIP, Server, scripted_settings, serving, serving_files

ROOT = Path(__file__).parent.parent
ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
PAGES = sorted([ENGLISH, CHINESE, ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
OFFICIAL_CLIP = "https://example-files.cnbj1.mi-fds.com/example-files/audio/audio_example.wav"
SERVER = "http://127.0.0.1:8000"
SAMPLE_SECONDS = 60

FENCE = re.compile(r"^(?P<mark><!-- \w+ -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?P<target>[^)\s]+)\)")
VARIABLE = re.compile(r"AURICLE_[A-Z0-9_]+")
COMMAND = re.compile(r"(?<![\w/.-])auricle((?: +[a-z][a-z-]*)*)((?: +\S+)*)")
OPTION = re.compile(r"(?<!\S)--?[a-z][a-z-]*")
MAKE = re.compile(r"(?:^|&& |=\S* )make ([a-z.][a-z./-]*)?(?= |$)")


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    page: Path
    line: int
    language: str
    text: str
    mark: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, match.start("text")),
            match["language"],
            match["text"],
            (match["mark"] or "").strip("<>!- \n"),
        )
        for match in FENCE.finditer(text)
    ]


def all_blocks(*languages: str) -> list[Block]:
    return [block for page in PAGES for block in blocks(page) if block.language in languages]


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def inline_code(page: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(page))


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


by_name = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@pytest.mark.parametrize("name", GENERATED)
def test_generated_files_are_what_the_code_says(name: str) -> None:
    written = (ROOT / name).read_text(encoding="utf-8")
    assert written == GENERATED[name](), f"{name} is out of date; run `make docs`"


def test_no_setting_is_left_out() -> None:
    assert [name for names in groups().values() for name in names] == list(Settings.model_fields)


def test_the_example_of_settings_can_be_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AURICLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "auricle.toml.example").read_text(encoding="utf-8")
    assert tomllib.loads(text) == {}
    plain = load_settings().model_dump()
    everything = re.sub(r"^#(?! )", "", text, flags=re.MULTILINE)
    (tmp_path / "auricle.toml").write_text(everything)
    given = load_settings().model_dump()
    assert set(tomllib.loads(everything)) == set(Settings.model_fields)
    changed = {name for name in given if given[name] != plain[name]}
    assert all(plain[name] is None for name in changed), "a default in the example is not the code's"


@by_name
def test_links_lead_somewhere(page: Path) -> None:
    for match in LINK.finditer(prose(page)):
        target, _, anchor = match["target"].partition("#")
        if "://" in target:
            continue
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{page.name}: {match['target']}"
        assert path.is_relative_to(ROOT)
        if anchor:
            assert anchor in anchors(path), f"{page.name}: {match['target']}"


def test_every_page_can_be_reached() -> None:
    found = {ENGLISH}
    new = [ENGLISH]
    while new:
        page = new.pop()
        for match in LINK.finditer(prose(page)):
            path = (page.parent / match["target"].partition("#")[0]).resolve()
            if path.suffix == ".md" and path.is_file() and path not in found:
                found.add(path)
                new.append(path)
    assert set(PAGES) <= found


@by_name
def test_variables_exist(page: Path) -> None:
    for name in VARIABLE.findall(page.read_text(encoding="utf-8")):
        first, _, rest = name.removeprefix("AURICLE_").lower().partition("__")
        assert first in {*Settings.model_fields, "config"} or name == "AURICLE_", name
        if rest:
            field = rest.partition("__")[2]
            inner = Settings.model_json_schema()["$defs"][f"{first[:-1].title()}Settings"]["properties"]
            assert field in inner, name


def shell_text(page: Path) -> Iterator[str]:
    """Whatever on a page may be a command."""
    yield from inline_code(page)
    for block in blocks(page):
        if block.language in ("bash", "ini", "text"):
            yield from block.text.splitlines()


@by_name
def test_commands_exist(page: Path) -> None:
    known = dict(commands())
    for line in shell_text(page):
        for match in COMMAND.finditer(line):
            words = match[1].split()
            name = "auricle"
            while words and f"{name} {words[0]}" in known:
                name = f"{name} {words.pop(0)}"
            if getattr(known[name], "commands", None) and words:
                pytest.fail(f"{page.name}: there is no `{name} {words[0]}`")
            if not words or name != "auricle":
                for option in OPTION.findall(match[2]):
                    assert option in {*options(known[name]), "-h", "--help"}, f"{page.name}: {name} {option}"


@by_name
def test_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)) | {".venv/.runtime", ".venv/.dev", ""}
    for line in shell_text(page):
        for target in MAKE.findall(line):
            assert target in targets, f"{page.name}: make {target}"


@pytest.mark.parametrize("block", all_blocks("bash", "python", "toml", "json"), ids=str)
def test_blocks_are_well_formed(block: Block, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if block.language == "python":
        ast.parse(block.text)
    elif block.language == "json":
        json.loads(block.text)
    elif block.language == "toml":
        monkeypatch.chdir(tmp_path)
        (tmp_path / "auricle.toml").write_text(block.text)
        load_settings()
    else:
        checked = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True)
        assert not checked.stderr, checked.stderr


def test_both_readmes_show_the_same() -> None:
    def shown(page: Path) -> list[tuple[str, str, str]]:
        return [(block.mark, block.language, block.text) for block in blocks(page)]

    assert shown(ENGLISH) == shown(CHINESE)
    assert len(shown(ENGLISH)) > 8

    def linked(page: Path) -> list[str]:
        return sorted(match["target"] for match in LINK.finditer(prose(page)) if "README" not in match["target"])

    assert linked(ENGLISH) == linked(CHINESE)
    assert prose(ENGLISH).count("\n#") == prose(CHINESE).count("\n#")


def test_the_private_is_not_mentioned() -> None:
    for page in [*PAGES, *(ROOT / name for name in GENERATED), *(ROOT / "docs" / "generate").glob("*.py")]:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"/(?:tmp|root|home)/|\bissue #?\d", text), page


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(scripted_settings(fetch_allow="127.0.0.0/8")) as server:
        yield server


SAMPLES = [block for block in blocks(ENGLISH) if block.mark == "sample"]


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_samples_run_as_they_are_pasted(sample: Block, server: Server) -> None:
    with serving_files(CLIP.parent) as files:
        text = sample.text.replace(SERVER, server.url).replace(OFFICIAL_CLIP, f"{files}/{CLIP.name}")
        assert SERVER not in text
        program = ["bash", "-c", text] if sample.language == "bash" else [sys.executable, "-c", text]
        done = subprocess.run(
            program,
            cwd=ROOT,
            env={**os.environ, "MIMO_API_KEY": "local"},
            capture_output=True,
            text=True,
            timeout=SAMPLE_SECONDS,
        )
    assert done.returncode == 0, done.stderr
    if "message.content" in sample.text:
        assert "seconds" in done.stdout  # what the scripted engine says about an audio
        return
    answer = json.loads(done.stdout)
    assert answer["choices"][0]["message"]["content"]
    shown = [block for block in blocks(ENGLISH) if block.mark == "answer" and block.line > sample.line]
    if sample.language == "bash":
        assert keys(json.loads(shown[0].text)) == keys(answer)


def keys(value: Any) -> Any:
    """The keys of a JSON value and their nesting, in their order."""
    if isinstance(value, dict):
        return [(name, keys(inner)) for name, inner in value.items()]
    return [keys(item) for item in value[:1]] if isinstance(value, list) else None
