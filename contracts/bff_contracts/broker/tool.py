"""Talks to a Pact Broker through Pact's official command line, which has to be there (`pact-python-cli`)."""

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import httpx
from pydantic import AfterValidator, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bff_contracts.http import base_url_problem
from bff_contracts.threads import CallThread

_DONE, _NO = 0, 1
_TROUBLE: Final = re.compile(
    r".*(?:failed: (?:401|403|404|5\d\d)|HAL response|error decoding|missing field|error sending request"
    r"|Could not find relation|not a JSON|Unauthorized|expected value).*",
    re.IGNORECASE,
)
"""What the official command line says of a broker that cannot be asked; it returns 1 for that as it does for a no."""

_RETRIES: Final = "2"
"""After a 5xx the official command line asks again 8 times by itself, for two minutes in all."""


class CannotPublish(Exception):  # named by what it says
    """The broker cannot be asked; the message says why."""


def _address(url: str) -> str:
    problem = base_url_problem(url)
    if problem is not None:
        instead = ": use PACT_BROKER_TOKEN, or PACT_BROKER_USERNAME and _PASSWORD" if "credentials" in problem else ""
        raise ValueError(problem + instead)
    return url.rstrip("/")


def _visible(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]+", secret.get_secret_value()):
        message = "is not one line of visible ASCII characters"
        raise ValueError(message)
    return secret


class Broker(BaseSettings):
    """Where the Pact Broker is, and how it is asked.

    Attributes:
        base_url: `PACT_BROKER_BASE_URL`.
        token: `PACT_BROKER_TOKEN`, a bearer token.
        username: `PACT_BROKER_USERNAME`, for basic authentication instead.
        password: `PACT_BROKER_PASSWORD`.
    """

    model_config = SettingsConfigDict(env_prefix="PACT_BROKER_", env_ignore_empty=True, frozen=True)

    base_url: Annotated[str, AfterValidator(_address)]
    token: Annotated[SecretStr, AfterValidator(_visible)] | None = None
    username: str | None = None
    password: SecretStr | None = None


def broker() -> Broker:
    """The broker that the environment names.

    Raises:
        CannotPublish: It names none, or not in a way that can be used.
    """
    try:
        return Broker()  # pyright: ignore[reportCallIssue]  # out of the environment
    except ValidationError as error:
        if any(each["type"] == "missing" for each in error.errors()):
            message = "no Pact Broker: PACT_BROKER_BASE_URL is not set"
        else:
            message = "; ".join(
                f"PACT_BROKER_{each['loc'][0]!s}".upper() + f" {_reason(each['msg'])}" for each in error.errors()
            )
        raise CannotPublish(message) from None  # what pydantic prints holds the value


def ask(words: Sequence[str], environment: Mapping[str, str], *, seconds: float) -> int:
    """Run the official command line on a broker; what it prints goes where ours does.

    Args:
        words: What follows `pact broker`. Address and credentials come from the environment, so that no list of
            processes holds them.
        environment: The environment, which names a broker.
        seconds: How long it may take.

    Returns:
        Its exit code: 0 for done, 1 for no.

    Raises:
        CannotPublish: There is no official command line, no broker there, or none in time.
    """
    where, program = broker(), tool()
    check(where, seconds)
    told = {**environment, "PACT_DO_NOT_TRACK": "true", "PACT_BROKER_BASE_URL": where.base_url}
    code, said = _run([program, "broker", *words, "--retries", _RETRIES], told, seconds)
    if code not in {_DONE, _NO}:
        message = f"pact broker {words[0]} ended with {code}"
        raise CannotPublish(message)
    if code == _NO and (trouble := _TROUBLE.search(said)):
        message = f"the Pact Broker did not answer as one: {trouble[0]}"
        raise CannotPublish(message)
    return code


def check(where: Broker, seconds: float) -> None:
    """See that the broker answers and lets us in: the official tools take that for a no of the broker's.

    Raises:
        CannotPublish: It does not.
    """
    auth, headers = None, {}
    if where.token is not None:
        headers = {"Authorization": f"Bearer {where.token.get_secret_value()}"}
    elif where.username is not None and where.password is not None:
        auth = httpx.BasicAuth(where.username, where.password.get_secret_value())
    answer = _first_answer(where, headers, auth, seconds)
    if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        message = (
            f"the Pact Broker at {where.base_url} does not let us in ({answer.status_code}): see PACT_BROKER_TOKEN"
        )
        raise CannotPublish(message)
    if not answer.is_success or "json" not in answer.headers.get("content-type", ""):
        kind = answer.headers.get("content-type", "no content type")
        message = f"what answers at {where.base_url} is no Pact Broker, or a broken one ({answer.status_code}, {kind})"
        raise CannotPublish(message)


def _first_answer(
    where: Broker, headers: Mapping[str, str], auth: httpx.BasicAuth | None, seconds: float
) -> httpx.Response:
    """What the broker says at its address, in so many seconds in all: httpx's own timeout is one for each read."""
    thread = CallThread("pact broker")
    future = thread.call(lambda: httpx.get(where.base_url, headers=headers, auth=auth, timeout=seconds))
    thread.close()
    try:
        return future.result(seconds)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, ValueError, ImportError) as error:
        message = f"no Pact Broker answers at {where.base_url}: {type(error).__name__} {error}".rstrip()
        raise CannotPublish(message) from error


def _run(command: Sequence[str], environment: Mapping[str, str], seconds: float) -> tuple[int, str]:
    """The exit code of a program, and what it said, which is passed on when it ends."""
    # A group of its own, so that nothing that it starts outlives the limit.
    with subprocess.Popen(  # noqa: S603  # our words
        command,
        env=environment,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            message = f"the Pact Broker gave no answer within {seconds:g} s"
            raise CannotPublish(message) from error
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    sys.stdout.write(said)
    return process.returncode, said


def tool() -> str:
    """The path of the official command line.

    Raises:
        CannotPublish: It is not installed.
    """
    found = shutil.which("pact", path=sysconfig.get_path("scripts")) or shutil.which("pact")
    if found is None:
        message = "the command pact is missing; install the extra: pip install 'huleedu-bff-clients[contracts]'"
        raise CannotPublish(message)
    return found


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ")
