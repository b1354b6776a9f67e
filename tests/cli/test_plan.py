"""``cutpoint plan``: the best placement per bandwidth, and plain words on whether it pays."""

import json
from pathlib import Path

import pytest

from cutpoint.execution import ModelFile, load_graph
from cutpoint.graph import cut_at, segments_of
from cutpoint.profiling import measure, save_profile
from cutpoint.records import FORMAT_VERSION, Environment, Profile, Sample

HEAD_S, TAIL_S = 0.1, 1.0
"""What the made-up device takes up to ``pool1``, and behind it."""


@pytest.fixture(scope="module")
def measured(six_convs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a profile that the command wrote."""
    path = tmp_path_factory.mktemp("profiles") / "measured.json"
    save_profile(measure(load_graph(ModelFile.open(six_convs)), repeats=2), path)
    return path


@pytest.fixture(scope="module")
def slow_device(six_convs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the profile of a device that is slow behind ``pool1``, where little is sent."""
    graph = load_graph(ModelFile.open(six_convs))
    head, tail = segments_of(graph, [cut_at(graph, ["pool1"])])
    profile = Profile(
        format_version=FORMAT_VERSION,
        model_sha256=graph.sha256,
        model_name=graph.name,
        host="pi",
        environment=Environment("1.20", ("CPUExecutionProvider",), 1, "slow", 4, None, True),
        cuts=(("pool1",),),
        samples=(
            Sample("whole", "", HEAD_S + TAIL_S),
            Sample("segment", head.id, HEAD_S),
            Sample("segment", tail.id, TAIL_S),
        ),
        contention=1.0,
    )
    path = tmp_path_factory.mktemp("profiles") / "slow.json"
    save_profile(profile, path)
    return path


def _plans(told) -> list[dict]:
    assert (told.code, told.err) == (0, "")
    return json.loads(told.out)


def test_one_object_per_bandwidth_with_both_ends_beside(
    cutpoint, six_convs: Path, measured: Path
) -> None:
    """The parts add up to the latency, and the best is never worse than an end."""
    told = cutpoint(
        "plan",
        six_convs,
        "--profile",
        measured,
        "--bandwidth",
        "800kbit/s,5Mbit/s, 1Gbps",
        "--json",
    )
    rows = _plans(told)
    assert [row["bandwidth_bytes_per_s"] for row in rows] == [100_000, 625_000, 125_000_000]
    for row in rows:
        assert sum(row["parts"].values()) == pytest.approx(row["latency_s"])
        assert row["latency_s"] <= row["device_only_s"]
        assert row["latency_s"] <= row["server_only_s"]
        assert row["placement"] in ("device", "split", "server")
        assert bool(row["crossing"]) == (row["placement"] != "device")
    assert len({row["device_only_s"] for row in rows}) == 1
    assert rows[0]["server_only_s"] > rows[1]["server_only_s"] > rows[2]["server_only_s"]


def test_a_split_that_pays_is_found(cutpoint, six_convs: Path, slow_device: Path) -> None:
    """Where the input takes long to send and the rest long to compute, the cut between wins."""
    given = (six_convs, "--profile", slow_device, "--server-speed", 10, "--rtt", "20ms")
    (row,) = _plans(cutpoint("plan", *given, "--bandwidth", "800kbit/s", "--json"))
    assert (row["placement"], row["crossing"]) == ("split", ["pool1"])
    up_s, returned_s = 8 * 16 * 16 * 4 / 100_000, 8 * 4 / 100_000
    assert row["parts"]["head_s"] == pytest.approx(HEAD_S)
    assert row["parts"]["upload_s"] == pytest.approx(0.010 + up_s)
    assert row["parts"]["tail_s"] == pytest.approx(TAIL_S / 10)
    assert row["parts"]["download_s"] == pytest.approx(0.010 + returned_s)
    assert row["device_only_s"] == pytest.approx(HEAD_S + TAIL_S)
    better_end_s = min(row["device_only_s"], row["server_only_s"])
    assert row["saved_by_split"] == pytest.approx(1 - row["latency_s"] / better_end_s)
    told = cutpoint("plan", *given, "--bandwidth", "800kbit/s")
    assert told.code == 0
    assert "cut at pool1 (8.2 KB)" in told.out
    assert f"it saves up to {row['saved_by_split']:.0%}" in told.out
    queued = cutpoint("plan", *given, "--bandwidth", "800kbit/s", "--wait", "50ms")
    assert "150.0 ms" in queued.out  # in the queue, and then the tail
    assert "150.0 ms" not in told.out


def test_the_link_and_the_load_decide(cutpoint, six_convs: Path, slow_device: Path) -> None:
    """A dead slow link or a long queue: device-only; a fast link: server-only."""
    given = (six_convs, "--profile", slow_device, "--server-speed", 10, "--json")
    rows = _plans(cutpoint("plan", *given, "--bandwidth", "1kbit/s,1Gbit/s"))
    assert [row["placement"] for row in rows] == ["device", "server"]
    assert [row["saved_by_split"] for row in rows] == [0, 0]
    (waiting,) = _plans(cutpoint("plan", *given, "--bandwidth", "1Gbit/s", "--wait", "5s"))
    assert waiting["placement"] == "device"
    (free,) = _plans(cutpoint("plan", *given, "--bandwidth", "1Gbit/s"))
    (loaded,) = _plans(cutpoint("plan", *given, "--bandwidth", "1Gbit/s", "--load", 2))
    difference_s = loaded["server_only_s"] - free["server_only_s"]
    assert difference_s == pytest.approx((HEAD_S + TAIL_S) / 10)


def test_it_says_in_plain_words_that_splitting_does_not_pay(
    cutpoint, six_convs: Path, slow_device: Path
) -> None:
    """No table has to be read to learn that no cut is worth it."""
    told = cutpoint("plan", six_convs, "--profile", slow_device, "--server-speed", 0.01)
    assert told.code == 0
    assert "Splitting does not pay at any of these bandwidths" in told.out
    assert "Splitting pays" not in told.out
    assert told.out.count("device-only") >= 5


def test_the_device_is_timed_where_no_profile_is_given(cutpoint, six_convs: Path) -> None:
    """A note says so; for programs standard error stays empty."""
    told = cutpoint("plan", six_convs, "--bandwidth", "5Mbit/s")
    assert told.code == 0
    assert "timing the model here" in told.err
    assert "assumed 8 x as fast as the device" in told.out
    (row,) = _plans(cutpoint("plan", six_convs, "--bandwidth", "5Mbit/s", "--json"))
    assert row["device_only_s"] > 0


def test_the_server_may_be_asked_or_known(
    cutpoint, served, six_convs: Path, slow_device: Path, tmp_path: Path
) -> None:
    """A server tells its times itself; a profile of it may be given instead."""
    given = (six_convs, "--profile", slow_device, "--bandwidth", "1Gbit/s")
    told = cutpoint("plan", *given, "--server", served.address)
    assert told.code == 0
    assert f"(server {served.address})" in told.out
    (asked,) = _plans(cutpoint("plan", *given, "--server", served.address, "--json"))
    assert asked["placement"] == "server"
    (known,) = _plans(cutpoint("plan", *given, "--server-profile", slow_device, "--json"))
    assert known["placement"] == "device"
    assert known["server_only_s"] > HEAD_S + TAIL_S
