"""One policy in a comparison: its session, its own link, and everything it recorded."""

from collections.abc import Mapping

from cutpoint.client.session import InferenceSession
from cutpoint.graph import Arrays
from cutpoint.lab.equivalence import is_equal
from cutpoint.lab.link_process import LinkProcess
from cutpoint.records import InferenceRecord, Profile


class Contestant:
    """
    A policy with a session and a link of its own, so that no other's probes disturb it.

    Parameters
    ----------
    name
        For people.
    policy
        As for `InferenceSession`.
    model
        Path of the ONNX file.
    server
        Address of the server, behind the link.
    profile
        Of the device.
    slowdown
        Of the emulated device.
    delay_s
        One-way delay of the link.
    bandwidth_bytes_per_s
        Of the link to begin with.
    sizes
        Bind the model's open dimensions, as for `InferenceSession`.
    """

    def __init__(
        self,
        name: str,
        policy: str,
        model: str,
        server: str,
        *,
        profile: Profile,
        slowdown: float,
        delay_s: float,
        bandwidth_bytes_per_s: float,
        sizes: Mapping[str, int] | None = None,
    ) -> None:
        self.name = name
        self.records: list[InferenceRecord] = []
        self.num_equal = 0
        rate = bandwidth_bytes_per_s
        self.link = LinkProcess(server, delay_s=delay_s, up_bytes_per_s=rate, down_bytes_per_s=rate)
        self.link.start()
        self.session = InferenceSession(
            model,
            server=self.link.address,
            policy=policy,
            profile=profile,
            slowdown=slowdown,
            sizes=sizes,
        )

    def run(self, feed: Arrays, expected: Arrays) -> InferenceRecord:
        """Run once and compare the outputs with the uncut model's."""
        outputs = self.session.run(list(expected), feed)
        record = self.session.last_record
        if record is None:
            raise RuntimeError("a session with a server records every inference")
        self.records.append(record)
        self.num_equal += all(
            is_equal(given, wanted)
            for given, wanted in zip(outputs, expected.values(), strict=True)
        )
        return record

    def set_bandwidth(self, bandwidth_bytes_per_s: float) -> None:
        """Change the link's rate, both ways."""
        self.link.set_rate(bandwidth_bytes_per_s, bandwidth_bytes_per_s)

    def close(self) -> None:
        """End the session and the link."""
        self.session.close()
        self.link.close()
