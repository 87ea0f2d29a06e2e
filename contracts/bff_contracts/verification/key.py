"""The provider's real key: where it comes from, where it is put, and that nobody reads it."""

import base64
import contextlib
import html
import json
import logging
import re
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import quote

from bff_contracts.pact.file import Pact
from bff_contracts.verification.front import KEY_HEADER

_HIDDEN: Final = "[the key]"
_SHORT: Final = 8

KEY_VARIABLE: Final = "HULEEDU_INTERNAL_API_KEY"


@dataclass(frozen=True, slots=True)
class Key:
    """The real key, empty if there is none.

    Attributes:
        value: The key.
        sent: What is told of it to people whose provider refused it.
    """

    value: str = field(repr=False)
    sent: str

    @classmethod
    def given(cls, argument: str | None, variable: str) -> Self:
        """The key of an argument, else that of the environment's variable; an empty argument is none."""
        if argument is not None and argument.strip():
            return cls(argument.strip(), "the one in api_key was sent")
        if argument is None and variable.strip():
            return cls(variable.strip(), f"the one in {KEY_VARIABLE} was sent")
        return cls("", f"none was given, so the contract's placeholder was sent: set {KEY_VARIABLE}, or api_key")

    def swaps(self, pact: Pact) -> dict[bytes, bytes]:
        """The contract's placeholders and what stands for each: values that a rule lets vary; a wrong key is none."""
        header = KEY_HEADER.decode()
        requests = [interaction.request for interaction in pact.interactions]
        placeholders = {value for each in requests if header in each.header_rules for value in each.headers[header]}
        return {value.encode(): self.value.encode() for value in placeholders} if self.value else {}

    def hidden(self, text: str) -> str:
        """What the provider said, without the key, as it is and in the spellings that an answer may have it in.

        A short key is hidden only where it is a word of its own: it may be a part of many others.
        """
        for spelled in self._spellings():
            if len(self.value) >= _SHORT:
                text = re.sub(re.escape(spelled), _HIDDEN, text, flags=re.IGNORECASE)
            else:
                text = re.sub(rf"(?<![\w-]){re.escape(spelled)}(?![\w-])", _HIDDEN, text)
        return text

    def _spellings(self) -> list[str]:
        """The key as it is, as JSON, Python, HTML and URLs write it, in base64, and as numbers; the longest first."""
        if not self.value:
            return []
        raw = self.value.encode()
        escaped = json.dumps(self.value)[1:-1]
        spellings = {self.value, escaped, json.dumps(escaped)[1:-1], repr(self.value)[1:-1], html.escape(self.value)}
        spellings |= {quote(self.value), quote(self.value, safe="")}
        if len(self.value) >= _SHORT:
            spellings |= {
                base64.b64encode(raw).decode().rstrip("="),
                base64.urlsafe_b64encode(raw).decode().rstrip("="),
            }
            spellings |= {raw.hex(), ", ".join(map(str, raw))}  # the engine writes bytes that are no text as numbers
        return sorted(spellings, key=len, reverse=True)

    @contextlib.contextmanager
    def kept_out_of_logs(self) -> Generator[None]:
        """Have whatever is logged meanwhile, by whomever, written without the key."""
        if not self.value:
            yield
            return
        make = logging.getLogRecordFactory()

        def made(*args: Any, **keywords: Any) -> logging.LogRecord:
            record = make(*args, **keywords)
            with contextlib.suppress(TypeError, ValueError, KeyError):  # what cannot be formatted is not written either
                record.msg, record.args = self.hidden(record.getMessage()), None
            if record.exc_info and self.told_by(record.exc_info[1]):
                record.exc_info = None
            return record

        logging.setLogRecordFactory(made)
        try:
            yield
        finally:
            logging.setLogRecordFactory(make)

    def told_by(self, error: BaseException | None) -> bool:
        """Whether an exception, or what caused it, holds the key."""
        return error is not None and (
            self.hidden(f"{error} {error!r}") != f"{error} {error!r}"
            or self.told_by(error.__cause__)
            or self.told_by(error.__context__)
        )
