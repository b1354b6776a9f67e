"""``cutpoint run`` and ``cutpoint serve``: with a server, without, and until they are stopped."""

import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.certificates import Authority

from cutpoint.cli.run import status_line
from cutpoint.exceptions import ConnectError
from cutpoint.lab.server_process import ServerProcess
from cutpoint.records import InferenceRecord, RaceRun
from cutpoint.wire.channel import open_channel
from cutpoint.wire.protocol import messages, services

PROGRAM = (sys.executable, "-m", "cutpoint.cli.main")


def _records(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_without_a_server_the_device_runs_alone_and_says_why(
    cutpoint, six_convs: Path, tmp_path: Path
) -> None:
    """Every inference is answered; each record has the reason, and is written as it is printed."""
    path = tmp_path / "records.jsonl"
    told = cutpoint(
        "run", six_convs, "--server", "127.0.0.1:1", "-n", 3, "--records", path, "--json"
    )
    assert told.code == 0
    records = _records(told.out)
    assert [record["request"] for record in records] == [1, 2, 3]
    assert {record["placement"] for record in records} == {"device"}
    assert all("127.0.0.1:1 cannot be reached" in r["fallback_reason"] for r in records)
    assert all(record["measured"]["head_s"] > 0 for record in records)
    assert _records(path.read_text()) == records
    assert "is it running? The device computes alone until then." in told.err


def test_what_is_noted_is_sentences(cutpoint, served, six_convs: Path, tmp_path: Path) -> None:
    """A reason that ends without a stop does not run into what follows."""
    authority = Authority(tmp_path, "ours").ca
    told = cutpoint("run", six_convs, "--server", served.address, "--tls-ca", authority, "-n", 1)
    told_once = " ".join(told.err.split())
    assert re.search(r"not speak TLS.*\)\. The device computes alone until then\.", told_once)


@pytest.mark.parametrize(("policy", "placement"), [("server", "server"), ("pool1", "split")])
def test_with_a_server_it_offloads(
    cutpoint, served, six_convs: Path, policy: str, placement: str
) -> None:
    """Answers come from where the policy says, and bytes were sent for them."""
    told = cutpoint(
        "run", six_convs, "--server", served.address, "-n", 10, "--policy", policy, "--json"
    )
    assert told.code == 0
    records = _records(told.out)
    assert len(records) == 10
    assert {record["planned"] for record in records} == {placement}
    offloaded = [record for record in records if record["placement"] == placement]
    assert offloaded
    sent_bytes = {"server": 49_152, "split": 8_192}[placement]
    for record in offloaded:
        assert (record["server"], record["fallback_reason"]) == (served.address, None)
        assert record["sent_bytes"] == sent_bytes
        assert record["measured"]["tail_s"] > 0


def test_the_default_policy_runs_with_a_profile_and_inputs(
    cutpoint, served, six_convs: Path, tmp_path: Path
) -> None:
    """A profile and arrays from files are used; people get a table of where it ran."""
    cutpoint("profile", six_convs, "-o", tmp_path / "p.json", "--repeats", 2)
    np.savez(tmp_path / "in.npz", image=np.zeros((1, 3, 64, 64), np.float32))
    told = cutpoint(
        "run", six_convs, "--server", served.address, "-n", 5,
        "--profile", tmp_path / "p.json", "--input", tmp_path / "in.npz",
    )  # fmt: skip
    assert told.code == 0
    assert "where it ran" in told.out
    rows = [line.split("│") for line in told.out.splitlines() if "│" in line]
    counts = {cells[0].strip(): int(cells[1]) for cells in rows}
    assert sum(counts.values()) == 5
    assert set(counts) <= {"device", "split", "server"}


def test_it_runs_until_it_is_interrupted(served, six_convs: Path, tmp_path: Path) -> None:
    """With a count of zero it goes on until Ctrl-C, then ends well with whole records."""
    command = [*PROGRAM, "run", str(six_convs), "--server", served.address, "-n", "0", "--json"]
    with (
        (tmp_path / "err").open("wb") as err,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, text=True) as process,
    ):
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(30) == 0
    records = _records("".join(first) + rest)
    assert [record["request"] for record in records] == list(range(1, len(records) + 1))
    assert "Traceback" not in (tmp_path / "err").read_text()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_server_tells_its_events_and_ends_on_a_signal(
    six_convs: Path, tmp_path: Path, how: signal.Signals
) -> None:
    """Listening, each model, ready: one object a line; then it serves until it is told to end."""
    command = [*PROGRAM, "serve", str(six_convs), "--port", "0", "--threads", "1", "--json"]
    events: list[dict] = []
    with (
        (tmp_path / "err").open("wb") as err,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, text=True) as process,
    ):
        assert process.stdout is not None
        while not events or events[-1]["event"] != "ready":
            line = process.stdout.readline()
            assert line, "the server ended before it was ready"
            events.append(json.loads(line))
        with open_channel(events[0]["address"]) as channel:
            stub = services.GRPCInferenceServiceStub(channel)
            assert stub.ServerReady(messages.ServerReadyRequest(), timeout=10).ready
        process.send_signal(how)
        assert process.stdout.read() == ""
        assert process.wait(30) == 0
    assert [event["event"] for event in events] == ["listening", "model", "ready"]
    listening, model, _ = events
    assert listening["address"].startswith("127.0.0.1:")
    assert model["name"] == "six_convs"
    assert model["whole_s"] > 0
    assert len(model["tails"]) == 5
    assert all(tail.startswith(f"six_convs.{model['sha256'][:12]}.") for tail in model["tails"])
    assert "Traceback" not in (tmp_path / "err").read_text()


