"""Golden files of messages, one for each folder of tests, so that a wording is changed in one place."""

import difflib
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Final

FILE: Final = "messages.txt"
"""Name of the golden file beside the tests of a folder."""
_VARIES: Final = (
    (re.compile(r"(?<=127\.0\.0\.1:)\d{5}|(?<='127\.0\.0\.1', )\d{5}"), "PORT"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "SHA"),
    (re.compile(r"(?<=\[Errno )\d+"), "N"),
    (
        re.compile(r"(Name or service not known|Temporary failure in name resolution|nodename nor .*)$"),
        "no such host",
    ),
    (re.compile(r"(?<=Handle\()\d+"), "N"),
    (re.compile(r"(?<= at )0x[0-9a-f]+"), "0x…"),
    (re.compile(r"^usage: .*?(?=^\S)", re.MULTILINE | re.DOTALL), ""),
)
"""What differs from run to run, between systems or between versions of Python, and what a golden file has for it."""
_HEAD: Final = "### "
_INDENT: Final = "    "


class Golden:
    """The messages of one test.

    Args:
        path: The golden file.
        test: The test's name in it.
        written: Where messages go that are written instead of compared.
    """

    def __init__(self, path: Path, test: str, written: "Written | None") -> None:
        self._path = path
        self._test = test
        self._written = written
        self._count = 0

    def check(self, message: str) -> None:
        """Assert that the golden file has this message for the test, or write it there."""
        for pattern, replacement in _VARIES:
            message = pattern.sub(replacement, message)
        self._count += 1
        name = self._test if self._count == 1 else f"{self._test} ({self._count})"
        if self._written is not None:
            self._written.messages[self._path][name] = message
            return
        expected, actual = read(self._path).get(name, ""), message.rstrip("\n")
        if actual != expected:
            difference = "\n".join(difflib.ndiff(expected.splitlines(), actual.splitlines()))
            raise AssertionError(f"{name} is not as in {self._path} (`pdm run messages` writes it):\n{difference}")


class Written:
    """What `--write-messages` writes at the end of the session."""

    def __init__(self) -> None:
        self.messages: defaultdict[Path, dict[str, str]] = defaultdict(dict)

    def save(self) -> None:
        """Replace the messages of each test that ran, and keep those of the others."""
        for path, messages in self.messages.items():
            tests = {made_by(name) for name in messages}
            kept = {name: text for name, text in read(path).items() if made_by(name) not in tests}
            path.write_text(_text(kept | messages), encoding="utf-8")


def made_by(name: str) -> str:
    """The test that makes a message, without the case: `test_a.py::test_b`."""
    return re.split(r"[\[ ]", name, maxsplit=1)[0]


@cache
def read(path: Path) -> dict[str, str]:
    """The messages of a golden file by the test that makes them."""
    if not path.exists():
        return {}
    parts = re.split(rf"^{_HEAD}(.*)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        name: re.sub(rf"^{_INDENT}", "", body, flags=re.MULTILINE).rstrip("\n")
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    }


def _text(messages: dict[str, str]) -> str:
    return "\n".join(
        f"{_HEAD}{name}\n{re.sub(r'^(?=.)', _INDENT, text.rstrip(chr(10)), flags=re.MULTILINE)}\n"
        for name, text in sorted(messages.items())
        if text
    )
