"""Silences the engine, which writes to file descriptor 1 and has no option for that."""

import contextlib
import os
import sys
import threading
from collections.abc import Generator
from typing import Final

_OUTPUT: Final = 1


class _Redirection:
    """The redirection of this process, which all contexts share: the first makes it, the last one undoes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contexts = 0
        self._stack = contextlib.ExitStack()

    def enter(self) -> None:
        with self._lock:
            self._contexts += 1
            # Without standard output at its start, a process may use the descriptor for something else.
            if self._contexts == 1 and sys.__stdout__ is not None:
                try:
                    _redirect(self._stack)
                except (OSError, ValueError):  # there is no standard output, or it is closed
                    self._stack.close()

    def leave(self) -> None:
        with self._lock:
            self._contexts -= 1
            if self._contexts == 0:
                self._stack.close()


_REDIRECTION: Final = _Redirection()


@contextlib.contextmanager
def quiet_engine() -> Generator[None]:
    """Discard what is written to file descriptor 1 for as long as the context lasts.

    Python's own `sys.stdout` is not silenced: where it writes to that descriptor, it writes to a copy meanwhile.
    Contexts of several threads may overlap.
    """
    _REDIRECTION.enter()
    try:
        yield
    finally:
        _REDIRECTION.leave()


def _redirect(stack: contextlib.ExitStack) -> None:
    kept = os.dup(_OUTPUT)
    stack.callback(os.close, kept)
    if _writes_there():
        sys.stdout.flush()
        copy = open(os.dup(kept), "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)  # noqa: PTH123, SIM115  # a descriptor
        stack.enter_context(copy)
        stack.enter_context(contextlib.redirect_stdout(copy))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    stack.callback(os.close, nowhere)
    os.dup2(nowhere, _OUTPUT)
    stack.callback(os.dup2, kept, _OUTPUT)


def _writes_there() -> bool:
    try:
        return sys.stdout.fileno() == _OUTPUT
    except (OSError, ValueError, AttributeError):  # a replacement of it
        return False
