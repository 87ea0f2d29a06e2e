"""Settings fail at start, name the variable, and never show the key."""

from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from pydantic import ValidationError

from bff_clients import BackendSettings, create_http_client
from tests.support.golden import Golden
from tests.support.platform import KEY

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("bare_environment")]

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


def test_a_missing_key_fails_with_the_variables_name() -> None:
    with pytest.raises(ValidationError, match=KEY_VARIABLE):
        BackendSettings()


@pytest.mark.parametrize("in_file", [False, True], ids=["environment", "file"])
def test_an_empty_key_is_reported_as_empty(
    in_file: bool,  # noqa: FBT001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "service.env"
    file.write_text(f"{KEY_VARIABLE}=\n" if in_file else "")
    if not in_file:
        monkeypatch.setenv(KEY_VARIABLE, "")
    with pytest.raises(ValidationError) as caught:
        BackendSettings(_env_file=file)

    assert [(error["loc"], error["msg"]) for error in caught.value.errors()] == [
        ((KEY_VARIABLE,), "Field required, but the variable is empty")
    ]


@pytest.mark.parametrize("key", ["", "  ", "se cret", "secret\n", "sécret"])
def test_a_key_that_no_header_can_carry_fails_without_being_shown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv(KEY_VARIABLE, key)
    with pytest.raises(ValidationError, match=KEY_VARIABLE) as caught:
        BackendSettings()

    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "ras_url",
        "RAS_BASE_URL",
        "http_retrys",
        "BFF_TEACHER_SERVICE_HTTP_RETRIES",
        "BFF_TEACHER_SERVICE_RASURL",
        "_env_fil",
    ],
)
def test_an_unknown_setting_is_rejected_with_the_nearest(name: str, golden: Golden) -> None:
    with pytest.raises(TypeError) as refused:
        BackendSettings(internal_api_key=KEY, **{name: "http://ras"})  # type: ignore[arg-type]

    golden.check(str(refused.value))


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


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BFF_TEACHER_SERVICE_RAS_URL", "nonsense"),
        ("BFF_TEACHER_SERVICE_RAS_BASE_URL", "nonsense"),
        ("BFF_TEACHER_SERVICE_HTTP_RETRIES", "many"),
        ("BFF_TEACHER_SERVICE_HTTP_TRANSPORT", "pigeon"),
        (KEY_VARIABLE, "se cret"),
    ],
)
@pytest.mark.parametrize("in_file", [False, True], ids=["environment", "file"])
def test_a_bad_value_names_the_variable_that_it_was_read_from(
    variable: str,
    value: str,
    in_file: bool,  # noqa: FBT001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "service.env"
    file.write_text(f"{KEY_VARIABLE}=a-key\n" + (f"{variable}={value}\n" if in_file else ""))
    if not in_file:
        monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as caught:
        BackendSettings(_env_file=file)

    assert [error["loc"] for error in caught.value.errors()] == [(variable,)]
    assert value not in repr(caught.value.errors()) + repr(caught.value.__context__)


@pytest.mark.parametrize("wrong", ["ras_base_url", "http_retrys", "_env_file"])
def test_no_frame_of_a_refusal_shows_what_was_passed(wrong: str) -> None:
    with pytest.raises((ValidationError, TypeError, FileNotFoundError)) as caught:
        BackendSettings(**{"internal_api_key": KEY.get_secret_value(), wrong: "nonsense"})  # type: ignore[arg-type]
    frames = [entry.frame.f_locals for entry in caught.traceback[1:]]

    assert frames
    assert KEY.get_secret_value() not in repr(frames)
    assert caught.value.__context__ is None


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("ENVIRONMENT", "BFF_TEACHER_SERVICE_RAS_BASE_URL", "BFF_TEACHER_SERVICE_HTTP_RETRIES"):
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("BFF_TEACHER_SERVICE_RAS_URL", "http://ras")
    settings = BackendSettings(internal_api_key=KEY)

    assert (settings.environment, settings.ras_base_url, settings.http_retries) == ("development", "http://ras", 2)
    assert BackendSettings(internal_api_key=KEY, environment=" ").environment == "development"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("service_id", ""),
        ("service_id", "a b"),
        ("service_id", "å"),
        ("internal_api_key", "a b"),
        ("internal_api_key", "a" * 4097),
    ],
    ids=["empty", "blank", "not-ascii", "key-with-a-blank", "long-key"],
)
def test_a_header_that_could_not_be_sent_is_refused(field: str, value: str, golden: Golden) -> None:
    with pytest.raises(ValidationError) as refused:
        BackendSettings.model_validate({"internal_api_key": KEY, field: value})

    (error,) = refused.value.errors()
    assert error["loc"] == (field,)
    golden.check(error["msg"])


@pytest.mark.parametrize("seconds", [0, -1, 301, float("nan"), float("inf")])
def test_a_timeout_outside_bounds_is_refused(seconds: float) -> None:
    with pytest.raises(ValidationError, match="http_client_timeout_seconds"):
        BackendSettings(internal_api_key=KEY, http_client_timeout_seconds=seconds)


@pytest.mark.parametrize(("in_flight", "connections"), [(50, 100), (1, 2), (0, 2000)])
async def test_the_http_client_has_room_for_both_backends(
    settings: BackendSettings, in_flight: int, connections: int
) -> None:
    limited = settings.model_copy(update={"http_max_in_flight": in_flight})
    async with (
        create_http_client(limited) as shipped,
        create_http_client(limited.model_copy(update={"http_transport": "httpx"})) as plain,
    ):
        found: Any = (shipped._transport, plain._transport)  # pyright: ignore[reportPrivateUsage]
        pool = (await found[1]._transports.get())._pool

    assert (found[0]._max_connections, pool._max_connections) == (connections, connections)
    assert pool._max_keepalive_connections == min(20, connections)


async def test_the_transport_of_httpx_is_closed_with_its_client(settings: BackendSettings) -> None:
    async with create_http_client(settings.model_copy(update={"http_transport": "httpx"})) as http:
        transport = http._transport  # pyright: ignore[reportPrivateUsage]

    with pytest.raises(RuntimeError, match="closed"):
        await transport.handle_async_request(httpx.Request("GET", "http://127.0.0.1:1/"))


async def test_the_http_client_has_the_settings_timeout_and_keeps_no_cookies(settings: BackendSettings) -> None:
    async with create_http_client(settings.model_copy(update={"http_client_timeout_seconds": 7})) as http:
        with respx.mock(using="httpx") as mock:
            mock.get("http://ras.test/").respond(headers={"Set-Cookie": "a=b"})
            first = await http.get("http://ras.test/")
            http.cookies = {"c": "d"}
            http.cookies.set("e", "f")
            second = await http.get("http://ras.test/")

        assert ["Cookie" in answer.request.headers for answer in (first, second)] == [False, False]
        assert http.timeout == httpx.Timeout(7)
        assert dict(http.cookies) == {}


def test_settings_are_frozen(settings: BackendSettings) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        settings.ras_base_url = "http://elsewhere"  # type: ignore[misc]
