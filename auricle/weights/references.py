"""What a name of weights in the settings or on the command line means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from auricle.config import EngineSettings, Settings
from auricle.errors import WeightsError
from auricle.types import Task
from auricle.weights.catalogue import LITE_LANGUAGE_MODEL, MODELS, Model

DEFAULT_REVISION = "main"
_HUB = re.compile(
    r"(?P<repository>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)"
    r"(?:@(?P<revision>[A-Za-z0-9][\w./-]*))?"
    r"(?::(?P<file>[A-Za-z0-9][\w./ -]*\.gguf))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class HubReference:
    """`org/repo`, `org/repo@revision`, `org/repo:file.gguf` or `org/repo@revision:file.gguf`."""

    text: str
    repository: str
    revision: str
    file: str
    """The GGUF file; empty for a CTranslate2 folder."""

    @property
    def key(self) -> str:
        """A folder's name for it."""
        parts = [self.repository, *([f"@{self.revision}"] if self.revision != DEFAULT_REVISION else []), self.file]
        return re.sub(r"[^\w.@-]+", "--", "--".join(part for part in parts if part))


def interpret(name: str) -> Model | HubReference | Path:
    """A catalogue name, an existing file or folder, or a model on the hub, tried in this order.

    Raises WeightsError for what is none of them.
    """
    if name in MODELS:
        return MODELS[name]
    path = Path(name).expanduser()
    if name and path.exists():
        return path.absolute()
    reference = hub_reference(name)
    if reference is not None:
        return reference
    raise WeightsError(
        f"no weights are called {name!r}: it is none of {', '.join(MODELS)}, no file or folder on this machine, and "
        "not of the form org/repo, org/repo@revision or org/repo:file.gguf"
    )


def hub_reference(name: str) -> HubReference | None:
    """The reference that `name` is by its form alone, or None."""
    match = _HUB.fullmatch(name)
    if match is None or ".." in name:
        return None
    return HubReference(name, match["repository"], match["revision"] or DEFAULT_REVISION, match["file"] or "")


def language_model(engine: EngineSettings, settings: Settings) -> str:
    """The language model of an engine: the small one in its default's place where the settings say `lite`."""
    default = EngineSettings.model_fields["language_model"].default
    return LITE_LANGUAGE_MODEL if settings.lite and engine.language_model == default else engine.language_model


def needed(settings: Settings) -> tuple[str, ...]:
    """The weights that the configured server loads, each once: language models last, they are the largest."""
    recognizers: dict[str, None] = {}
    sounds: dict[str, None] = {}
    language_models: dict[str, None] = {}
    for model in settings.models.values():
        engine = settings.engine(model.engine)
        if not model.enabled or engine.kind != "embedded":
            continue
        recognizers[engine.recognizer] = None
        if model.task is Task.UNDERSTAND and engine.sounds:
            sounds[engine.sounds] = None
        if model.task is Task.UNDERSTAND:
            language_models[language_model(engine, settings)] = None
    return (*recognizers, *sounds, *language_models)
