"""Reads the address and credentials of the Pact Broker from the environment, and defines its errors.

The errors, by what the caller can do about them:

    BrokerError
      ├─ BrokerResponseError    no usable response: unreachable, not a broker, wrong credentials, broken, too late
      └─ BrokerRefusalError   the broker understood, and says no
"""

import re
from typing import Annotated

from pydantic import AfterValidator, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bff_contracts.http import base_url_problem


class BrokerError(Exception):
    """A request to the broker failed; the message says why."""


class BrokerResponseError(BrokerError):
    """The broker gave no usable response; the message says why."""


class BrokerRefusalError(BrokerError):
    """The broker understood the request and refuses it; the message has its reasons."""


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
    """The address and credentials of the Pact Broker. An empty variable counts as unset.

    Attributes:
        base_url: `PACT_BROKER_BASE_URL`.
        token: `PACT_BROKER_TOKEN`, a bearer token; with it, username and password are not sent.
        username: `PACT_BROKER_USERNAME`, for basic authentication.
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
        BrokerResponseError: It names none, or an unusable one.
    """
    try:
        found = Broker()  # pyright: ignore[reportCallIssue]  # out of the environment
    except ValidationError as error:
        if any(each["type"] == "missing" for each in error.errors()):
            message = "no Pact Broker: PACT_BROKER_BASE_URL is not set"
        else:
            message = "; ".join(
                f"PACT_BROKER_{each['loc'][0]!s}".upper() + f" {each['msg'].removeprefix('Value error, ')}"
                for each in error.errors()
            )
        raise BrokerResponseError(message) from None  # what pydantic prints holds the value
    if found.token is None and (found.username is None) != (found.password is None):
        given, other = ("USERNAME", "PASSWORD") if found.password is None else ("PASSWORD", "USERNAME")
        message = f"PACT_BROKER_{given} is set and PACT_BROKER_{other} is not: basic authentication needs both"
        raise BrokerResponseError(message)
    return found