def test_a_server_process_that_cannot_start_leaves_nothing(tmp_path: Path) -> None:
    """Its end is told as an error; process and pipes are gone, though the block was not entered."""
    server = ServerProcess([str(tmp_path / "missing.onnx")])
    with pytest.raises(ConnectError, match="ended with code 1"), server:
        pytest.fail("it cannot be ready")
    assert server._process is None


@pytest.mark.parametrize("how", ["--calibrate", "--calibration"])
def test_values_travel_by_the_codec_that_is_asked_for(
    cutpoint, served, six_convs: Path, tmp_path: Path, how: str
) -> None:
    """Within the tolerance, calibrated at the start or before; the record names codec and error."""
    (tmp_path / "data").mkdir()
    images = np.random.default_rng(0).random((8, 3, 64, 64), np.float32)
    np.save(tmp_path / "data" / "images.npy", images)
    np.savez(tmp_path / "in.npz", image=images[:1])
    given = tmp_path / "data"
    if how == "--calibration":
        given = tmp_path / "c.json"
        made = cutpoint(
            "calibrate", six_convs, "--data", tmp_path / "data", "-o", given, "--codec", "uint8"
        )
        assert made.code == 0, made.err
    told = cutpoint(
        "run", six_convs, "--server", served.address, "-n", 5, "--policy", "server@uint8",
        "--codec", "uint8", "--tolerance", "l2:0.05", how, given, "--check-rate", 1,
        "--input", tmp_path / "in.npz", "--slowdown", 20, "--json",
    )  # fmt: skip
    assert told.code == 0, told.err
    records = [each for each in _records(told.out) if each["placement"] == "server"]
    assert records
    for record in records:
        assert record["codecs"] == ["uint8"]
        assert 0 < record["calibrated_error"] <= 0.05
        assert record["sent_bytes"] < 49_152 / 3.9


def test_the_line_names_the_codec(cutpoint, served, six_convs: Path) -> None:
    """What travels as it is needs no name; nor does what the device computed."""
    told = cutpoint(
        "run", six_convs, "--server", served.address, "-n", 1, "--policy", "server", "--json"
    )
    record = msgspec.json.decode(told.out, type=InferenceRecord)
    raw = replace(record, placement="server", crossing=("image",), codecs=("raw",))
    assert " as " not in status_line(raw)
    split = replace(raw, placement="split", crossing=("a", "b"), codecs=("raw", "uint8+zstd"))
    assert "split at a, b as uint8+zstd" in status_line(split)
    assert "server as jpeg:90" in status_line(replace(raw, codecs=("jpeg:90",)))
    assert " as " not in status_line(replace(split, placement="device"))


def test_races_are_told(cutpoint, served, six_convs: Path, tmp_path: Path) -> None:
    """How many there were and how many the device won, and in the line whether this was one."""
    told = cutpoint(
        "run", six_convs, "--server", served.address, "-n", 4, "--policy", "server",
        "--hedge", "always", "--slowdown", 20, "--records", tmp_path / "records",
    )  # fmt: skip
    assert told.code == 0, told.err
    assert re.search(r"[1-4] raced; the device was first in [0-4]", told.out)
    lines = (tmp_path / "records").read_bytes().splitlines()
    records = [msgspec.json.decode(line, type=InferenceRecord) for line in lines]
    raced = next(record for record in records if record.race is not None)
    assert "first in a race" in status_line(replace(raced, race=RaceRun(0.1, is_won=True)))
    assert "raced" in status_line(replace(raced, race=RaceRun(0.1, is_won=False)))
    assert "race" not in status_line(replace(raced, race=None))


def test_a_way_to_hedge_that_is_none_is_refused(cutpoint, six_convs: Path) -> None:
    """Naming those that there are."""
    told = cutpoint("run", six_convs, "--server", "127.0.0.1:1", "--hedge", "sometimes")
    assert told.code != 0
    assert "off, auto, always" in " ".join(told.err.split())


def test_a_tolerance_needs_something_to_calibrate_with(cutpoint, six_convs: Path) -> None:
    """One line says what to give."""
    told = cutpoint("run", six_convs, "--server", "127.0.0.1:1", "--tolerance", "l2:0.1")
    assert told.code == 1
    assert "give a folder or feeds (calibrate=, --calibrate)" in " ".join(told.err.split())
