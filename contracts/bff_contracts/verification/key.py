"""The provider's real key: where it comes from, where it is put, and that nobody reads it."""

import json
import re
from dataclasses import dataclass, field
from typing import Final, Self

from bff_contracts.pact.file import Pact
from bff_contracts.platform import KEY_HEADER, KEY_VARIABLE

_HIDDEN: Final = "[the key]"
_SHORT: Final = 8


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
        requests = [interaction.request for interaction in pact.interactions]
        placeholders = {
            value for each in requests if KEY_HEADER in each.header_rules for value in each.headers[KEY_HEADER]
        }
        return {value.encode(): self.value.encode() for value in placeholders} if self.value else {}

    def hidden(self, text: str) -> str:
        """What the provider said, without the key, as it is and as JSON or Python write it.

        A short key is hidden only where it is a word of its own: it may be a part of many others.
        """
        if not self.value:
            return text
        for spelled in {self.value, json.dumps(self.value)[1:-1], repr(self.value)[1:-1]}:
            if len(self.value) >= _SHORT:
                text = text.replace(spelled, _HIDDEN)
            else:
                text = re.sub(rf"(?<![\w-]){re.escape(spelled)}(?![\w-])", _HIDDEN, text)
        return text

    def told_by(self, error: BaseException | None) -> bool:
        """Whether an exception, or what caused it, holds the key."""
        return error is not None and (
            self.hidden(f"{error} {error!r}") != f"{error} {error!r}"
            or self.told_by(error.__cause__)
            or self.told_by(error.__context__)
        )
