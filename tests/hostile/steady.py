"""A device in a process of its own that infers in every way there is, and watches its memory."""

import gc
import json
import os
import sys
from collections.abc import Iterator

import numpy as np
from tests.hostile.process import memory_bytes

from cutpoint import InferenceSession

_SAMPLE_EVERY = 250
_REOPEN_EVERY = 400
_KINDS = (
    {"policy": "server"},
    {"policy": "pool1"},
    {"policy": "device"},
    {"policy": "server", "deadline_s": 0.0015},  # late now and then: cancelled
)


def inferences(model: str, address: str) -> Iterator[str]:
    """Infer for ever, in turn on the server, split, here, and too late; give where it ran."""
    feed = {"image": np.ones((1, 3, 64, 64), np.float32)}
    sessions = [InferenceSession(model, server=address, **kind) for kind in _KINDS]
    number = 0
    while True:
        for session in sessions:
            session.run(None, feed)
            yield session.last_record.placement
        number += 1
        if number % _REOPEN_EVERY == 0:
            which = number // _REOPEN_EVERY % len(_KINDS)
            sessions[which].close()
            sessions[which] = InferenceSession(model, server=address, **_KINDS[which])


def main(model: str, address: str, pid: str, requests: str) -> None:
    """Print how often it ran where, and both processes' memory over time."""
    samples, placements = [], {}
    own = os.getpid()
    for count, placement in enumerate(inferences(model, address), start=1):
        placements[placement] = placements.get(placement, 0) + 1
        if count % _SAMPLE_EVERY == 0:
            gc.collect()
            samples.append((count, memory_bytes(own), memory_bytes(int(pid))))
        if count >= int(requests):
            break
    print(json.dumps({"placements": placements, "samples": samples}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
