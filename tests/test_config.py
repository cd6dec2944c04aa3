from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from auricle.config import SettingsError, load_settings
from auricle.types import Task


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("AURICLE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults_need_nothing() -> None:
    settings = load_settings()
    assert settings.no_auth
    assert settings.effective_rate_limits == "off"
    assert {name: model.task for name, model in settings.models.items()} == {
        "mimo-v2.5": Task.UNDERSTAND,
        "mimo-v2-omni": Task.UNDERSTAND,
        "mimo-v2.5-asr": Task.RECOGNIZE,
    }
    assert settings.models["mimo-v2.5"].context_length == 1_048_576
    assert settings.models["mimo-v2-omni"].context_length == 262_144


def test_the_variable_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "auricle.toml").write_text('port = 1234\nhost = "::1"\napi_keys = ["a", "b"]\n')
    monkeypatch.setenv("AURICLE_PORT", "4321")
    settings = load_settings()
    assert (settings.port, settings.host) == (4321, "::1")
    assert [key.get_secret_value() for key in settings.api_keys] == ["a", "b"]
    assert settings.effective_rate_limits == "mimo"
    assert load_settings(port=1).port == 1


def test_commas_part_lists_in_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_API_KEYS", "sk-1, sk-2,")
    monkeypatch.setenv("AURICLE_FETCH_ALLOW", "127.0.0.0/8,::1/128")
    monkeypatch.setenv("AURICLE_RATE_LIMITS", "off")
    settings = load_settings()
    assert [key.get_secret_value() for key in settings.api_keys] == ["sk-1", "sk-2"]
    assert settings.fetch_allow == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert settings.effective_rate_limits == "off"


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "auricle.toml").write_text('cache_dir = "~/weights"\n')
    assert load_settings().cache_dir == tmp_path / "weights"
    assert load_settings().weights_dir is None


def test_models_and_engines_are_added_to_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "auricle.toml").write_text(
        '[models."whisper-1"]\ntask = "recognize"\n'
        '[models."mimo-v2-omni"]\nenabled = false\n'
        '[engines.other]\nkind = "scripted"\n[models."mimo-v2.5"]\nengine = "other"\n'
    )
    settings = load_settings()
    assert settings.models["whisper-1"].engine == "embedded"
    assert not settings.models["mimo-v2-omni"].enabled
    assert settings.models["mimo-v2.5"].task is Task.UNDERSTAND
    assert settings.models["mimo-v2.5"].engine == "other"
    assert set(settings.engines) == {"embedded", "other"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("prot = 1", "prot"),
        ("port = 99999", "port"),
        ('fetch_allow = ["nonsense"]', "fetch_allow"),
        ('[models.x]\ntask = "sing"', "models.x.task"),
        ('[models.x]\ntask = "recognize"\nengine = "none"', "[engines.none]"),
        ("port = ", "auricle.toml"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "auricle.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert named in str(caught.value)


def test_a_named_file_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_CONFIG", "/nowhere/auricle.toml")
    with pytest.raises(SettingsError, match="nowhere"):
        load_settings()


def test_keys_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_API_KEYS", "sk-secret")
    assert "sk-secret" not in repr(load_settings())
    monkeypatch.setenv("AURICLE_PORT", "x")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "sk-secret" not in str(caught.value)


def test_no_auth_stays_on_loopback() -> None:
    load_settings(host="127.0.0.1").check_exposure()
    load_settings(host="0.0.0.0", api_keys="sk").check_exposure()
    load_settings(host="0.0.0.0", force_no_auth=True).check_exposure()
    with pytest.raises(SettingsError, match="AURICLE_API_KEYS"):
        load_settings(host="0.0.0.0").check_exposure()
