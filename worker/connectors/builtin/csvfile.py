"""The ``csv`` type: the rows of a file, read only. A source: one row is one account, its key column the uid.

A listing reads one state of the file: the first page checks the whole file (form, encoding, keys that come twice) and
remembers what the file looked like; a later page, also in another process, continues only while it still looks so.
A file whose size or time changes while it is checked is being written: that is ``TargetBusy``, not a short listing.
Reading happens in a thread and row by row, so a file of any length takes the same little memory.
"""

import asyncio
import csv
import json
import os
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Self, TextIO

import numpy as np
from xxhash import xxh3_64_intdigest

from worker.connectors.base import AttributeSchema, ConnectorContext, ObjectSchema, Page
from worker.domain.account import TargetAccount
from worker.domain.errors import (
    AccessRefused,
    InvalidAttributes,
    ListingChanged,
    PermanentError,
    TargetBusy,
    TargetUnavailable,
)

#: Mistakes shown at once; a file with more has one cause.
SHOWN_MISTAKES = 5
LARGEST_FIELD = 1024 * 1024

_TRUE = frozenset({"true", "t", "yes", "y", "1", "active", "enabled"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "inactive", "disabled"})


@dataclass(frozen=True, slots=True)
class CsvSettings:
    """Which file, and which of its columns mean something."""

    path: str = field(metadata={"help": "the file, as the daemon sees it"})
    key: str = field(metadata={"help": "the column that identifies a row for ever; its value is the uid"})
    naming: str | None = field(default=None, metadata={"help": "the column people know a row by; the key if absent"})
    columns: list[str] = field(
        default_factory=list, metadata={"help": "columns to read; empty: all of them. A missing one is an error"}
    )
    active_column: str | None = field(default=None, metadata={"help": "a column with true/false or active/inactive"})
    multi_valued: dict[str, str] = field(
        default_factory=dict, metadata={"help": "columns that hold several values, each with what separates them"}
    )
    encoding: str = field(default="utf-8-sig", metadata={"help": "utf-8-sig also reads utf-8 without a mark"})
    delimiter: str = field(default=",", metadata={"help": "one character between values"})

    def problems(self) -> list[str]:
        found = []
        if len(self.delimiter) != 1:
            found.append('"delimiter" must be one character.')
        if not Path(self.path).is_absolute():
            found.append('"path" must be absolute.')
        try:
            "".encode(self.encoding)
        except LookupError:
            found.append(f'There is no encoding "{self.encoding}".')
        return found


class CsvConnector:
    """Rows of a CSV file; a source only."""

    type: ClassVar[str] = "csv"
    Settings: ClassVar[Any] = CsvSettings
    secrets: ClassVar[Mapping[str, str]] = {}

    def __init__(self, settings: CsvSettings, context: ConnectorContext) -> None:
        self._settings = settings
        self._reader: _Reader | None = None
        self._reading = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._drop_reader()

    async def test_connection(self) -> str:
        _, total = await asyncio.to_thread(check_file, self._settings)
        return f"The file has {total} rows."

    async def schema(self, object_class: str) -> ObjectSchema:
        columns = await asyncio.to_thread(_columns_of, self._settings)
        naming = self._settings.naming or self._settings.key
        attributes = tuple(
            AttributeSchema(
                name,
                required=name == self._settings.key,
                multi_valued=name in self._settings.multi_valued,
                writable=False,
                unique=name == self._settings.key,
            )
            for name in columns
        )
        return ObjectSchema(object_class, naming, attributes, is_complete=True)

    async def search(self, object_class: str, *, token: str | None, page_size: int) -> Page:
        start, looks, total = _place_of_token(token)
        if token is None and await asyncio.to_thread(_has_no_bytes, self._settings):
            # whoever emptied it may have meant it: a listing of nobody, for the reader's safeguards to judge
            return Page((), is_last=True, total=0)
        async with self._reading:
            state = (looks, total) if looks else await asyncio.to_thread(check_file, self._settings)
            accounts = await asyncio.to_thread(self._page, state[0], start=start, size=page_size)
        end, total = start + len(accounts), state[1]
        if end >= total:
            self._drop_reader()
            return Page(accounts, is_last=True, total=total)
        return Page(accounts, json.dumps([end, *state]), total=total)

    async def get(self, object_class: str, uid: str) -> TargetAccount | None:
        found = await asyncio.to_thread(self._matching, self._settings.key, uid)
        return found[0] if found else None

    async def find(self, object_class: str, attribute: str, value: str) -> list[TargetAccount]:
        return await asyncio.to_thread(self._matching, attribute, value)

    def _page(self, looks: str, *, start: int, size: int) -> tuple[TargetAccount, ...]:
        """Rows of the file as it was; raises ``ListingChanged`` when it is not so any more, also meanwhile."""
        reader = self._reader
        if reader is None or reader.looks != looks or reader.position != start:
            self._drop_reader()
            reader = self._reader = _Reader(self._settings)
            reader.skip(start)
        accounts = reader.take(size)
        if reader.looks != looks or _looks_of(self._settings) != looks or (not accounts and start):
            self._drop_reader()
            raise ListingChanged("The file changed while it was listed.")
        return accounts

    def _matching(self, attribute: str, value: str) -> list[TargetAccount]:
        reader = _Reader(self._settings)
        try:
            if attribute not in reader.columns:
                raise InvalidAttributes(f'There is no column "{attribute}".', attribute=attribute)
            return [account for account in reader.accounts if _holds(account.attributes[attribute], value)]
        finally:
            reader.close()

    def _drop_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()


