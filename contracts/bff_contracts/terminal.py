"""Makes foreign text safe for a terminal: providers, brokers and pact files may send anything."""

import json


def plain(text: str) -> str:
    r"""The text with each character that is not printable spelled out, as `\x1b`; line feeds and tabs are left.

    Such characters move a terminal's cursor, colour or retitle it, turn the direction of the text, or cannot be seen.
    """
    return text if text.isprintable() else "".join(map(_spelled, text))


def plain_json(document: str) -> str:
    r"""A JSON document with the same characters escaped in JSON's own way, as `\u001b`."""
    return "".join(each if _is_fit(each) else json.dumps(each)[1:-1] for each in document)


def shortened(text: str, length: int) -> str:
    """The beginning of a text in one line, with its blanks, and ` …` for the rest."""
    return one_line(text if len(text) <= length else f"{text[:length]} …")


def one_line(text: str) -> str:
    r"""The text with its line feeds and tabs spelled out, as `\n` and `\t`."""
    return text.replace("\n", r"\n").replace("\t", r"\t")


def described(error: BaseException) -> str:
    """The type of an exception and its message, if it has one."""
    try:
        message = str(error)
    except Exception as broken:  # noqa: BLE001  # an exception of the provider's own making
        message = f"(its message cannot be read: {type(broken).__name__})"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _spelled(character: str) -> str:
    return character if _is_fit(character) else character.encode("unicode_escape").decode()


def _is_fit(character: str) -> bool:
    return character in "\n\t" or character.isprintable()
