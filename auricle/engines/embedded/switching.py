"""Two languages in one window: found by its pieces, between which nobody spoke, and taken apart there.

Whisper writes a window in one language only, and leaves out or translates what is said in another. The encoder's states
of each piece, with a tail behind them, tell its language without encoding it alone: those of an American and a Chinese
with pauses of 0.8 to 3 s between them were told right in each of 44 pieces, for 20 to 130 ms a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, groupby, pairwise

from auricle.engines.embedded.graft import States
from auricle.engines.embedded.timestamps import STATE_SECONDS
from auricle.engines.embedded.windows import Span, VoiceOptions, Window
from auricle.waveform import SAMPLE_RATE

BELIEVED = 0.6  # probability from which on a piece has a language of its own; others go with the piece before
CERTAIN = 0.8  # that one piece at least of each language must reach
LEAST_SECONDS = 1.5  # of each language; less is not taken apart
_STATE_SAMPLES = round(STATE_SECONDS * SAMPLE_RATE)


def slices(window: Window, states: States) -> list[States]:
    """The states of each piece of `window`."""
    edges = [0, *(round(edge / _STATE_SAMPLES) for edge in accumulate(piece.length for piece in window.pieces))]
    return [states[start:stop] for start, stop in pairwise(edges)]


def parts(window: Window, found: Sequence[tuple[str, float]]) -> list[tuple[Window, str]]:
    """`window` in parts of one language each, with that; empty if it is of one language. `found`: piece by piece."""
    languages: list[str] = []
    for language, probability in found:
        languages.append(language if probability >= BELIEVED or not languages else languages[-1])
    runs = [list(run) for _, run in groupby(range(len(languages)), key=languages.__getitem__)]
    certain = all(
        max(probability for name, probability in found if name == language) >= CERTAIN for language in set(languages)
    )
    if len(runs) < 2 or not certain:
        return []
    made = [(_part(window, run[0], run[-1] + 1), languages[run[0]]) for run in runs]
    return made if all(part.spoken_seconds >= LEAST_SECONDS for part, _ in made) else []


def _part(window: Window, start: int, stop: int) -> Window:
    """Pieces `start` to `stop`, with margins of their own where the window goes on."""
    margin = round(VoiceOptions().margin * SAMPLE_RATE)
    pieces = list(window.pieces[start:stop])
    lead, trail = window.lead, window.trail
    if start:
        lead = min(margin, (pieces[0].start - window.pieces[start - 1].stop) // 2)
        pieces[0] = Span(pieces[0].start - lead, pieces[0].stop)
    if stop < len(window.pieces):
        trail = min(margin, (window.pieces[stop].start - pieces[-1].stop) // 2)
        pieces[-1] = Span(pieces[-1].start, pieces[-1].stop + trail)
    return Window(window.index, tuple(pieces), lead, trail)
