"""Tables that print well, as text and in notebooks."""

from __future__ import annotations

import collections.abc
import html
import typing

Row = typing.Dict[str, typing.Any]

# Names of layers in files of other tools can be longer than a line.
_WIDEST = 48


def _text(value: typing.Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def _shortened(text: str) -> str:
    return text if len(text) <= _WIDEST else text[:_WIDEST - 3] + "..."


class Table(collections.abc.Sequence):
    """Rows, each a dict with the same keys. Prints as a table; notebooks show it as HTML.

    Attributes:
        title: what the rows are.
        notes: lines that belong to it.
        data: what the command printed as JSON, with all that the rows leave out.
    """

    def __init__(self, title: str, rows: typing.Iterable[Row],
                 notes: typing.Iterable[str] = (), data: typing.Any = None) -> None:
        self.title = title
        self.notes = list(notes)
        self.data = data
        self._rows = list(rows)

    @property
    def columns(self) -> list[str]:
        """The keys of the rows."""
        return list(self._rows[0]) if self._rows else []

    def __len__(self) -> int:
        return len(self._rows)

    @typing.overload
    def __getitem__(self, index: int) -> Row: ...

    @typing.overload
    def __getitem__(self, index: slice) -> list[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        return self._rows[index]

    def _is_numeric(self, column: str) -> bool:
        return all(isinstance(row[column], (int, float, type(None))) for row in self._rows)

    def __str__(self) -> str:
        cells = [self.columns] + [[_shortened(_text(value)) for value in row.values()]
                                  for row in self._rows]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.columns))]
        numeric = [self._is_numeric(column) for column in self.columns]
        lines = [self.title]
        for row in cells:
            lines.append("  " + "  ".join(
                cell.rjust(width) if is_right else cell.ljust(width)
                for cell, width, is_right in zip(row, widths, numeric)).rstrip())
        return "\n".join(lines + [f"  {note}" for note in self.notes])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        numeric = {column: self._is_numeric(column) for column in self.columns}

        def row(tag: str, values: typing.Iterable[tuple[str, typing.Any]]) -> str:
            return "<tr>" + "".join(
                f'<{tag} style="text-align: {"right" if numeric[column] else "left"}">'
                f"{html.escape(_text(value))}</{tag}>" for column, value in values) + "</tr>"

        head = row("th", ((column, column) for column in self.columns))
        body = "".join(row("td", each.items()) for each in self._rows)
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return (f"<table><caption>{html.escape(self.title)}</caption><thead>{head}</thead>"
                f"<tbody>{body}</tbody></table>{notes}")
