"""What the documentation takes from the code: `make docs`, or `python -m docs.generate`.

    docs/reference/settings.md   <- auricle.config
    docs/reference/cli.md        <- auricle.cli
    docs/reference/http.md       <- the app's OpenAPI document, auricle.api, auricle.errors
    auricle.toml.example         <- auricle.config

`tests/test_docs.py` fails when a file is not what this package writes. Prose that no code holds stands here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from docs.generate import cli, http, settings

ROOT = Path(__file__).parent.parent.parent
GENERATED: dict[str, Callable[[], str]] = {
    "docs/reference/settings.md": settings.page,
    "docs/reference/cli.md": cli.page,
    "docs/reference/http.md": http.page,
    "auricle.toml.example": settings.example,
}


def write() -> list[str]:
    """Write every generated file; returns the names of those that changed."""
    changed = []
    for name, render in GENERATED.items():
        path = ROOT / name
        text = render()
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        changed.append(name)
    return changed
