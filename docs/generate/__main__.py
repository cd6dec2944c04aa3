"""`python -m docs.generate`."""

from __future__ import annotations

from docs.generate import write

for name in write():
    print(f"{name}: written")
