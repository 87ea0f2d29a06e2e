"""Settings that cannot be used fail at start, name the variable, and never show the key."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from bff_clients import BackendSettings
from tests.support.golden import Golden
from tests.support.platform import KEY

pytestmark = pytest.mark.usefixtures("bare_environment")

KEY_VARIABLE = "HULEEDU_INTERNAL_API_KEY"


def test_a_missing_key_fails_with_the_variables_name() -> None:
    with pytest.raises(ValidationError, match=KEY_VARIABLE):
        BackendSettings()


@pytest.mark.parametrize("in_file", [False, True], ids=["environment", "file"])
def test_an_empty_key_is_reported_as_empty(
    in_file: bool,  # noqa: FBT001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    golden: Golden,
) -> None:
    file = tmp_path / "service.env"
    file.write_text(f"{KEY_VARIABLE}=\n" if in_file else "")
    if not in_file:
        monkeypatch.setenv(KEY_VARIABLE, "")
    with pytest.raises(ValidationError) as caught:
        BackendSettings(_env_file=file)

    (error,) = caught.value.errors()
    assert error["loc"] == (KEY_VARIABLE,)
    golden.check(error["msg"])


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


def test_settings_are_frozen(settings: BackendSettings) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        settings.ras_base_url = "http://elsewhere"  # type: ignore[misc]
