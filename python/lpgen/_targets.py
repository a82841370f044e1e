"""The targets of the compiler."""

from __future__ import annotations

from . import _program
from ._table import Table


def targets() -> Table:
    """The targets: name, summary, triple, whether this CPU runs it, and which one is "host"."""
    data = _program.run_json("targets", "--json")
    rows = [{"name": each["name"], "summary": each["summary"], "triple": each["triple"],
             "native": each["native"], "host": each["host"]} for each in data]
    return Table("targets", rows, data=data)
