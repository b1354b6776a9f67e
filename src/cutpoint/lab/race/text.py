"""The report of the races, for people."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from cutpoint.lab.plotting import pyplot
from cutpoint.lab.race.real import PERCENTILES, Pairs
from cutpoint.lab.race.virtual import DEVICE_TIMES


def race_text(
    over_clairvoyant: Mapping[str, np.ndarray],
    joules: Mapping[str, float],
    pairs: Sequence[Pairs],
) -> str:
    """
    Give the page.

    Parameters
    ----------
    over_clairvoyant
        Latencies over the clairvoyant mean, by the name of the way.
    joules
        Mean of an inference, by the same.
    pairs
        Of the real clock.
    """
    lines = [
        "Nets that are fed pixels, over a link whose rate is drawn anew for each inference: "
        "20 Mbit/s in the median, off by 30 % (log-normal), and silent for a second at a time, "
        "2 % of the time. The policy is told 20 Mbit/s all the time; that a server does not answer "
        "it finds out by itself. Every latency is over the mean of who knows what comes. The "
        f"devices are so slow that the device alone takes {DEVICE_TIMES:g} times that mean. "
        "Joules are of a Raspberry Pi 4 on Wi-Fi.",
        "",
        "| way | inferences | mean | p50 | p95 | p99 | joules |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, ratios in over_clairvoyant.items():
        p50, p95, p99 = np.percentile(ratios, PERCENTILES)
        lines.append(
            f"| {name} | {len(ratios)} | {ratios.mean():.3f} | {p50:.2f} | {p95:.2f} | {p99:.2f} "
            f"| {joules[name]:.2f} |"
        )
    lines += [
        "",
        "On the real clock everything is sent, and the device computes on; in turns with it the "
        "same net runs on the device alone. The server, which stands for another machine, runs "
        "here with the least priority. From call to return, in milliseconds:",
        "",
        "| link | pairs | won by the device | raced p50 / p95 / p99 | alone p50 / p95 / p99 |",
        "|---|---:|---:|---|---|",
    ]
    for each in pairs:
        raced, alone = (
            " / ".join(f"{1e3 * value:.1f}" for value in np.percentile(taken, PERCENTILES))
            for taken in (each.raced_s, each.alone_s)
        )
        lines.append(
            f"| {each.link.name} | {len(each.raced_s)} | {each.won_share:.0%} | {raced} | {alone} |"
        )
    return "\n".join(lines)


def plot_race(over_clairvoyant: Mapping[str, np.ndarray], path: Path) -> None:
    """Draw the share of inferences that take longer, way by way."""
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(7, 4))
    for name, ratios in over_clairvoyant.items():
        ordered = np.sort(ratios)
        share = 1.0 - np.arange(len(ordered)) / len(ordered)
        axes.plot(ordered, share, label=name, drawstyle="steps-post")
    axes.set_yscale("log")
    axes.set_xscale("log")
    axes.set_xlabel("latency over the clairvoyant mean")
    axes.set_ylabel("share of inferences that take longer")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
