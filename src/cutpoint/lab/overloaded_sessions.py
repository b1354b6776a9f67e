"""Sessions of ours at servers that have no room: how often they ask, and what they answer."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cutpoint.client.session import InferenceSession
from cutpoint.execution.runtime import onnxruntime_module, quiet_options
from cutpoint.graph import Arrays
from cutpoint.lab.equivalence import is_equal
from cutpoint.lab.zoo import sample_images
from cutpoint.records import InferenceRecord

NUM_SESSIONS = 12
_PROVIDERS = ("CPUExecutionProvider",)
_READY_S = 60.0


@dataclass(frozen=True)
class Attempts:
    """
    How often clients asked.

    Parameters
    ----------
    who
        Asked.
    num_requests
        That were sent to a server at all.
    num_attempts
        Servers they were sent to, added up.
    refused
        Share of the attempts that came to nothing.
    num_wrong
        Answers that differ from ONNX Runtime's.
    """

    who: str
    num_requests: int
    num_attempts: int
    refused: float
    num_wrong: int

    @property
    def per_request(self) -> float:
        """Attempts per request."""
        return self.num_attempts / self.num_requests if self.num_requests else 0.0


def overloaded_sessions(
    path: Path,
    addresses: Sequence[str],
    duration_s: float,
    num_sessions: int = NUM_SESSIONS,
) -> Attempts:
    """
    Run many sessions that want the server every time, as fast as they can.

    Parameters
    ----------
    path
        Of the model; one image goes in.
    addresses
        Of its servers, in order of preference.
    duration_s
        How long.
    num_sessions
        Side by side; more than the servers take in.
    """
    reference = onnxruntime_module().InferenceSession(str(path), quiet_options(1), _PROVIDERS)
    (given,) = reference.get_inputs()
    _, channels, height, width = given.shape
    feed: Arrays = {given.name: sample_images(1, height, width, 0, channels)}
    expected = reference.run(None, feed)

    def ask(number: int) -> tuple[list[InferenceRecord], int]:
        kept: list[InferenceRecord] = []
        num_wrong = 0
        with InferenceSession(
            path,
            quiet_options(1),
            _PROVIDERS,
            server=",".join(addresses),
            policy="server",
            on_record=kept.append,
        ) as session:
            session.wait_until_ready(_READY_S)
            until_s = time.perf_counter() + duration_s
            while time.perf_counter() < until_s:
                outputs = session.run(None, feed)
                num_wrong += not all(map(is_equal, outputs, expected))
        return kept, num_wrong

    with ThreadPoolExecutor(num_sessions) as threads:
        asked = list(threads.map(ask, range(num_sessions)))
    sent = [record for records, _ in asked for record in records if record.attempts]
    num_attempts = sum(record.attempts for record in sent)
    num_answered = sum(record.placement != "device" for record in sent)
    return Attempts(
        "sessions",
        len(sent),
        num_attempts,
        1.0 - num_answered / max(num_attempts, 1),
        sum(num_wrong for _, num_wrong in asked),
    )
