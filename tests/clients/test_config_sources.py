"""Settings come from variables and files; a variable with a misspelled name is reported."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bff_clients import BackendSettings
from tests.support.golden import Golden
from tests.support.platform import KEY

pytestmark = pytest.mark.usefixtures("bare_environment")

KEY_VARIABLE = "HULEEDU_INTERNAL_API_KEY"


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
    assert settings.http_max_response_bytes == 4 * 1024 * 1024
    assert KEY.get_secret_value() not in repr(settings)


@pytest.mark.parametrize(
    ("alias", "field", "value"),
    [
        (KEY_VARIABLE, "internal_api_key", KEY),
        ("ENVIRONMENT", "environment", "production"),
        ("BFF_TEACHER_SERVICE_RAS_URL", "ras_base_url", "http://ras"),
        ("BFF_TEACHER_SERVICE_RAS_BASE_URL", "ras_base_url", "http://ras"),
    ],
)
def test_a_setting_may_be_passed_by_its_alias_too(
    alias: str, field: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in (KEY_VARIABLE, "ENVIRONMENT", "BFF_TEACHER_SERVICE_RAS_BASE_URL", "BFF_TEACHER_SERVICE_RAS_URL"):
        monkeypatch.setenv(variable, "http://another")
    urls: dict[str, Any] = {"ras_base_url": "http://a", "cms_base_url": "http://b"}
    urls.pop(field, None)
    settings = BackendSettings(**urls, **{alias: value})

    assert getattr(settings, field) == value


def test_the_urls_have_the_names_that_the_bff_has_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFF_TEACHER_SERVICE_RAS_URL", "http://ras")
    monkeypatch.setenv("BFF_TEACHER_SERVICE_CMS_URL", "http://old")
    monkeypatch.setenv("BFF_TEACHER_SERVICE_CMS_BASE_URL", "http://cms")
    settings = BackendSettings(internal_api_key=KEY)

    assert (settings.ras_base_url, settings.cms_base_url) == ("http://ras", "http://cms")


def test_a_variable_that_is_almost_one_of_ours_is_reported_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, golden: Golden
) -> None:
    monkeypatch.setenv("BFF_TEACHER_SERVICE_HTTP_RETRYS", "3")
    monkeypatch.setenv("BFF_TEACHER_SERVICE_PORT", "8000")  # the service's own
    for _ in range(2):
        BackendSettings(internal_api_key=KEY)

    (message,) = caplog.messages
    golden.check(message)


def test_a_variable_that_is_unlike_ours_is_reported_once_for_information(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, golden: Golden
) -> None:
    caplog.set_level("INFO", "bff_clients")
    monkeypatch.setenv("BFF_TEACHER_SERVICE_HTTP_TIMEOUT", "3")
    monkeypatch.setenv("BFF_TEACHER_SERVICE_REDIS", "somewhere")
    for _ in range(2):
        BackendSettings(internal_api_key=KEY)

    (record,) = caplog.records
    assert record.levelname == "INFO"
    golden.check(record.message)


def test_a_misspelling_in_a_file_is_reported_although_a_value_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, golden: Golden
) -> None:
    file = tmp_path / "service.env"
    file.write_text("HULEEDU_INTERNAL_API_KEY=k\nBFF_TEACHER_SERVICE_RAS_BASE_ULR=http://ras\n")
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(ValidationError, match="RAS_BASE_URL"):
        BackendSettings(_env_file=file)

    (message,) = caplog.messages
    golden.check(message)


def test_a_file_can_be_read_besides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "service.env"
    file.write_text("HULEEDU_INTERNAL_API_KEY=from-the-file\nBFF_TEACHER_SERVICE_RAS_URL=http://ras\nOTHER=1\n")
    monkeypatch.setenv("BFF_TEACHER_SERVICE_RAS_URL", "http://environment")
    settings = BackendSettings(_env_file=file)

    assert (settings.internal_api_key.get_secret_value(), settings.ras_base_url) == (
        "from-the-file",
        "http://environment",
    )


@pytest.mark.parametrize("several", [False, True])
def test_a_missing_settings_file_is_named(tmp_path: Path, several: bool, golden: Golden) -> None:  # noqa: FBT001
    file, other = tmp_path / "service.env", tmp_path / "other.env"
    other.touch()
    for missing in ([other, file] if several else file, tmp_path):
        with pytest.raises(FileNotFoundError) as refused:
            BackendSettings(_env_file=missing)
        golden.check(str(refused.value).replace(str(tmp_path), "FOLDER"))


def test_a_settings_file_that_is_not_utf_8_is_named_and_not_shown(tmp_path: Path, golden: Golden) -> None:
    file = tmp_path / "service.env"
    file.write_bytes(f"{KEY_VARIABLE}=secret\nENVIRONMENT=\xe5\n".encode("latin-1"))
    with pytest.raises(ValueError, match="service") as caught:
        BackendSettings(_env_file=str(file))

    assert (type(caught.value), caught.value.__context__) == (ValueError, None)
    golden.check(str(caught.value).replace(str(tmp_path), "FOLDER"))


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("ENVIRONMENT", "BFF_TEACHER_SERVICE_RAS_BASE_URL", "BFF_TEACHER_SERVICE_HTTP_RETRIES"):
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("BFF_TEACHER_SERVICE_RAS_URL", "http://ras")
    settings = BackendSettings(internal_api_key=KEY)

    assert (settings.environment, settings.ras_base_url, settings.http_retries) == ("development", "http://ras", 2)
    assert BackendSettings(internal_api_key=KEY, environment=" ").environment == "development"
