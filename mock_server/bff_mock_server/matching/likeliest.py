"""Finds the few interactions that are most like a request, without comparing all of them."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import chain, islice
from typing import Final, Generic, TypeVar

MOST_COMPARED: Final = 64
"""How many things a refused request is compared with; no endpoint of the shipped contracts has more."""
_MOST_OF_ONE_MARK: Final = 16
"""How many of those that share one mark with the request: common marks must not crowd out the others."""

T = TypeVar("T")


class Likeliest(Generic[T]):
    """Things by their marks: whatever they share with the requests that are like them.

    Args:
        things: All of them, in the order that they are given back in.
        marks_of: Gives the marks of one.
    """

    def __init__(self, things: Iterable[T], marks_of: Callable[[T], Iterable[Hashable]]) -> None:
        self._things = tuple(things)
        self._marked: dict[Hashable, list[int]] = {}
        if len(self._things) > MOST_COMPARED:
            for at, thing in enumerate(self._things):
                for mark in marks_of(thing):
                    self._marked.setdefault(mark, []).append(at)

    def among(self, marks: Iterable[Hashable]) -> Sequence[T]:
        """All things if they are few; otherwise those with the rarest of these marks, and the first ones."""
        if len(self._things) <= MOST_COMPARED:
            return self._things
        shared = sorted([self._marked[mark] for mark in marks if mark in self._marked], key=len)
        likely = (at for found in shared for at in found[:_MOST_OF_ONE_MARK])
        chosen = islice(dict.fromkeys(chain(likely, range(MOST_COMPARED))), MOST_COMPARED)
        return [self._things[at] for at in sorted(chosen)]
