"""Everything that is to be shown of emulated links and devices, measured once."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cutpoint.lab.emulation.cpu_quota import why_no_quota
from cutpoint.lab.emulation.iperf import IperfRun, find_iperf, iperf_over
from cutpoint.lab.emulation.link_check import (
    SIZES_BYTES,
    LinkKind,
    LinkSetting,
    Transfers,
    cold_transfer_s,
    constant_transfers,
    traced_transfers,
)
from cutpoint.lab.emulation.namespaces import why_no_namespaces
from cutpoint.lab.emulation.quota_check import QuotaRun, quota_run
from cutpoint.lab.emulation.stretch_check import StretchRun, stretch_runs
from cutpoint.lab.progress import Progress
from cutpoint.lab.traces import Trace, positions
from cutpoint.lab.zoo import write
from cutpoint.units import from_mbit_per_s

IPERF_MBIT_PER_S = (0.13, 1.1, 5.85, 18.88, 50.0, 100.0)
_DELAY_S = 10e-3

_LIMITED = "resnet18"
"""By quota: of the nets that take 20 ms of processor time and more, a quick one."""


@dataclass(frozen=True)
class Extent:
    """
    How much is measured.

    Parameters
    ----------
    rates_mbit_per_s
        Of the links that are compared.
    longest_s
        Sizes that take longer at a rate are left out.
    num_transfers, num_positions
        Of each size; in each trace.
    iperf_s
        Each rate is kept busy for, and four times as long below 1 Mbit/s.
    nets, factors, stretch_s
        Of stretched devices, and how long for each factor.
    shares, quota_s
        Of a core, for devices by quota; and how long each.
    """

    rates_mbit_per_s: tuple[float, ...] = (1.1, 5.85, 18.88, 50.0)
    longest_s: float = 3.0
    num_transfers: int = 4
    num_positions: int = 5
    iperf_s: float = 2.5
    nets: tuple[str, ...] = ("squeezenet", "mobilenet_v2", "resnet18", "vgg16")
    factors: tuple[float, ...] = (2.0, 8.0, 40.0)
    stretch_s: float = 4.0
    shares: tuple[float, ...] = (0.2, 0.5)
    quota_s: float = 5.0


QUICK = Extent(
    (5.85, 50.0), 1.0, 4, 3, 2.0, ("squeezenet", "resnet18"), (2.0, 8.0, 40.0), 2.0, (0.2,)
)


@dataclass(frozen=True)
class ColdStart:
    """
    A transfer over the kernel's TCP, warm and over a new connection.

    Parameters
    ----------
    setting, size_bytes
        Of the link and the transfer.
    cold_s
        Median over new connections.
    """

    setting: LinkSetting
    size_bytes: int
    cold_s: float


@dataclass(frozen=True)
class Survey:
    """
    What was measured.

    Parameters
    ----------
    transfers, traced
        At constant rates, and along traces.
    cold
        What the kernel's slow start costs.
    iperf
        What iperf3 says.
    stretched, limited
        Devices by sleeping, and by quota.
    missing
        What could not be measured here, and why.
    """

    transfers: tuple[Transfers, ...]
    traced: tuple[Transfers, ...]
    cold: tuple[ColdStart, ...]
    iperf: tuple[IperfRun, ...]
    stretched: tuple[StretchRun, ...]
    limited: tuple[QuotaRun, ...]
    missing: tuple[str, ...]


def survey(
    extent: Extent, traces: tuple[Trace, ...], seed: int, folder: Path, progress: Progress
) -> Survey:
    """
    Measure everything that this machine has the rights and tools for.

    Parameters
    ----------
    extent
        How much.
    traces, seed
        What is played, and what its places are drawn from.
    folder
        Where models are written.
    progress
        Told of each step.
    """
    has_no_namespaces, has_no_quota, iperf = why_no_namespaces(), why_no_quota(), find_iperf()
    missing = [each for each in (has_no_namespaces, has_no_quota) if each]
    if iperf is None:
        missing.append("iperf3 is not in PATH: what the link delivers was not measured by it")
    for each in missing:
        progress.note(each)
    plan = tuple(_constant(extent, not has_no_namespaces))
    links: tuple[LinkKind, ...] = ("user space",) if has_no_namespaces else ("user space", "TUN")
    num_runs = len(plan) + len(links) + len(IPERF_MBIT_PER_S) * (iperf is not None)
    progress.begin("emulation", num_runs + len(extent.nets) + (not has_no_quota))
    return Survey(
        tuple(_transfers(extent, plan, progress)),
        tuple(_traced(extent, links, traces, seed, progress)),
        () if has_no_namespaces else tuple(_cold(extent)),
        () if iperf is None else tuple(_iperf(extent, iperf, progress)),
        tuple(_stretched(extent, folder, progress)),
        () if has_no_quota else tuple(_limited(extent, folder, progress)),
        tuple(missing),
    )


def _transfers(
    extent: Extent,
    plan: tuple[tuple[LinkKind, LinkSetting, tuple[int, ...]], ...],
    progress: Progress,
) -> Iterator[Transfers]:
    for link, setting, sizes_bytes in plan:
        yield from constant_transfers(link, setting, sizes_bytes, extent.num_transfers)
        progress.advance(f"link: {link}")


def _traced(
    extent: Extent,
    links: tuple[LinkKind, ...],
    traces: tuple[Trace, ...],
    seed: int,
    progress: Progress,
) -> Iterator[Transfers]:
    places = [
        LinkSetting(trace.mean_bytes_per_s, _DELAY_S, trace, position_s)
        for trace in traces
        for position_s in positions(trace, extent.num_positions, seed)
    ]
    for link in links:
        yield from traced_transfers(link, places, SIZES_BYTES[0], extent.num_transfers)
        progress.advance(f"traces: {link}")


def _constant(
    extent: Extent, has_namespaces: bool
) -> Iterator[tuple[LinkKind, LinkSetting, tuple[int, ...]]]:
    """Yield which links are compared at which settings; the token bucket knows no delay."""
    delayed: tuple[LinkKind, ...] = ("user space", "TUN") if has_namespaces else ("user space",)
    direct: tuple[LinkKind, ...] = (*delayed, "tbf") if has_namespaces else delayed
    for mbit in extent.rates_mbit_per_s:
        rate = from_mbit_per_s(mbit)
        sizes = tuple(size for size in SIZES_BYTES if size / rate <= extent.longest_s)
        for delay_s, links in ((0.0, direct), (_DELAY_S, delayed)):
            for link in links:
                yield link, LinkSetting(rate, delay_s), sizes


def _cold(extent: Extent) -> Iterator[ColdStart]:
    for mbit in extent.rates_mbit_per_s[-2:]:
        setting = LinkSetting(from_mbit_per_s(mbit), _DELAY_S)
        for size_bytes in SIZES_BYTES[:2]:
            yield ColdStart(setting, size_bytes, cold_transfer_s(setting, size_bytes, 5))


def _iperf(extent: Extent, program: str, progress: Progress) -> Iterator[IperfRun]:
    for mbit in IPERF_MBIT_PER_S:
        # Less than 100 KB would have arrived by then.
        duration_s = extent.iperf_s if mbit >= 1 else max(4 * extent.iperf_s, 8.0)
        yield iperf_over(from_mbit_per_s(mbit), duration_s, program)
        progress.advance(f"iperf3, {mbit:g} Mbit/s")


def _stretched(extent: Extent, folder: Path, progress: Progress) -> Iterator[StretchRun]:
    for name in extent.nets:
        path = write(name, folder / f"{name}.onnx")
        yield from stretch_runs(name, path, extent.factors, extent.stretch_s)
        progress.advance(f"stretched {name}")


def _limited(extent: Extent, folder: Path, progress: Progress) -> Iterator[QuotaRun]:
    path = folder / f"{_LIMITED}.onnx"
    if extent.shares and not path.exists():
        write(_LIMITED, path)
    for share in extent.shares:
        yield quota_run(_LIMITED, path, share, extent.quota_s)
    progress.advance("quota")
