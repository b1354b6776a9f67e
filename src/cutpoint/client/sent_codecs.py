"""In which codecs the values of a plan travel: as planned, as sent, as made by this device."""

from cutpoint.client.encoded_inputs import EncodedInputs
from cutpoint.client.encoding import Encoding
from cutpoint.records import RAW, Plan


def planned_codecs(plan: Plan) -> dict[str, str]:
    """Give the codec of each value that the plan encodes."""
    leg = plan.legs[0]
    pairs = zip(leg.crossing, leg.codecs, strict=False)
    return {name: codec for name, codec in pairs if codec != RAW}


def sent_codecs(plan: Plan, encoding: Encoding | None) -> tuple[str, ...]:
    """Give the codec in which each crossing value was sent last."""
    made = {} if encoding is None else encoding.encoded
    return tuple(made[name].codec if name in made else RAW for name in plan.crossing)


def applied_codecs(
    plan: Plan, sent: tuple[str, ...], inputs: EncodedInputs | None
) -> tuple[str, ...]:
    """
    Give what this device did to each crossing value: nothing to files that cross as they came.

    Parameters
    ----------
    sent
        As `sent_codecs` gives them; empty if nothing was sent.
    inputs
        Those that came as image files.
    """
    files = {} if inputs is None else inputs.codecs
    planned = planned_codecs(plan)
    return tuple(
        RAW if name not in planned and files.get(name) == codec else codec
        for name, codec in zip(plan.crossing, sent, strict=False)
    )
