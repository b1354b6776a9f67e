"""What the regret experiment found, in words and tables."""

from collections.abc import Sequence

from cutpoint.lab.experiments.form import Clock, ResultRow
from cutpoint.lab.regret.campaign import Campaign
from cutpoint.lab.regret.exact import CUTPOINT
from cutpoint.units import milliseconds

_HOW = """\
Every policy runs the same photographs on the same places of a link's trace; others load the
server to 90 % in the middle third of each trace. Cutpoint is fed pixels and may use any codec
whose outputs are no further from the exact ones than with JPEG 90 of the input; the published
schemes are fed normalised floats and encode nothing, as published. All plan with the same
measured times, and each believes its own estimators: the probes and windows of its paper where it
has any, else the session's.
"""

_EXACT = """\
## Exact regret: virtual clock

The trace is integrated over each transfer; wait and slow-down of the loaded server are means of
what was measured on it. An inference begins with every picture of a camera that gives thirty a
second, each as if it were alone; what it teaches is known when it has ended. The oracle takes the
row that is truly the soonest. Cutpoint is told more or less:

- without a word behind the name: the true conditions of one sample (one picture, 33 ms) ago,
  which is what the soonest offload begun then truly met: the rates over its own transfers, wait
  and slow-down. *(3 samples late)*: the same, 0.1 s old.
- *(estimated)*: what the client's own estimators make of its transfers, answers and probes. *Hedge
  auto*: the same, and where the tail is worth the joules the device computes on after sending;
  *hedge always*: wherever something was sent, so that to send at the wrong time costs joules alone.
- *(true conditions)*: the same of this moment.
- *(late, mean over n latencies)*: rates are means over a window that began one sample ago and is n
  times as long as the oracle's mean latency. Most of a long window lies ahead: the longer it is,
  the more it tells of the future.
- *(causal)*: only what has passed by now, a mean over the last 0.1 s.

The published policies run live, by their own estimators. Their probes take link time: what is
uploaded while one is under way leaves behind it, so a policy whose paper sends a second of traffic
each second pays for that. *(told)*: the same policy without estimators, told the true conditions of
one sample ago; what the soonest offload among its own rows met: floats take longer, and so these
rates are means over a longer stretch. Whoever runs by estimates is carried out as a session does
it: an upload that lags is called off and the device finishes alone. Whoever is told conditions is
seen through, however long it takes.

*Best rule on the past rate* sorts the mean rate of the last 0.1 s into twenty bins and takes in
each the row that is the best there, found in hindsight: about what knowing the past alone can
bring. What lies between it and the oracle is the worth of knowing the future, which nobody has:
where a trace changes within one transfer, no policy comes near the oracle, however it decides.
"""

_MEASURED = """\
## Measured regret: real clock

Real processes on emulated links. At each place the fixed rows are replayed as often as the
policies, in turn with them; the oracle is the row with the lowest median there, and what the
others take is their mean. *Best fixed row* is the best of those that were replayed at every
place. Inferences during which something else held a core (wall time over CPU time above 1.1 on
either host) are dropped. A server-only whose upload becomes hopeless is finished by the device,
which helps it.
"""


def told(campaign: Campaign, rows: Sequence[ResultRow]) -> str:
    """Give the text of the report."""
    parts = [_HOW, _EXACT, _loaded(campaign), _table(rows, "virtual"), _nets(rows)]
    if campaign.measured:
        parts += [_MEASURED, _replays(campaign), _table(rows, "real"), _ratios(campaign)]
    return "\n".join(parts)


def _loaded(campaign: Campaign) -> str:
    """Tell what the loaded server was like; it is one in the exact form that refuses nobody."""
    lines = [
        f"- {name}: a wait of {milliseconds(server.answered.wait_s):.1f} ms, "
        f"{server.answered.slowdown:.2f} times as slow; {server.num_refused} of {server.num_asked} "
        "requests were not answered, which the exact form does not know"
        for name, server in campaign.busy.items()
    ]
    return "\n".join(["The loaded server, as measured:", "", *lines, ""])


def _table(rows: Sequence[ResultRow], clock: Clock) -> str:
    """Give policies by traces for the first net."""
    chosen = [row for row in rows if row.clock == clock and row.model == rows[0].model]
    links = list(dict.fromkeys(row.link for row in chosen))
    head = "".join(f" {link}: mean | p95 | regret |" for link in links)
    lines = [f"| {rows[0].model} |{head}", "|---|" + "---|" * (3 * len(links))]
    for policy in dict.fromkeys(row.policy for row in chosen):
        cells = [_cells(chosen, policy, link) for link in links]
        lines.append(f"| {policy} |" + "".join(cells))
    return "\n".join([*lines, ""])


def _cells(rows: Sequence[ResultRow], policy: str, link: str) -> str:
    row = next((row for row in rows if row.policy == policy and row.link == link), None)
    if row is None:
        return " no result | | |"
    mean, p95 = (f"{milliseconds(each):.0f} ms" for each in (row.latency_s.mean, row.latency_s.p95))
    return f" {mean} | {p95} | {_regret(row)} |"


def _regret(row: ResultRow) -> str:
    if row.regret is None:
        return ""
    low, high = row.regret.ci
    if low == high:
        return f"{row.regret.mean:.1%}"
    return f"{row.regret.mean:.1%} ({100 * low:.1f} to {100 * high:.1f})"


def _nets(rows: Sequence[ResultRow]) -> str:
    """Give the regret of cutpoint by net."""
    chosen = [row for row in rows if row.clock == "virtual" and row.policy == CUTPOINT]
    links = list(dict.fromkeys(row.link for row in chosen))
    lines = [
        f"{CUTPOINT}, exact, every net:",
        "",
        "| |" + "".join(f" {link} |" for link in links),
        "|---|" + "---|" * len(links),
    ]
    for model in dict.fromkeys(row.model for row in chosen):
        found = {row.link: row for row in chosen if row.model == model}
        lines.append(f"| {model} |" + "".join(f" {_regret(found[link])} |" for link in links))
    return "\n".join([*lines, ""])


def _replays(campaign: Campaign) -> str:
    lines = []
    for each in campaign.measured:
        names = ", ".join(row.name.removeprefix("row ") for row in each.rows)
        lines.append(
            f"- {each.case.trace.name}: {len(each.shots)} inferences, {each.share_dropped:.0%} "
            f"dropped. Replayed: {names}; by the trace the best of these takes "
            f"{each.loss:.2%} longer than the best of all."
        )
    return "\n".join([*lines, ""])


def _ratios(campaign: Campaign) -> str:
    lines = ["Mean latency of cutpoint over that of each other in the same rounds:", ""]
    links = [each.case.trace.name for each in campaign.measured]
    lines += ["| |" + "".join(f" {link} |" for link in links), "|---|" + "---|" * len(links)]
    found = [each.ratios() for each in campaign.measured]
    for name in dict.fromkeys(name for each in found for name in each):
        cells = (_ratio(each.get(name)) for each in found)
        lines.append(f"| {name} |" + "".join(f" {cell} |" for cell in cells))
    return "\n".join([*lines, ""])


def _ratio(found: tuple[float, tuple[float, float]] | None) -> str:
    if found is None:
        return ""
    ratio, (low, high) = found
    return f"{ratio:.2f} ({low:.2f} to {high:.2f})"
