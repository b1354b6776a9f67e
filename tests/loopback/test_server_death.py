"""The server dies at a random moment: every answer is right, and offloading comes back."""

import logging
import os
import time
from threading import Timer

import numpy as np
import pytest
from tests.loopback.conftest import image_feeds
from tests.loopback.test_every_cut import uncut_outputs

from cutpoint.client.session import InferenceSession
from cutpoint.execution import ModelFile, load_graph
from cutpoint.lab.equivalence import is_equal
from cutpoint.lab.link_process import LinkProcess
from cutpoint.units import from_mbit_per_s

pytestmark = pytest.mark.alone

_log = logging.getLogger(__name__)

RESUME_S = 1.5
"""Server ready -> first offloaded answer."""


@pytest.mark.parametrize("num_kills", [pytest.param(20, marks=pytest.mark.soak)])
@pytest.mark.parametrize("policy", ["cutpoint", "server"])
def test_killed_at_a_random_moment(policy, num_kills, zoo_model, fork_server):
    """No answer is lost or wrong when the server is killed; offloading resumes by itself."""
    path = zoo_model("squeezenet")
    graph = load_graph(ModelFile.open(path))
    feeds = image_feeds(graph, 3)
    expected = [outputs[graph.outputs[0]] for outputs in uncut_outputs(path, feeds)]
    rate = from_mbit_per_s(50.0)
    resumes_s: list[float] = []
    num_right = 0
    rng = np.random.default_rng(int.from_bytes(os.urandom(4), "little"))
    with (
        fork_server.server([str(path)]) as server,
        LinkProcess(
            server.address, delay_s=0.005, up_bytes_per_s=rate, down_bytes_per_s=rate
        ) as link,
        InferenceSession(path, server=link.address, policy=policy, slowdown=20) as session,
    ):
        session.wait_until_ready(20.0)
        for repeat in range(num_kills):
            index = repeat % len(feeds)
            session.run(None, feeds[index])
            assert session.last_record.placement != "device"
            timer = Timer(rng.uniform(0, 1.2) * session.last_record.latency_s, server.kill)
            timer.start()
            # Until the kill has happened, and once after it: none may be lost or wrong.
            while True:
                was_alive = timer.is_alive()
                (output,) = session.run(None, feeds[index])
                assert is_equal(output, expected[index])
                num_right += 1
                if not was_alive:
                    break
            timer.join()
            assert session.last_record.placement == "device"
            assert session.last_record.fallback_reason is not None
            server.start()
            server.wait_until_ready()
            ready_s = time.perf_counter()
            while session.last_record.placement == "device":
                (output,) = session.run(None, feeds[index])
                assert is_equal(output, expected[index])
                num_right += 1
                assert time.perf_counter() - ready_s < 10 * RESUME_S
            record = session.last_record
            resumed_s = time.perf_counter() - ready_s - record.latency_s
            assert resumed_s <= RESUME_S
            resumes_s.append(resumed_s)
    _log.info(
        "%d kills, %d right answers, offloading resumed after %.2f s (median), %.2f s (worst)",
        num_kills,
        num_right,
        np.median(resumes_s),
        max(resumes_s),
    )
