"""Identifies the teacher: the gateway in front of the BFF signs them in, and sends their user id in a header."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Header

from examples.bff.errors import ApiError


def _teacher_id(x_user_id: Annotated[str | None, Header()] = None) -> str:
    # ".", ".." and ids with a slash are paths at RAS, not users; the clients reject them.
    if x_user_id is None or not x_user_id.strip(". ") or "/" in x_user_id or not x_user_id.isprintable():
        raise ApiError(HTTPStatus.UNAUTHORIZED, "AUTHENTICATION_ERROR", "X-User-ID is missing or invalid")
    return x_user_id


TeacherId = Annotated[str, Depends(_teacher_id)]
"""The signed-in teacher's user id; without one the response is 401."""
