"""A client that sends what it is told to, and says how far it is: ``MODEL ADDRESS``."""

import sys

import numpy as np

from cutpoint.client.session import InferenceSession
from cutpoint.execution.runtime import quiet_options

_READY_S = 60.0


def main() -> None:
    """Send the model's input as often as each line of standard input says; answer ``sent``."""
    path, address = sys.argv[1:]
    session = InferenceSession(
        path, quiet_options(1), ["CPUExecutionProvider"], server=address, policy="server"
    )
    session.wait_until_ready(_READY_S)
    (given,) = session.get_inputs()
    feed = {given.name: np.ones(given.shape, np.float32)}
    for line in sys.stdin:
        num_there = 0
        for _ in range(int(line)):
            session.run(None, feed)
            record = session.last_record
            num_there += record is not None and record.placement == "server"
        sys.stdout.write(f"{num_there}\n")
        sys.stdout.flush()
    session.close()


if __name__ == "__main__":
    main()
