"""Settings fail at start, name the variable, and never show the key."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bff_clients import BackendSettings
from tests.support.platform import KEY

KEY_VARIABLE = "HULEEDU_INTERNAL_API_KEY"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def test_the_environment_is_read_with_the_services_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY.get_secret_value())
    monkeypatch.setenv("BFF_TEACHER_SERVICE_RAS_BASE_URL", "https://ras.internal/prefix/")
    monkeypatch.setenv("BFF_TEACHER_SERVICE_HTTP_CLIENT_TIMEOUT_SECONDS", "2.5")
    settings = BackendSettings()

    assert settings.internal_api_key == KEY
    assert settings.ras_base_url == "https://ras.internal/prefix"
    assert settings.cms_base_url == "http://127.0.0.1:5002"
    assert settings.http_client_timeout_seconds == 2.5
    assert settings.service_id == "bff-teacher-service"
    assert settings.http_max_response_bytes == 16 * 1024 * 1024
    assert KEY.get_secret_value() not in repr(settings)


def test_a_missing_key_fails_with_the_variables_name() -> None:
    with pytest.raises(ValidationError, match=KEY_VARIABLE):
        BackendSettings()


@pytest.mark.parametrize("key", ["", "  ", "se cret", "secret\n", "sécret"])
def test_a_key_that_no_header_can_carry_fails_without_being_shown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv(KEY_VARIABLE, key)
    with pytest.raises(ValidationError, match=KEY_VARIABLE) as caught:
        BackendSettings()

    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ras.internal",
        "ftp://ras.internal",
        "http://",
        "http://user:password@ras.internal",
        "http://ras.internal?a=b",
        "http://ras.internal#top",
        "http://ras.internal:99999",
        "http://ras.internal:0",
        "http://ras internal",
        "http://ras.internal/" + "p" * 1024,
    ],
)
def test_a_base_url_that_is_no_plain_origin_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="ras_base_url"):
        BackendSettings(internal_api_key=KEY, ras_base_url=url)


@pytest.mark.parametrize("seconds", [0, -1, 301, float("nan"), float("inf")])
def test_a_timeout_outside_bounds_is_refused(seconds: float) -> None:
    with pytest.raises(ValidationError, match="http_client_timeout_seconds"):
        BackendSettings(internal_api_key=KEY, http_client_timeout_seconds=seconds)


def test_settings_are_frozen(settings: BackendSettings) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        settings.ras_base_url = "http://elsewhere"  # type: ignore[misc]
