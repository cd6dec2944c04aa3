"""The arrows between the rooms point one way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "auricle"
FOUNDATION = {"admission", "base64text", "config", "errors", "tracing", "types", "waveform", "workers"}
MAY_IMPORT = {
    "cli": {"app", "accounts", "logs", "weights", *FOUNDATION},
    "app": {"api", "console", "pipeline", "audio", "engines", "accounts", "weights", *FOUNDATION},
    "api": {"pipeline", "accounts", "weights", *FOUNDATION},
    "console": FOUNDATION,
    "pipeline": {"audio", "engines", "accounts", *FOUNDATION},
    "audio": FOUNDATION,
    "engines": {"weights", *FOUNDATION},
    "accounts": {"store", *FOUNDATION},
    "store": FOUNDATION,
    "weights": FOUNDATION,
    "logs": FOUNDATION,
    "admission": {"errors"},
    "base64text": set(),
    "tracing": {"config"},
    "config": {"types", "errors"},
    "types": {"waveform"},
    "errors": set(),
    "waveform": set(),
    "workers": set(),
    "__main__": {"cli"},
}
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


def room(module: str) -> str | None:
    """`auricle.audio.fetch` is in the room `audio`; the package itself is in none."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else None


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names.add(node.module or "")
            if node.module == "auricle":
                names |= {f"auricle.{alias.name}" for alias in node.names}
    return {name for name in names if name.startswith("auricle.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    here = path.relative_to(PACKAGE).with_suffix("").parts[0]
    if here == "__init__":
        assert imported(path) == set()
        return
    there = {room(name) for name in imported(path)} - {here, None, "__version__"}
    assert there <= MAY_IMPORT[here], f"{here} must not import {sorted(map(str, there - MAY_IMPORT[here]))}"


def test_every_room_has_its_arrows() -> None:
    rooms = {path.stem if path.is_file() else path.name for path in PACKAGE.iterdir()} - {
        "__init__",
        "__pycache__",
        "py",
    }
    assert rooms == set(MAY_IMPORT)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_validation_raises_and_never_asserts(path: Path) -> None:
    asserts = [node.lineno for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Assert)]
    assert not asserts, f"assert vanishes under -O; raise instead, lines {asserts}"


def test_pydantic_stays_at_the_wire_and_in_the_settings() -> None:
    users = {
        room("auricle." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts))
        for path in MODULES
        if "from pydantic" in path.read_text()
    }
    assert users <= {"api", "config"}
