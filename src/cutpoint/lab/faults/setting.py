"""What most campaigns share: one server behind one link, one session that watches it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cutpoint.client.session import InferenceSession
from cutpoint.execution.runtime import onnxruntime_module
from cutpoint.lab.faults.client import Feed, ObservedClient
from cutpoint.lab.faults.history import Ended, History
from cutpoint.lab.fork_server import ForkServer
from cutpoint.lab.forked_server import ForkedServer
from cutpoint.lab.link_process import LinkProcess

READY_TIMEOUT_S = 60.0
SETTLE_TIMEOUT_S = 60.0
NUM_FEEDS = 3


@dataclass
class Setting:
    """
    One server, one link, one client.

    Parameters
    ----------
    server, link, session, client
        Started, connected and offloading.
    """

    server: ForkedServer
    link: LinkProcess
    session: InferenceSession
    client: ObservedClient

    @property
    def history(self) -> History:
        """What the client asked and got."""
        return self.client.history

    def settle(self, num_requests: int = 3, timeout_s: float = SETTLE_TIMEOUT_S) -> Ended:
        """Run until so many requests in a row were offloaded; gives the last one."""
        in_a_row = 0

        def is_enough(ended: Ended) -> bool:
            nonlocal in_a_row
            in_a_row = in_a_row + 1 if ended.is_offloaded else 0
            return in_a_row >= num_requests

        return self.client.run_until(is_enough, timeout_s)

    def restart(self) -> float:
        """Start the server again; gives when it was ready, on the history's clock."""
        self.server.start()
        self.server.wait_until_ready()
        return self.history.now_s()


@contextmanager
def setting(
    fork_server: ForkServer,
    model: Path,
    feeds: Sequence[Feed],
    *,
    delay_s: float = 0.0,
    up_bytes_per_s: float | None = None,
    down_bytes_per_s: float | None = None,
    arguments: tuple[str, ...] = (),
    more_models: tuple[Path, ...] = (),
    server: ForkedServer | None = None,
    is_direct: bool = False,
    **session_options: Any,
) -> Iterator[Setting]:
    """
    Give a client that offloads to a server over an emulated link.

    Parameters
    ----------
    model
        Served, and run by the session.
    feeds
        Taken in turns.
    delay_s, up_bytes_per_s, down_bytes_per_s
        Of the link.
    arguments
        Of ``cutpoint serve``.
    more_models
        Served beside it.
    server
        To use instead of a new cutpoint server of these models; not started yet.
    is_direct
        Whether the session connects to the server itself, past the link.
    **session_options
        Of the session.
    """
    expected = truths(model, feeds)
    served = [str(path) for path in (model, *more_models)]
    with ExitStack() as stack:
        if server is None:
            server = fork_server.server(served, arguments)
        stack.enter_context(server)
        link = stack.enter_context(
            LinkProcess(
                server.address,
                delay_s=delay_s,
                up_bytes_per_s=up_bytes_per_s,
                down_bytes_per_s=down_bytes_per_s,
            )
        )
        session = stack.enter_context(
            InferenceSession(
                model, server=server.address if is_direct else link.address, **session_options
            )
        )
        session.wait_until_ready(READY_TIMEOUT_S)
        client = ObservedClient("client", session, feeds, expected, History())
        yield Setting(server, link, session, client)


def truths(model: Path, feeds: Sequence[Feed]) -> list[Any]:
    """Give the first output of the uncut model for each feed, computed without our code."""
    whole = onnxruntime_module().InferenceSession(str(model))
    return [whole.run(None, dict(feed))[0] for feed in feeds]
