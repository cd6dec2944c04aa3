"""What is added to a language model's weights where it is asked for a reason: low-rank adapters (LoRA; Hu et al. 2021).

Asked why, a small model writes the question again in place of the reason that stands in the next sentence, or makes a
reason of what is none. An adapter changes the attention of the upper half of its layers by what the questions of
bench/understanding/answerable/ need. None comes with Auricle: `python -m bench.understanding.tuning.tune` fits one and
puts it into the cache, where the next start finds it. It helps with reasons only (docs/quality.md): everything else the
model does with the weights as they are, and without an adapter it does that, too.
"""

from __future__ import annotations

from pathlib import Path

ADAPTERS = "adapters"  # the folder in the cache where they are


def adapter_file(language_model: str, cache: Path) -> Path:
    """Where the adapter for a model of the catalogue is, or would be."""
    return cache / ADAPTERS / f"{language_model}.gguf"


def adapter_of(language_model: str, cache: Path) -> Path | None:
    """The GGUF file of the adapter for a model of the catalogue; None where there is none."""
    file = adapter_file(language_model, cache)
    return file if language_model and file.parent == cache / ADAPTERS and file.is_file() else None
