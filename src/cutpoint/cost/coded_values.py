"""What codecs make of each value of a cost table, as columns to add up."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cutpoint.cost.codec_rate import AS_THEY_ARE, CodecRate
from cutpoint.cost.coding import AS_IT_IS, Coding
from cutpoint.cost.cost_table import Column, CostTable
from cutpoint.exceptions import CostError
from cutpoint.records import RAW


@dataclass(frozen=True)
class CodedValues:
    """
    One codec, value by value.

    Parameters
    ----------
    name
        Of the codec.
    sent_bytes, encode_s, decode_s
        Shape ``(n_values,)``. What the codec does not take is sent as it is, at no cost.
    takes
        Names of the values it takes; ``None`` if it takes all.
    """

    name: str
    sent_bytes: Column
    encode_s: Column
    decode_s: Column
    takes: frozenset[str] | None = None


def coded_values(table: CostTable, codecs: Sequence[Coding | CodecRate]) -> tuple[CodedValues, ...]:
    """
    Spread codecs over the values of a table; raw is always the first.

    Parameters
    ----------
    codecs
        By value, or as rates that hold for every value alike. Raw need not be among them.

    Raises
    ------
    CostError
        If two have one name, or one named raw is not.
    """
    found = [_of_rate(table, AS_THEY_ARE)]
    for codec in codecs:
        if codec in (AS_THEY_ARE, AS_IT_IS):
            continue
        if codec.name in {each.name for each in found}:
            what = "sends values as they are" if codec.name == RAW else "is given twice"
            raise CostError(f"codec {codec.name!r} {what}: give each a name of its own")
        found.append(
            _of_rate(table, codec) if isinstance(codec, CodecRate) else _by_value(table, codec)
        )
    return tuple(found)


def _of_rate(table: CostTable, rate: CodecRate) -> CodedValues:
    sizes = np.array([value.size_bytes for value in table.values])
    return CodedValues(
        rate.name,
        rate.ratio * sizes,
        rate.encode_s_per_byte * sizes,
        rate.decode_s_per_byte * sizes,
    )


def _by_value(table: CostTable, coding: Coding) -> CodedValues:
    values = table.values
    return CodedValues(
        coding.name,
        np.array([coding.sent_bytes.get(each.name, each.size_bytes) for each in values]),
        np.array([coding.encode_s.get(each.name, 0.0) for each in values]),
        np.array([coding.decode_s.get(each.name, 0.0) for each in values]),
        frozenset(coding.sent_bytes),
    )
