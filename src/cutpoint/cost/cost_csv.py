"""A cost table as CSV: one row per layer, easy to type in from a paper."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import isfinite

import numpy as np

from cutpoint.cost.block_order import check_unique, topological_order
from cutpoint.cost.cost_table import CostTable, CostValue
from cutpoint.exceptions import CostError

_REQUIRED = ("name", "device_s", "server_s", "output_bytes")
_OPTIONAL = ("after", "memory_bytes")
_COMMENT = "#"


@dataclass(frozen=True)
class _Row:
    """One row: its line in the file, and its cells by column."""

    line: int
    cells: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.cells["name"]

    def fault(self, what: str) -> CostError:
        return CostError(f"line {self.line} ({self.name or 'no name'}): {what}")

    def number(self, column: str, empty: float | None = None) -> float:
        """Give a cell as a number; `empty` stands for an empty one, if it may be."""
        text = self.cells.get(column, "")
        if not text and empty is not None:
            return empty
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not (isfinite(number) and number >= 0):
            raise self.fault(
                f"{column} is {text!r}; write a number that is finite and not negative, "
                "in seconds or bytes, without its unit"
            )
        return number


def cost_table_from_csv(
    text: str, name: str = "table", source: str = "the cost table"
) -> CostTable:
    """
    Read a cost table from CSV.

    ::

        # Table 2 of the paper, milliseconds divided by 1000
        name,device_s,server_s,output_bytes,after
        input,0,0,602112,
        conv1,0.021,0.001,774400,
        branch_a,0.012,0.001,86528,conv1
        branch_b,0.010,0.001,86528,conv1
        concat,0.001,0.0001,173056,branch_a branch_b

    The first row is the model's input, whatever its name: ``output_bytes`` are the
    bytes of the input, its seconds are 0 or empty. Each other row is a layer that makes
    one value, named as the layer. ``after`` lists the rows it takes its inputs from,
    separated by spaces; where it is empty or there is no such column, that is the row
    before: a chain needs none. What no row comes after is an output of the model.

    Columns stand in any order. More that may be there: ``memory_bytes``, empty for a
    layer that holds nothing, and ``server2_s`` (then ``server3_s`` and so on), the host
    behind the server. Behind the first, rows stand in any order; a topological one is
    kept. Lines that begin with ``#`` and empty lines are skipped.

    Parameters
    ----------
    text
        CSV with commas, a row of column names first.
    name
        Of the model.
    source
        Whence, for messages.

    Raises
    ------
    CostError
        If a column is missing or unknown, a cell is no number, a name is not unique or
        not there, or layers need each other in a circle; says in which line.
    """
    try:
        header, rows = _read(text)
        return _table(name, _hosts(header), "memory_bytes" in header, rows)
    except CostError as error:
        raise CostError(f"{source}: {error}") from error
    except csv.Error as error:
        raise CostError(f"{source} is no CSV ({error}): see that quotes are closed") from error


def cost_table_to_csv(table: CostTable) -> str:
    """
    Write a cost table as CSV; `cost_table_from_csv` describes the layout.

    Raises
    ------
    CostError
        If the table holds what CSV has no place for, so that it would not be read back
        as it is: more inputs than one, values not named as their blocks or several of a
        block, outputs that blocks use, values that may not cross, a digest, names with
        spaces.
    """
    _check_is_expressible(table)
    hosts = ["device_s", *(_server_column(index) for index in range(1, table.num_hosts))]
    has_memory = table.memory_bytes is not None
    given = next(value for value in table.values if value.producer is None)
    made = {value.producer: value for value in table.values if value.producer is not None}
    after: dict[int, list[str]] = {index: [] for index in range(table.num_blocks)}
    for value in (given, *(made[index] for index in range(table.num_blocks))):
        for consumer in value.consumers:
            after[consumer].append(value.name)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    memory = ["memory_bytes"] if has_memory else []
    writer.writerow(["name", *hosts, "output_bytes", "after", *memory])
    zeros = ["0"] * table.num_hosts
    writer.writerow(
        [given.name, *zeros, _text(given.size_bytes), "", *(["0"] if has_memory else [])]
    )
    for index, block in enumerate(table.blocks):
        seconds = [_text(each) for each in table.host_s[:, index]]
        size = [_text(table.memory[index])] if has_memory else []
        output_bytes = _text(made[index].size_bytes)
        writer.writerow([block, *seconds, output_bytes, " ".join(after[index]), *size])
    return file.getvalue()


def _read(text: str) -> tuple[list[str], list[_Row]]:
    """Give the column names and the rows, cells stripped, comments left out."""
    lines = _lines(text)
    try:
        _, header = next(lines)
    except StopIteration:
        raise CostError(f"empty: the first line names the columns {','.join(_REQUIRED)}") from None
    _check_header(header)
    rows = []
    for line, cells in lines:
        if len(cells) > len(header):
            raise CostError(
                f"line {line} has {len(cells)} cells for {len(header)} columns: "
                "numbers have no comma inside"
            )
        padded = cells + [""] * (len(header) - len(cells))
        rows.append(_Row(line, dict(zip(header, padded, strict=True))))
    return header, rows


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    for raw in reader:
        cells = [cell.strip() for cell in raw]
        if any(cells) and not cells[0].startswith(_COMMENT):
            yield reader.line_num, cells


def _check_header(header: list[str]) -> None:
    missing = [column for column in _REQUIRED if column not in header]
    if missing:
        raise CostError(
            f"no column {missing[0]!r} among {', '.join(header)}: the first line names "
            f"{', '.join(_REQUIRED)}, separated by commas"
        )
    check_unique("column", header)
    known = {*_REQUIRED, *_OPTIONAL, *_hosts(header)}
    unknown = [column for column in header if column not in known]
    if unknown:
        raise CostError(
            f"unknown column {unknown[0]!r}: beside {', '.join(_REQUIRED)} there may be "
            f"{', '.join(_OPTIONAL)}, and server2_s, server3_s in turn"
        )


def _hosts(header: Sequence[str]) -> list[str]:
    """Give the columns of seconds, the device's first."""
    hosts = ["device_s"]
    for index in count(1):
        if _server_column(index) not in header:
            break
        hosts.append(_server_column(index))
    return hosts


