"""The provider's real key: where it comes from, which placeholders it replaces, and how it is kept out of texts."""

import contextlib
import logging
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Self

from bff_contracts.pact.file import Pact
from bff_contracts.platform import KEY_HEADER, KEY_VARIABLE
from bff_contracts.secret_forms import secret_patterns
from bff_contracts.terminal import plain

_HIDDEN: Final = "[the key]"
_SHORT: Final = 8


@dataclass(frozen=True, slots=True)
class Key:
    """The real key, empty if there is none.

    Attributes:
        value: The key.
        sent: How it is described when the provider refused it.
    """

    value: str = field(repr=False)
    sent: str

    @classmethod
    def given(cls, argument: str | None, variable: str) -> Self:
        """The key in the argument, else the one in the environment variable; an empty argument means no key."""
        if argument is not None and argument.strip():
            return cls(argument.strip(), "the one in api_key was sent")
        if argument is None and variable.strip():
            return cls(variable.strip(), f"the one in {KEY_VARIABLE} was sent")
        return cls("", f"none was given, so the contract's placeholder was sent: set {KEY_VARIABLE}, or api_key")

    def swaps(self, pact: Pact) -> dict[bytes, bytes]:
        """The contract's placeholders and the key that replaces them: only values that a matching rule lets vary."""
        requests = [interaction.request for interaction in pact.interactions]
        placeholders = {
            value for each in requests if KEY_HEADER in each.header_rules for value in each.headers[KEY_HEADER]
        }
        return {value.encode(): self.value.encode() for value in placeholders} if self.value else {}

    def hidden(self, text: str) -> str:
        """A text of the provider without the key, in each spelling in which a response may contain it.

        A short key is hidden only as a whole word, because it may be a part of other words.
        """
        for pattern in self._patterns():
            text = pattern.sub(_HIDDEN, text)
        return text

    def _patterns(self) -> list[re.Pattern[str]]:
        """Matches the key in each of its forms."""
        if not self.value:
            return []
        forms = secret_patterns(self.value)
        if len(self.value) < _SHORT:
            return [re.compile(rf"(?<![\w-]){forms[0]}(?![\w-])")]
        return [re.compile(form, re.IGNORECASE) for form in forms]

    @contextlib.contextmanager
    def kept_out_of_logs(self) -> Generator[None]:
        """Take the key out of every log record, of any logger, for as long as the context lasts."""
        if not self.value:
            yield
            return
        make = logging.getLogRecordFactory()

        def made(*args: Any, **keywords: Any) -> logging.LogRecord:
            record = make(*args, **keywords)
            with contextlib.suppress(TypeError, ValueError, KeyError):  # else it is not written
                text = record.getMessage()
                if (hidden := self.hidden(text)) != text:
                    record.msg, record.args = hidden, None
            if record.exc_info and self.hides(record.exc_info[1]):
                record.exc_info = None
            return record

        logging.setLogRecordFactory(made)
        try:
            yield
        finally:
            logging.setLogRecordFactory(make)

    def hides(self, error: BaseException | None) -> bool:
        """Whether an exception must not be shown: it or one of its causes holds the key or control characters."""
        return not all(map(self._is_fit, _with_causes(error)))

    def _is_fit(self, error: BaseException) -> bool:
        try:
            text = f"{error} {error!r}"
        except Exception:  # noqa: BLE001  # of the provider's own making: what cannot be read is not shown
            return False
        return self.hidden(text) == text == plain(text)


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, its causes and the members of groups, each once: exceptions can be each other's causes."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += each.__cause__, each.__context__
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions  # pyright: ignore[reportUnknownMemberType]  # of any kind
