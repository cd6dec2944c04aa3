"""Makes auricle/engines/embedded/mandarin_words.txt.xz: `python -m bench.mandarin_words DICT`.

DICT is jieba's dict.txt (in the source distribution jieba 0.42.1 on PyPI; MIT licence), a line a word: the word, how
often it was counted, and its part of speech. Kept are characters, and words of up to four of them that were counted
often enough; a count becomes a level, so that words of one level share a line.
"""

from __future__ import annotations

import argparse
import lzma
import math
import re
import sys
from collections import defaultdict
from pathlib import Path

from auricle.engines.embedded.mandarin_words import FILE, LEVELS_PER_NEPER

LEAST_COUNT = 10  # of a word of more than one character; rarer ones are names and the like
_WORD = re.compile(r"[㐀-鿿]{1,4}")


def levels(dictionary: str) -> dict[int, list[str]]:
    """The words of each level."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for line in dictionary.splitlines():
        word, count, *_ = line.split(" ")
        if _WORD.fullmatch(word) and int(count) >= (1 if len(word) == 1 else LEAST_COUNT):
            found[round(LEVELS_PER_NEPER * math.log(int(count)))].append(word)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dictionary", type=Path, metavar="DICT")
    found = levels(parser.parse_args().dictionary.read_text("utf-8"))
    lines = [f"{level}\t{' '.join(sorted(words))}\n" for level, words in sorted(found.items())]
    FILE.write_bytes(lzma.compress("".join(lines).encode(), preset=9))
    sys.stdout.write(f"{sum(map(len, found.values()))} words, {FILE.stat().st_size} bytes in {FILE}\n")


if __name__ == "__main__":
    main()