def _server_column(index: int) -> str:
    return "server_s" if index == 1 else f"server{index}_s"


def _table(name: str, hosts: list[str], has_memory: bool, rows: list[_Row]) -> CostTable:
    if len(rows) < 2:
        raise CostError("no layers: there is a row for the input and one for each layer")
    given, layers = _checked_input(rows[0], hosts), rows[1:]
    for row in rows:
        if not row.name:
            raise row.fault("the layer has no name; every row needs one")
    check_unique("row", [row.name for row in rows])
    needs = _needs(given, layers)
    inner = {layer: [each for each in needs[layer] if each != given.name] for layer in needs}
    order = topological_order([row.name for row in layers], inner)
    row_of = {row.name: row for row in layers}
    ordered = [row_of[each] for each in order]
    memory = np.array([row.number("memory_bytes", 0.0) for row in ordered])
    return CostTable(
        name=name,
        blocks=order,
        host_s=np.array([[row.number(host) for row in ordered] for host in hosts]),
        values=tuple(_values([given, *ordered], needs)),
        memory_bytes=memory if has_memory else None,
    )


def _checked_input(row: _Row, hosts: Sequence[str]) -> _Row:
    for host in hosts:
        if row.number(host, 0.0) > 0:
            raise row.fault(
                f"the first row stands for the model's input, but its {host} is "
                f"{row.cells[host]}: put a row such as input,0,0,<bytes of the input> before it"
            )
    if row.cells.get("after"):
        raise row.fault("the input comes after nothing: leave `after` empty in the first row")
    return row


def _needs(given: _Row, layers: Sequence[_Row]) -> dict[str, list[str]]:
    """Give what each layer comes after; the row before where it does not say."""
    known = {given.name, *(row.name for row in layers)}
    needs: dict[str, list[str]] = {}
    before = given.name
    for row in layers:
        needs[row.name] = row.cells.get("after", "").split() or [before]
        for each in needs[row.name]:
            # The row before may have spaces in its name; a listed one cannot.
            if each not in known:
                raise row.fault(
                    f"it comes after {each!r}, which is no row: names in `after` are separated by "
                    "spaces, so they have none inside"
                )
            if needs[row.name].count(each) > 1:
                raise row.fault(f"it comes after {each!r} twice: list it once")
        before = row.name
    return needs


def _values(rows: Sequence[_Row], needs: Mapping[str, Sequence[str]]) -> Iterator[CostValue]:
    """Give the value of each row; the first is the input."""
    consumers: dict[str, list[int]] = {row.name: [] for row in rows}
    for index, row in enumerate(rows[1:]):
        for each in needs[row.name]:
            consumers[each].append(index)
    for index, row in enumerate(rows):
        yield CostValue(
            name=row.name,
            size_bytes=row.number("output_bytes"),
            producer=index - 1 if index else None,
            consumers=tuple(consumers[row.name]),
            is_output=not consumers[row.name],
        )


def _text(number: float) -> str:
    """Write a number so that it is read back the same."""
    return repr(float(number)).removesuffix(".0")


def _check_is_expressible(table: CostTable) -> None:
    given = [value for value in table.values if value.producer is None]
    made = [value for value in table.values if value.producer is not None]
    names = [*table.blocks, *(value.name for value in given)]
    needy = {consumer for value in table.values for consumer in value.consumers}
    faults = {
        "it has not exactly one input": len(given) != 1,
        "a block has not exactly one value, named as the block": sorted(
            (value.producer or 0, value.name) for value in made
        )
        != list(enumerate(table.blocks)),
        "an output of the model is used by blocks, or a value by nobody": any(
            value.is_output != (not value.consumers) for value in table.values
        ),
        "a block needs nothing": len(needy) < table.num_blocks,
        "a value may not cross": not all(value.may_cross for value in table.values),
        "it has the digest of a model": bool(table.sha256),
        "a name is empty, or has a space, a # in front or what cannot be printed": any(
            name.split() != [name] or not name.isprintable() or name.startswith(_COMMENT)
            for name in names
        ),
    }
    found = [fault for fault, is_there in faults.items() if is_there]
    if found:
        raise CostError(
            f"cost table {table.name!r} cannot be written as CSV: {found[0]}; write it as JSON"
        )