class _Reader:
    """One pass over the file. ``position`` counts the accounts given out."""

    def __init__(self, settings: CsvSettings) -> None:
        self.looks = _looks_of(settings)
        self.position = 0
        self._settings = settings
        self._file = _opened(settings)
        try:
            self.rows = _rows(self._file, settings)
            _, self._header = next(self.rows, (1, []))
            self.columns = _read_columns(settings, self._header)
        except BaseException:
            self.close()
            raise
        self.accounts = self._all()

    def skip(self, count: int) -> None:
        for _ in islice(self.accounts, count):
            pass
        self.position = count

    def take(self, count: int) -> tuple[TargetAccount, ...]:
        taken = tuple(islice(self.accounts, count))
        self.position += len(taken)
        return taken

    def key_of(self, row: list[str]) -> str:
        return row[self._header.index(self._settings.key)].strip()

    @property
    def width(self) -> int:
        return len(self._header)

    def close(self) -> None:
        self._file.close()

    def _all(self) -> Iterator[TargetAccount]:
        for line, row in self.rows:
            if len(row) != self.width:
                raise _faulty([_wrong_width(line, row, self.width)])
            values = dict(zip(self._header, row, strict=True))
            yield _account_of(self._settings, values, self.columns)


def _has_no_bytes(settings: CsvSettings) -> bool:
    return _looks_of(settings).startswith("0-")


def check_file(settings: CsvSettings) -> tuple[str, int]:
    """Read the whole file once: what it looks like and how many rows it has, or every mistake in it."""
    reader = _Reader(settings)
    mistakes: list[str] = []
    keys = array("Q")
    try:
        for line, row in reader.rows:
            if len(row) != reader.width:
                mistakes.append(_wrong_width(line, row, reader.width))
            elif key := reader.key_of(row):
                keys.append(xxh3_64_intdigest(key.encode()))
            else:
                mistakes.append(f"line {line} has no {settings.key}")
    except PermanentError:
        _refuse_if_written(settings, reader.looks)  # half a line at the end is no fault of a file still being written
        raise
    finally:
        reader.close()
    _refuse_if_written(settings, reader.looks)
    mistakes += _repeated(settings, keys)
    if mistakes:
        raise _faulty(mistakes)
    return reader.looks, len(keys)


def _refuse_if_written(settings: CsvSettings, looks: str) -> None:
    if _looks_of(settings) != looks:
        raise TargetBusy("The file is being written.")


def _repeated(settings: CsvSettings, keys: "array[int]") -> list[str]:
    """The lines of keys that come more than once; the file is read again only when there are any."""
    hashes, counts = np.unique(np.frombuffer(keys, dtype=np.uint64), return_counts=True)
    suspects = {int(one) for one in hashes[counts > 1]}
    if not suspects:
        return []
    lines: dict[str, int] = {}
    found = []
    reader = _Reader(settings)
    try:
        for line, row in reader.rows:
            key = reader.key_of(row) if len(row) == reader.width else ""
            if not key or xxh3_64_intdigest(key.encode()) not in suspects:
                continue
            if key in lines:
                found.append(f"lines {lines[key]} and {line} have the same {settings.key}")
            lines.setdefault(key, line)
    finally:
        reader.close()
    return found


