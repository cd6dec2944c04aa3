"""How reliably two voices are told apart: `python -m bench.sounds.turns [--part report] [--scenes 1000]`.

Scenes of two to six sentences by one speaker, or by two in turn, from the clips of `python -m bench.sets`; where the
sentences begin and end is known here, and in a server is what the recogniser says. The rule's numbers were given before
anything was measured, and not changed on either part.
"""

from __future__ import annotations

import argparse
import collections
from pathlib import Path

import numpy as np

from auricle.engines.embedded.turns import with_voices
from auricle.types import Segment
from auricle.waveform import SAMPLE_RATE, Samples
from bench.samples import read_audio
from bench.sets import load
from bench.sounds.evaluate import ratio, waveform

PARTS = {"development": "choose", "report": "report"}
OTHER = ("stamps",)  # clips of many speakers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=tuple(PARTS), default="report")
    parser.add_argument("--scenes", type=int, default=1000)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    clips: dict[str, list[Samples]] = {}
    for clip in load(PARTS[arguments.part]):
        if clip.speaker not in OTHER:
            clips.setdefault(clip.speaker, []).append(read_audio(Path(clip.file)))
    speakers = sorted(clips)
    counts: collections.Counter[str] = collections.Counter()
    for number in range(arguments.scenes):
        here = [str(each) for each in rng.choice(speakers, 1 + number % 2, replace=False)]
        spoken = [here[each % len(here)] for each in range(int(rng.integers(2, 7)))]
        said = [clips[speaker][rng.integers(len(clips[speaker]))] for speaker in spoken]
        ends = np.cumsum([len(samples) for samples in said]) / SAMPLE_RATE
        spans = zip([0.0, *ends[:-1].tolist()], ends.tolist(), strict=True)
        segments = [Segment("words", start, end, "en") for start, end in spans]
        voices = [segment.voice for segment in with_voices(segments, waveform(np.concatenate(said)))]
        told = {(speaker, voice) for speaker, voice in zip(spoken, voices, strict=True) if voice is not None}
        counts[f"scenes of {len(here)}"] += 1
        counts[f"told of {len(here)}"] += bool(told)
        counts["right"] += len(here) == 2 and len(told) == 2 and len({speaker for speaker, _ in told}) == 2
    told_in_all = counts["told of 1"] + counts["told of 2"]
    print(f"one voice, two told: {ratio(counts['told of 1'], counts['scenes of 1'])}")
    print(f"two voices told: {ratio(counts['told of 2'], counts['scenes of 2'])}")
    print(f"told, and two who keep their voices: {ratio(counts['right'], told_in_all)}")


if __name__ == "__main__":
    main()
