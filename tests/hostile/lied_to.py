"""A device in a process of its own, whose memory is its own: told on stdin when the lies begin."""

import json
import os
import sys
import time

import numpy as np
from tests.hostile.process import peak_memory_bytes

from cutpoint import InferenceSession

_RUNS = 12


def main(model: str, address: str) -> None:
    """Run until offloaded, wait for a line, then run among lies; print what came of both."""
    feed = {"image": np.ones((1, 3, 64, 64), np.float32)}
    pid = os.getpid()
    with InferenceSession(model, server=address, policy="server", deadline_s=3.0) as session:
        session.wait_until_ready(20)
        while session.run(None, feed) and session.last_record.placement == "device":
            time.sleep(0.05)
        before_bytes = peak_memory_bytes(pid)
        print("offloaded", flush=True)  # noqa: T201
        sys.stdin.readline()
        reasons = []
        for _ in range(_RUNS):
            session.run(None, feed)
            reasons.append(session.last_record.fallback_reason)
            time.sleep(0.1)
        more_bytes = peak_memory_bytes(pid) - before_bytes
        print(json.dumps({"reasons": reasons, "more_bytes": more_bytes}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
