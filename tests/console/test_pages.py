"""What the console's page and files are, without a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from auricle.console.pages import FILES_PATH, FOLDER, PATH
from tests.serving import Server, scripted_settings, serving

OURS = sorted(path for path in FOLDER.rglob("*.js") if "vendor" not in path.parts)
PLACEHOLDER = re.compile(r"\{(\w+)\}")
LANGUAGES = ("en", "zh")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(scripted_settings()) as running:
        yield running


def strings(language: str) -> dict[str, str]:
    text = (FOLDER / "strings" / f"{language}.js").read_text(encoding="utf-8")
    table: dict[str, str] = json.loads(
        text.removeprefix("export default ").rstrip().rstrip(";"), object_pairs_hook=once
    )
    return table


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs), "a key stands twice"
    return dict(pairs)


def test_the_page_lets_nothing_in_from_elsewhere(server: Server) -> None:
    with server.client() as client:
        page = client.get(PATH)
        again = client.get(PATH)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"
    nonces = [re.findall(r"'nonce-([\w-]+)'", answer.headers["content-security-policy"]) for answer in (page, again)]
    assert nonces[0] != nonces[1]
    assert f'nonce="{nonces[0][0]}"' in page.text
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", page.text)


def test_the_page_says_what_the_server_is(server: Server) -> None:
    with server.client() as client:
        assert 'data-accounts="no" data-keys="no"' in client.get(PATH).text
        assert client.get(f"{PATH}/", follow_redirects=True).text.startswith("<!doctype html>")
    with serving(scripted_settings(api_keys="sk-one")) as keyed, keyed.client() as client:
        page = client.get(PATH).text
    assert 'data-accounts="no" data-keys="yes"' in page
    assert "sk-one" not in page


def test_every_file_that_is_named_is_served(server: Server) -> None:
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    named = set(re.findall(rf'"{FILES_PATH}/([^"]+)"', page))
    for path in OURS:
        for target in re.findall(r'(?:from |import\()"(\.[^"]+)"', path.read_text(encoding="utf-8")):
            named.add(str((path.parent / target).resolve().relative_to(FOLDER)))
    assert len(named) > 10
    with server.client() as client:
        for name in sorted(named):
            answer = client.get(f"{FILES_PATH}/{name}")
            assert answer.status_code == 200, name
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert (
                client.get(f"{FILES_PATH}/{name}", headers={"if-none-match": answer.headers["etag"]}).status_code == 304
            )
        assert client.get(f"{FILES_PATH}/../pages.py").status_code == 404
        assert client.get(f"{FILES_PATH}/%2e%2e/pages.py").status_code == 404


def test_both_languages_say_the_same_things() -> None:
    english, chinese = map(strings, LANGUAGES)
    assert list(english) == list(chinese)
    for name, text in english.items():
        assert set(PLACEHOLDER.findall(text)) == set(PLACEHOLDER.findall(chinese[name])), name
        assert text.strip(), name
        assert chinese[name].strip(), name


def test_every_string_is_used_and_every_used_one_is_there() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in OURS if path.parent.name != "strings")
    table = strings("en")
    asked = set(re.findall(r'\bt\("([^"]+)"', code))
    assert asked <= set(table)
    # Some are put together: t(`nav.${page}`).
    prefixes = tuple(re.findall(r"\bt\(`([\w.]+)\$\{", code))
    for name in table:
        assert name in asked or name.startswith(prefixes) or f'"{name}"' in code, f"{name} is not used"


def test_vendored_files_are_listed_with_their_licences() -> None:
    listed = (FOLDER / "vendor" / "VENDORED.md").read_text(encoding="utf-8")
    for path in (FOLDER / "vendor").iterdir():
        if path.name != "VENDORED.md":
            assert f"`{path.name}`" in listed
            assert path.stat().st_size < 100_000
