"""The exception of this package."""

from __future__ import annotations

import re

_PLACE = re.compile(r"^(?P<place>[^\s:][^:\n]*:\d+:\d+): error: ", re.M)


class Error(Exception):
    """What lpgen could not do, and why.

    `str(error)` is the whole message, with all diagnostics of the compiler: place, what was
    expected, what was found and the remedy.

    Attributes:
        place: "FILE:LINE:COLUMN" of the first diagnostic, or None if there is none. Text that was
            passed as a string is called "<source>".
        status: exit status of the program that failed; -N if signal N ended it; None where no
            program was run.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        found = _PLACE.search(message)
        self.place: str | None = found["place"] if found else None
        self.status = status


Error.__module__ = "lpgen"  # as it is named everywhere
