"""`auricle keys`, `accounts`, `prices` and `usage`, as processes, beside a running server."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.cli.test_serve import environment, served

TEXT = {"model": "mimo-v2.5", "messages": [{"role": "user", "content": "hello"}]}


def auricle(folder: Path, *arguments: str, given: str = "", status: int = 0) -> str:
    variables = {"AURICLE_ACCOUNTS": "true", "AURICLE_DATA_DIR": str(folder / "data")}
    done = subprocess.run(
        [sys.executable, "-m", "auricle", *arguments],
        cwd=folder,
        env=environment(folder, **variables),
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if status == 0 else done.stderr


def test_from_a_key_to_the_usage(tmp_path: Path) -> None:
    key = auricle(tmp_path, "keys", "create", "laptop", "--daily-limit", "2.5").strip()
    assert key.startswith("sk-")
    assert key not in auricle(tmp_path, "keys", "list")
    with served(tmp_path, AURICLE_ACCOUNTS="true", AURICLE_DATA_DIR=str(tmp_path / "data")) as (_, url):

        def ask(secret: str) -> int:
            return httpx.post(f"{url}/v1/chat/completions", json=TEXT, headers={"api-key": secret}).status_code

        assert ask(key) == 200
        assert ask("sk-wrong") == 401
        rotated = auricle(tmp_path, "keys", "rotate", "laptop").strip()
        time.sleep(1)
        assert (ask(key), ask(rotated)) == (401, 200)
        auricle(tmp_path, "keys", "disable", "laptop")
        time.sleep(1)
        assert ask(rotated) == 403
        auricle(tmp_path, "accounts", "change", "default", "--prepaid")
        auricle(tmp_path, "keys", "enable", "laptop")
        time.sleep(1)
        assert ask(rotated) == 402
        assert "1.000000 CNY" not in auricle(tmp_path, "accounts", "top-up", "default", "1")
        time.sleep(1)
        assert ask(rotated) == 200
        auricle(tmp_path, "prices", "set", "mimo-v2.5", "--tier", "1000:1/2/3", "--tier", "2/4/6")
        assert "up to 1000" in auricle(tmp_path, "prices", "list", "mimo-v2.5")
    usage = auricle(tmp_path, "usage", "--by", "key", "--csv").splitlines()
    assert usage[0].startswith("key,key_name,requests")
    assert ",laptop,3,0," in usage[1]
    assert "mimo-v2.5" in auricle(tmp_path, "usage")


def test_a_key_of_the_settings_can_be_taken_over(tmp_path: Path) -> None:
    auricle(tmp_path, "keys", "create", "old", "--import", given="sk-used-for-years-already\n")
    assert "sk-used" in auricle(tmp_path, "keys", "list")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("keys", "disable", "nobody"), "no key nobody"),
        (("keys", "create", "k", "--account", "none"), "no account none"),
        (("accounts", "top-up", "default", "much"), "not an amount"),
        (("prices", "set", "m", "--tier", "1/2"), "HIT/MISS/OUTPUT"),
        (("usage", "--month", "may"), "not a month"),
    ],
)
def test_wrong_use_is_told_plainly(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    assert said in auricle(tmp_path, *arguments, status=1)
