"""Tables in files: read with a clear sentence for whatever is wrong with them, written whole or not at all."""

import csv
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from worker.domain.errors import InvalidRequest

_DELIMITERS = (",", ";", "\t", "|")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MOST_CELL = 1_000_000
_SHOWN = 12


#: Texts of a column that are kept once, and rows that are read together.
_MOST_KNOWN, _TOGETHER = 50_000, 5_000


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A file's columns by their names, all of equal length, blanks around values kept."""

    path: Path
    columns: dict[str, list[str]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))


class Once(dict[str, list[str]]):
    """Columns that are given away when they are asked for: who has read one keeps what is needed of it."""

    def get(self, name: str, default: Any = None) -> Any:
        return self.pop(name, default)


def read_table(path: Path) -> CsvTable:
    """Read a CSV file with a header, parted by commas, semicolons, tabs or bars. InvalidRequest says what is wrong."""
    with _opened(path) as file:
        header = file.readline()
        if not header.strip():
            raise InvalidRequest(f"{path} is empty: the first line has to name its columns")
        delimiter = max(_DELIMITERS, key=header.count)
        file.seek(0)
        rows = _rows(path, csv.reader(file, delimiter=delimiter, strict=True))
        names = [name.strip() for name in next(rows, [])]
        _check_names(path, names)
        lists: list[list[str]] = [[] for _ in names]
        _fill(path, lists, rows)
    if not lists[0]:
        raise InvalidRequest(f"{path} has a header and no rows")
    return CsvTable(path, dict(zip(names, lists, strict=True)))


def ids_of(table: CsvTable, column: str | None, *, usual: Sequence[str], option: str) -> tuple[str, list[str]]:
    """The column that names the rows, the usual or else the first one, and its values; each has to be there once."""
    if column is not None and column not in table.columns:
        raise InvalidRequest(f"{table.path} has no column {column!r}; it has {listed(table.columns)}")
    plain = {name.lower(): name for name in reversed(table.columns)}
    found = column or next((plain[name] for name in usual if name in plain), next(iter(table.columns)))
    values = [value.strip() for value in table.columns[found]]
    hint = f"name the column of ids with {option}"
    if "" in values:
        raise InvalidRequest(f"{table.path}: row {values.index('') + 1} has no {found}; {hint}")
    if len(set(values)) < len(values):
        [(value, count), *_] = Counter(values).most_common(1)
        raise InvalidRequest(
            f"{table.path}: {found} {value!r} is there {count} times; each has to be there once; {hint}"
        )
    return found, values


def listed(names: Iterable[str]) -> str:
    """Names for a sentence, the first of many."""
    every = list(names)
    return ", ".join(every[:_SHOWN]) + (f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else "")


@contextmanager
def written(path: Path) -> Iterator[IO[str]]:
    """A file that takes its name when all is written; what was there before stays until then."""
    if not path.parent.is_dir():
        raise InvalidRequest(f"there is no folder {path.parent} to write {path.name} into")
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def safe(text: str) -> str:
    """A cell that no spreadsheet computes: what it could take for a formula gets a ' before it."""
    return f"'{text}" if text.startswith(_FORMULA) else text


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    csv.field_size_limit(_MOST_CELL)
    with path.open("rb") as raw:
        start = raw.read(4)
    if start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise InvalidRequest(f"{path} is UTF-16: save it as UTF-8")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except UnicodeDecodeError as error:
        line = _line_of(path, error)
        raise InvalidRequest(
            f"{path}, line {line}: not UTF-8 (byte {error.object[error.start]:#04x}): save it as UTF-8"
        ) from None


def _line_of(path: Path, error: UnicodeDecodeError) -> int:
    """The first line that is not UTF-8."""
    with path.open("rb") as raw:
        for number, line in enumerate(raw, 1):
            try:
                line.decode(error.encoding)
            except UnicodeDecodeError:
                return number
    return 0


def _rows(path: Path, reader: Iterator[list[str]]) -> Iterator[list[str]]:
    number = 0
    while True:
        number += 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InvalidRequest(f"{path}, record {number}: {error}") from None
        yield row


def _check_names(path: Path, names: Sequence[str]) -> None:
    if "" in names:
        raise InvalidRequest(f"{path}: column {names.index('') + 1} has no name in the header")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InvalidRequest(f"{path}: two columns are named {twice[0]!r}")


def _fill(path: Path, lists: list[list[str]], rows: Iterator[list[str]]) -> None:
    """Put the cells into their columns; equal texts of a column that has few are kept once."""
    known: list[dict[str, str]] = [{} for _ in lists]
    number = 2
    while chunk := list(islice(rows, _TOGETHER)):
        cells = zip(*_whole(path, chunk, width=len(lists), first=number), strict=True)
        for column, texts, seen in zip(lists, cells, known, strict=False):  # a chunk of empty lines has no cells
            has_few = len(set(texts)) <= len(texts) // 2 and len(seen) < _MOST_KNOWN
            column.extend(map(seen.setdefault, texts, texts) if has_few else texts)
        number += len(chunk)


def _whole(path: Path, rows: list[list[str]], *, width: int, first: int) -> list[list[str]]:
    """The rows that are not empty, each as wide as the header; InvalidRequest names one that is wider."""
    if set(map(len, rows)) == {width}:
        return rows
    for number, row in enumerate(rows, first):
        if len(row) > width:
            raise InvalidRequest(f"{path}, record {number}: {len(row)} cells, and the header names {width}")
    return [row + [""] * (width - len(row)) for row in rows if row]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
