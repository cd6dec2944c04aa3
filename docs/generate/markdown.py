"""The few pieces of Markdown that the generated pages are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTICE = "<!-- Written by `make docs` from the code; edit the code. -->"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, without trailing newline; bars inside cells are escaped."""
    lines = [row_text(head), row_text(["---"] * len(head)), *(row_text(row) for row in rows)]
    return "\n".join(lines)


def row_text(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def code(text: object) -> str:
    return f"`{text}`"


def document(*blocks: str) -> str:
    """Blocks with an empty line between them."""
    return "\n\n".join(block.strip("\n") for block in blocks if block.strip()) + "\n"
