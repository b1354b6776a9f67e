"""A cost table as JSON: everything it holds, blocks and values by name."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from cutpoint.cost.block_order import check_unique, topological_order
from cutpoint.cost.cost_table import CostTable, CostValue
from cutpoint.exceptions import CostError

COST_FORMAT_VERSION = 1
"""Raised when a file of an older version can no longer be read."""


class _Header(msgspec.Struct):
    """What every version of the file has."""

    format_version: int


class _Block(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    seconds: list[float]
    memory_bytes: float | None = None


class _Value(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    size_bytes: float
    producer: str | None
    consumers: list[str]
    is_output: bool = False
    may_cross: bool = True


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    format_version: int
    name: str
    hosts: list[str]
    blocks: list[_Block]
    values: list[_Value]
    sha256: str = ""


def cost_table_to_json(table: CostTable) -> bytes:
    """Write a cost table as JSON; `cost_table_from_json` describes the layout."""
    memory: Sequence[float | None] = (
        [None] * table.num_blocks if table.memory_bytes is None else table.memory_bytes.tolist()
    )
    document = _Table(
        format_version=COST_FORMAT_VERSION,
        name=table.name,
        hosts=["device", *(f"server{i if i > 1 else ''}" for i in range(1, table.num_hosts))],
        blocks=[
            _Block(name, seconds, size)
            for name, seconds, size in zip(
                table.blocks, table.host_s.T.tolist(), memory, strict=True
            )
        ],
        values=[_written(table, value) for value in table.values],
        sha256=table.sha256,
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def cost_table_from_json(content: bytes | str, source: str = "the cost table") -> CostTable:
    """
    Read a cost table from JSON.

    ::

        {"format_version": 1,
         "name": "alexnet",
         "hosts": ["device", "server"],
         "blocks": [{"name": "conv1", "seconds": [0.021, 0.001], "memory_bytes": 139776}],
         "values": [{"name": "image", "size_bytes": 602112, "producer": null,
                     "consumers": ["conv1"]},
                    {"name": "features", "size_bytes": 774400, "producer": "conv1",
                     "consumers": [], "is_output": true}]}

    ``seconds`` has an entry per host, the device's first; names of hosts are for people
    and not kept. A value without a producer is an input of the model. Blocks stand in any order; a
    topological one is kept. ``memory_bytes``, ``is_output``, ``may_cross`` and ``sha256``
    may be left out; where only some blocks state their memory, the others need none.

    Parameters
    ----------
    content
        JSON, in UTF-8.
    source
        Whence, for messages.

    Raises
    ------
    CostError
        If it is cut short, of another version, or no cost table; says where.
    """
    try:
        _check_version(msgspec.json.decode(content, type=_Header).format_version)
        return _table(msgspec.json.decode(content, type=_Table))
    except CostError as error:
        raise CostError(f"{source}: {error}") from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise CostError(
            f"{source} is damaged or is no cost table ({error}): "
            "mend that place, or write the file again"
        ) from error


def _check_version(version: int) -> None:
    if version != COST_FORMAT_VERSION:
        raise CostError(
            f"layout {version}, and this cutpoint reads {COST_FORMAT_VERSION}: "
            "write it again with this version"
        )


def _written(table: CostTable, value: CostValue) -> _Value:
    return _Value(
        name=value.name,
        size_bytes=value.size_bytes,
        producer=None if value.producer is None else table.blocks[value.producer],
        consumers=[table.blocks[consumer] for consumer in value.consumers],
        is_output=value.is_output,
        may_cross=value.may_cross,
    )


def _table(document: _Table) -> CostTable:
    check_unique("host", document.hosts)
    check_unique("block", [block.name for block in document.blocks])
    blocks = {block.name: block for block in document.blocks}
    for block in document.blocks:
        if len(block.seconds) != len(document.hosts):
            raise CostError(
                f"block {block.name!r} has {len(block.seconds)} entries in seconds for "
                f"{len(document.hosts)} hosts ({', '.join(document.hosts)}): give one for each"
            )
    order = topological_order(list(blocks), _needs(document, blocks))
    index_of = {name: index for index, name in enumerate(order)}
    ordered = [blocks[name] for name in order]
    memory = [block.memory_bytes for block in ordered]
    is_stated = any(size is not None for size in memory)
    seconds = np.array([block.seconds for block in ordered], dtype=float)
    return CostTable(
        name=document.name,
        blocks=order,
        host_s=seconds.reshape(len(order), len(document.hosts)).T,
        values=tuple(_value(value, index_of) for value in document.values),
        memory_bytes=np.array([size or 0.0 for size in memory]) if is_stated else None,
        sha256=document.sha256,
    )


def _needs(document: _Table, blocks: Mapping[str, _Block]) -> dict[str, list[str]]:
    needs: dict[str, list[str]] = {name: [] for name in blocks}
    for value in document.values:
        named = ([] if value.producer is None else [value.producer]) + value.consumers
        for name in named:
            if name not in blocks:
                raise CostError(
                    f"value {value.name!r} names the block {name!r}, which is not listed: "
                    "list it among the blocks, or correct the name"
                )
        check_unique(f"consumers of value {value.name!r}", value.consumers)
        if value.producer is not None:
            for consumer in value.consumers:
                needs[consumer].append(value.producer)
    return needs


def _value(value: _Value, index_of: Mapping[str, int]) -> CostValue:
    return CostValue(
        name=value.name,
        size_bytes=value.size_bytes,
        producer=None if value.producer is None else index_of[value.producer],
        consumers=tuple(sorted(index_of[name] for name in value.consumers)),
        is_output=value.is_output,
        may_cross=value.may_cross,
    )