def _wrong_width(line: int, row: list[str], width: int) -> str:
    return f"line {line} has {len(row)} values instead of {width}"


def _looks_of(settings: CsvSettings) -> str:
    """Size, time and identity: what changes when somebody writes to the file or puts another in its place."""
    try:
        found = os.stat(settings.path)  # noqa: PTH116 - the errors are the same, and a path object adds nothing
    except OSError as error:
        raise _unreadable(error) from None
    return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}"


def _opened(settings: CsvSettings) -> TextIO:
    try:
        return Path(settings.path).open(encoding=settings.encoding, newline="")
    except OSError as error:
        raise _unreadable(error) from None


def _unreadable(error: OSError) -> TargetUnavailable | AccessRefused | PermanentError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return TargetUnavailable("There is no such file.")
    if isinstance(error, PermissionError):
        return AccessRefused("The daemon may not read the file.")
    if isinstance(error, IsADirectoryError):
        return PermanentError("The path is that of a directory.")
    return TargetUnavailable(f"The file cannot be read ({error.strerror}).")


def _columns_of(settings: CsvSettings) -> list[str]:
    reader = _Reader(settings)
    reader.close()
    return reader.columns


def _read_columns(settings: CsvSettings, header: list[str]) -> list[str]:
    """The columns to read, in the file's order; raises when one that is wanted is not there."""
    if not header:
        raise PermanentError("The file is empty: it has no line with the names of its columns.")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise PermanentError(f"These columns come twice: {', '.join(twice)}.")
    needed = [settings.key, settings.naming, settings.active_column, *settings.columns, *settings.multi_valued]
    missing = [name for name in dict.fromkeys(needed) if name and name not in header]
    if missing:
        raise PermanentError(f"The file has no column {', '.join(missing)}; it has {', '.join(header)}.")
    chosen = {settings.key, settings.naming, *settings.columns} if settings.columns else set(header)
    return [name for name in header if name in chosen and name != settings.active_column]


def _rows(file: TextIO, settings: CsvSettings) -> Iterator[tuple[int, list[str]]]:
    """Every row that is not blank, with the line it begins in."""
    csv.field_size_limit(LARGEST_FIELD)
    reader = csv.reader(file, delimiter=settings.delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            if any(value.strip() for value in row):
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise PermanentError(f"Line {reader.line_num} is not CSV: {error}.", line=reader.line_num) from None
    except UnicodeDecodeError:
        line = _undecodable_line(settings)
        raise PermanentError(f"Line {line} is not {settings.encoding}.", line=line) from None


def _undecodable_line(settings: CsvSettings) -> int:
    """The text layer reads ahead, so the line is looked for again, in bytes."""
    with Path(settings.path).open("rb") as file:
        for number, raw in enumerate(file, start=1):
            try:
                raw.decode(settings.encoding)
            except UnicodeDecodeError:
                return number
    return 0


def _faulty(mistakes: list[str]) -> PermanentError:
    more = f"; and {len(mistakes) - SHOWN_MISTAKES} more" if len(mistakes) > SHOWN_MISTAKES else ""
    return PermanentError(f"The file has mistakes: {'; '.join(mistakes[:SHOWN_MISTAKES])}{more}.")


def _account_of(settings: CsvSettings, values: Mapping[str, str], columns: list[str]) -> TargetAccount:
    uid = values[settings.key].strip()
    attributes = {name: _value_of(values[name], settings.multi_valued.get(name)) for name in columns}
    attributes[settings.key] = uid
    return TargetAccount(uid, attributes, _active_of(settings, values))


def _value_of(text: str, separator: str | None) -> Any:
    """An empty field is no value: CSV cannot tell the two apart."""
    if separator:
        return [part.strip() for part in text.split(separator) if part.strip()]
    return text.strip() or None


def _active_of(settings: CsvSettings, values: Mapping[str, str]) -> bool | None:
    if settings.active_column is None:
        return None
    word = values[settings.active_column].strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _holds(found: Any, value: str) -> bool:
    return value in found if isinstance(found, list) else found == value


def _place_of_token(token: str | None) -> tuple[int, str | None, int]:
    if token is None:
        return 0, None, 0
    try:
        start, looks, total = json.loads(token)
        return int(start), str(looks), int(total)
    except (ValueError, TypeError):
        raise ListingChanged from None
