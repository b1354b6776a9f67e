"""``cutpoint plan``: the best placement per link, planners side by side, and plain words."""

import json
import sys
from collections.abc import Callable
from math import exp
from pathlib import Path

import onnx
import pytest

from cutpoint.cost import fit, predictor_to_json, read_cost_table, read_cut_table
from cutpoint.execution import ModelFile, load_graph
from cutpoint.planning import PLANNERS
from cutpoint.profiling import load_profile, measure, save_profile

HEAD_S, TAIL_S = 0.1, 1.0
"""What `slow_device` takes up to ``pool1``, and behind it."""

CSV = """name,device_s,server_s,output_bytes
input,,,600000
conv,0.1,0.01,50000
dense,1.0,0.1,40
"""
"""A split pays where the input is dear to send and the second layer dear to compute."""


@pytest.fixture(scope="module")
def measured(six_convs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a profile that the command wrote."""
    path = tmp_path_factory.mktemp("profiles") / "measured.json"
    save_profile(measure(load_graph(ModelFile.open(six_convs)), repeats=2), path)
    return path


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Give the file of a cost table typed in from a paper."""
    path = tmp_path / "published.csv"
    path.write_text(CSV)
    return path


def _document(told) -> dict:
    assert (told.code, told.err) == (0, "")
    return json.loads(told.out)


def _links(told) -> list[dict]:
    return _document(told)["links"]


def test_one_object_per_link_with_both_ends_beside(
    cutpoint, six_convs: Path, measured: Path
) -> None:
    """The parts add up to the latency, and the best is never worse than an end."""
    links = ("800kbit/s,20ms", "5Mbit/s, 20ms", "1Gbps,4ms,8Mbit/s")
    asked = [word for link in links for word in ("--link", link)]
    document = _document(cutpoint("plan", six_convs, "--device", measured, *asked, "--json"))
    assert document["model"] == "six_convs"
    assert [host["source"] for host in document["hosts"]] == [
        f"profile {measured}",
        "assumed 8 x as fast as the device",
    ]
    device_s, server_s = (host["whole_s"] for host in document["hosts"])
    assert device_s == pytest.approx(8 * server_s)
    rows = document["links"]
    assert [row["bandwidth_up_bytes_per_s"] for row in rows] == [100_000, 625_000, 125_000_000]
    assert [row["bandwidth_down_bytes_per_s"] for row in rows] == [100_000, 625_000, 1_000_000]
    assert [row["round_trip_s"] for row in rows] == [0.02, 0.02, 0.004]
    for row in rows:
        assert sum(row["parts"].values()) == pytest.approx(row["latency_s"])
        assert row["latency_s"] == row["value"] <= min(row["device_only_s"], row["server_only_s"])
        assert row["placement"] in ("device", "split", "server")
        assert bool(row["crossing"]) == (row["placement"] != "device")
        assert row["planners"] == []
    assert len({row["device_only_s"] for row in rows}) == 1
    assert rows[0]["server_only_s"] > rows[1]["server_only_s"] > rows[2]["server_only_s"]


def test_a_split_that_pays_is_found(cutpoint, six_convs: Path, slow_device: Path) -> None:
    """Where the input takes long to send and the rest long to compute, a cut between wins."""
    given = (six_convs, "--device", slow_device, "--server", "10x", "--link", "800kbit/s,20ms")
    (row,) = _links(cutpoint("plan", *given, "--json"))
    assert row["placement"] == "split"
    assert row["parts"]["head_s"] == pytest.approx(HEAD_S)
    assert row["parts"]["upload_s"] == pytest.approx(0.010 + row["sent_bytes"] / 100_000)
    assert row["parts"]["tail_s"] == pytest.approx(TAIL_S / 10)
    assert row["device_only_s"] == pytest.approx(HEAD_S + TAIL_S)
    better_end_s = min(row["device_only_s"], row["server_only_s"])
    assert row["saved_by_split"] == pytest.approx(1 - row["latency_s"] / better_end_s)
    told = cutpoint("plan", *given)
    assert told.code == 0
    assert f"cut at {row['crossing'][0]}" in told.out
    assert f"it saves up to {row['saved_by_split']:.0%}" in told.out
    queued = cutpoint("plan", *given, "--wait", "50ms")
    assert "150.0 ms" in queued.out  # in the queue, and then the tail
    assert "150.0 ms" not in told.out


def test_the_link_and_the_load_decide(cutpoint, six_convs: Path, slow_device: Path) -> None:
    """A dead slow link or a long queue: device-only; a fast link: server-only."""
    given = (six_convs, "--device", slow_device, "--server", "10x", "--json")
    rows = _links(cutpoint("plan", *given, "--link", "1kbit/s,10ms", "--link", "1Gbit/s,10ms"))
    assert [row["placement"] for row in rows] == ["device", "server"]
    assert [row["saved_by_split"] for row in rows] == [0, 0]
    fast = (*given, "--link", "1Gbit/s,10ms")
    (waiting,) = _links(cutpoint("plan", *fast, "--wait", "5s"))
    assert waiting["placement"] == "device"
    (free,), (loaded,) = (
        _links(cutpoint("plan", *fast)),
        _links(cutpoint("plan", *fast, "--load", 2)),
    )
    difference_s = loaded["server_only_s"] - free["server_only_s"]
    assert difference_s == pytest.approx((HEAD_S + TAIL_S) / 10)


def test_it_says_in_plain_words_that_splitting_does_not_pay(
    cutpoint, six_convs: Path, slow_device: Path
) -> None:
    """No table has to be read to learn that no cut is worth it; five links are asked about."""
    told = cutpoint("plan", six_convs, "--device", slow_device, "--server", "0.01x")
    assert told.code == 0
    assert "Splitting does not pay at any of these links" in told.out
    assert "Splitting pays" not in told.out
    assert told.out.count("device-only") >= 5


def test_the_device_is_timed_where_no_profile_is_given(cutpoint, six_convs: Path) -> None:
    """A note says so; for programs standard error stays empty."""
    told = cutpoint("plan", six_convs, "--link", "5Mbit/s,10ms")
    assert told.code == 0
    assert "timing the model here" in told.err
    assert "assumed 8 x as fast as the device" in told.out
    (row,) = _links(cutpoint("plan", six_convs, "--link", "5Mbit/s,10ms", "--json"))
    assert row["device_only_s"] > 0


def test_the_server_may_be_asked_or_known(
    cutpoint, served, six_convs: Path, slow_device: Path
) -> None:
    """A server tells its times itself; a profile of it may be given instead."""
    given = (six_convs, "--device", slow_device, "--link", "1Gbit/s,10ms")
    told = cutpoint("plan", *given, "--server", served.address)
    assert told.code == 0
    assert f"(server {served.address})" in told.out
    (asked,) = _links(cutpoint("plan", *given, "--server", served.address, "--json"))
    assert asked["placement"] == "server"
    (known,) = _links(cutpoint("plan", *given, "--server", slow_device, "--json"))
    assert known["placement"] == "device"
    assert known["server_only_s"] > HEAD_S + TAIL_S


def test_a_predictor_stands_for_a_host(
    cutpoint, six_convs: Path, measured: Path, tmp_path: Path
) -> None:
    """What was fitted on other models predicts this one, for either host."""
    graph = load_graph(ModelFile.open(six_convs))
    path = tmp_path / "predictor.json"
    path.write_bytes(predictor_to_json(fit([(graph, load_profile(measured))])))
    given = ("plan", six_convs, "--device", path, "--server", path, "--json")
    document = _document(cutpoint(*given))
    assert [host["source"] for host in document["hosts"]] == [f"predicted by {path}"] * 2
    assert document["hosts"][0]["whole_s"] == pytest.approx(document["hosts"][1]["whole_s"])


def test_published_times_are_planned_without_a_model(
    cutpoint, published: Path, tmp_path: Path
) -> None:
    """A table typed in from a paper is enough, and can be written down again."""
    saved = tmp_path / "saved.json"
    told = cutpoint(
        "plan", "--costs", published, "--link", "1Mbit/s,20ms", "--save-costs", saved, "--json"
    )
    (row,) = _links(told)
    assert (row["placement"], row["crossing"]) == ("split", ["conv"])
    assert row["latency_s"] == pytest.approx(0.1 + 0.02 + 0.4 + 0.1 + 40 / 125_000)
    assert read_cost_table(saved).blocks == ("conv", "dense")
    again = cutpoint("plan", "--costs", saved, "--link", "1Mbit/s,20ms", "--json")
    assert _links(again) == _links(told)


def test_the_table_serves_the_model_it_is_of(
    cutpoint, six_convs: Path, slow_device: Path, tmp_path: Path
) -> None:
    """The compiled table is read back for the graph, from profiles and from saved costs alike."""
    graph = load_graph(ModelFile.open(six_convs))
    given = ("plan", six_convs, "--device", slow_device)
    wrote = cutpoint(*given, "--table", tmp_path / "t.json", "--save-costs", tmp_path / "c.json")
    assert wrote.code == 0
    assert f"wrote {tmp_path / 't.json'}" in wrote.err
    table = read_cut_table(tmp_path / "t.json", graph)
    assert table.cuts[0].placement == "device"
    assert table.splits
    costs = ("plan", six_convs, "--costs", tmp_path / "c.json", "--table", tmp_path / "again.json")
    assert cutpoint(*costs).code == 0
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "t.json").read_bytes()


def test_all_planners_stand_side_by_side(cutpoint, published: Path) -> None:
    """Each has its cut, parts, promise and time; ours is never worse than a single cut's."""
    given = ("plan", "--costs", published, "--link", "1Mbit/s,20ms", "--planner", "all")
    (link,) = _links(cutpoint(*given, "--json"))
    rows = {row["planner"]: row for row in link["planners"]}
    assert set(rows) == set(PLANNERS)
    for name, row in rows.items():
        if row["status"] == "failed":
            assert row["error"], name
            continue
        assert sum(row["parts"].values()) == pytest.approx(row["latency_s"]), name
        assert row["decide_s"] > 0, name
        assert rows["cutpoint"]["latency_s"] <= row["latency_s"] * (1 + 1e-9), name
    assert rows["cutpoint"]["latency_s"] == pytest.approx(link["latency_s"])
    assert rows["cutpoint"]["is_promise_kept"]
    assert rows["cutpoint"]["frames_per_s"] == pytest.approx(1 / (0.01 + 0.4))
    assert rows["device-only"]["cut"] == "device-only"
    assert not rows["dads-light-printed"]["is_promise_kept"]
    told = cutpoint(*given)
    assert told.code == 0
    assert "planners at 1 Mbit/s, 20.0 ms" in told.out
    assert all(name in told.out for name in PLANNERS)


def test_a_planner_that_fails_says_so_in_its_row(
    cutpoint, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One planner's failure is no reason not to hear the others; schemes from outside take part."""
    (tmp_path / "strange_planners.py").write_text(
        "from cutpoint.planning.schemes.exhaustive import Exhaustive\n"
        "class Never(Exhaustive):\n    name = 'never'\n"
        "    def plan(self, problem):\n        raise KeyError('no idea')\n"
        "class Few(Exhaustive):\n    name = 'few'\n"
        "    def __init__(self):\n        super().__init__(max_cuts=2)\n"
        "class Boaster(Exhaustive):\n    name = 'boaster'\n"
        "    def plan(self, problem):\n        from dataclasses import replace\n"
        "        return replace(super().plan(problem), promised_s=0.001)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    named = [
        word
        for each in ("Never", "Few", "Boaster")
        for word in ("--planner", f"strange_planners:{each}")
    ]
    given = ("plan", "--costs", published, "--link", "1Mbit/s,20ms", *named)
    (link,) = _links(cutpoint(*given, "--planner", "cutpoint", "--json"))
    never, few, boaster, ours = link["planners"]
    assert (never["status"], never["error"]) == ("failed", "KeyError: 'no idea'")
    assert few["status"] == "failed"
    assert "over 2 cuts, too many to list" in few["error"]
    assert (boaster["is_promise_kept"], boaster["promised_s"]) == (False, 0.001)
    assert boaster["achieved_s"] == pytest.approx(ours["latency_s"])
    told = cutpoint(*given)
    assert told.code == 0
    assert "KeyError: 'no idea'" in told.out
    assert "few: 'published' has over 2 cuts, too many to list: use planner" in told.out
    sys.modules.pop("strange_planners")


def test_several_jobs_are_a_matter_for_planners_of_many(cutpoint, published: Path) -> None:
    """What JPS promises grows with the jobs; one inference's latency does not."""
    given = ("plan", "--costs", published, "--link", "1Mbit/s,20ms", "--planner", "jps", "--json")
    (one,) = _links(cutpoint(*given))[0]["planners"]
    (many,) = _links(cutpoint(*given, "--jobs", 10))[0]["planners"]
    assert one["goal"] == "jobs"
    assert many["promised_s"] > 4 * one["promised_s"]
    assert many["is_promise_kept"]


def test_a_second_server_stands_behind_the_first(
    cutpoint, six_convs: Path, slow_device: Path, tmp_path: Path
) -> None:
    """Three hosts: the planner that knows of them is shown, and what the third one saves."""
    given = ("plan", six_convs, "--device", slow_device, "--server", "2x", "--server", "100x")
    asked = (*given, "--link", "100Mbit/s,2ms", "--link-behind", "1Gbit/s,2ms")
    document = _document(cutpoint(*asked, "--json"))
    assert len(document["hosts"]) == 3
    ours, three = document["links"][0]["planners"]
    assert (ours["planner"], three["planner"]) == ("cutpoint", "three-tiers")
    assert max(three["placement"]) == 2
    assert three["latency_s"] < ours["latency_s"]
    assert three["frames_per_s"] is None
    told = cutpoint(*asked, "--plot", tmp_path / "three.png")
    assert "the server behind the server saves" in told.out
    assert (tmp_path / "three.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("limits", "placement"),
    [
        (("--never-send", "input"), "split"),
        (("--min-depth", 1), "split"),
        (("--never-send", "input", "--never-send", "conv"), "device"),
        (("--min-depth", 2), "device"),
    ],
)
def test_limits_are_kept(cutpoint, published: Path, limits: tuple, placement: str) -> None:
    """What must not be sent stays, though sending it would be soonest."""
    given = ("plan", "--costs", published, "--link", "1Gbit/s,2ms", "--planner", "cutpoint")
    (free,) = _links(cutpoint(*given, "--json"))
    assert free["placement"] == "server"
    (row,) = _links(cutpoint(*given, *limits, "--json"))
    assert (row["placement"], row["server_only_value"]) == (placement, None)
    assert row["planners"][0]["latency_s"] == pytest.approx(row["latency_s"])
    assert "not allowed" in cutpoint(*given, *limits).out


def test_memory_decides_as_well(cutpoint, six_convs: Path, slow_device: Path) -> None:
    """A device that cannot hold the weights sends; if no host can, nothing is possible."""
    given = ("plan", six_convs, "--device", slow_device, "--link", "1kbit/s,10ms")
    (free,) = _links(cutpoint(*given, "--json"))
    (small,) = _links(cutpoint(*given, "--device-memory", "2KB", "--json"))
    assert (free["placement"], small["device_only_value"]) == ("device", None)
    assert small["placement"] in ("split", "server")
    none = (*given, "--device-memory", "0B", "--server-memory", "0B")
    (row,) = _links(cutpoint(*none, "--json"))
    assert (row["placement"], row["cut"], row["latency_s"], row["parts"]) == (None,) * 4
    told = cutpoint(*none)
    assert told.code == 0
    assert "Nothing keeps the limits at 0.001 Mbit/s" in told.out


def test_only_a_split_may_be_allowed(cutpoint, published: Path) -> None:
    """Where neither end keeps a deadline and a split does, that is said."""
    given = ("plan", "--costs", published, "--link", "1Mbit/s,20ms")
    told = cutpoint(*given, "--objective", "deadline=0.7")
    assert "only a split will do: neither end keeps the deadline of 700.0 ms" in told.out
    late = cutpoint(*given, "--objective", "deadline=100ms")
    assert late.code == 0
    assert "Nothing keeps the deadline of 100.0 ms" in late.out
    assert "the soonest answer takes 620.3 ms" in late.out
    assert "too late" in late.out


def test_each_objective_has_its_own_best(cutpoint, published: Path, tmp_path: Path) -> None:
    """The value that was made small is told beside the latency, for both ends as well."""
    radio = tmp_path / "radio.json"
    radio.write_text(
        json.dumps(
            {"name": "radio", "compute_w": 1, "idle_w": 0, "send_w": 100, "receive_w": 0,
             "source": "made up"}
        )
    )  # fmt: skip
    given = ("plan", "--costs", published, "--link", "1Mbit/s,20ms", "--json")

    def best(*objective: object) -> dict:
        (row,) = _links(cutpoint(*given, *objective))
        return row

    assert best("--objective", "throughput")["value"] == pytest.approx(0.41)
    energy = best("--objective", "energy", "--power", radio)
    assert (energy["placement"], energy["value"]) == ("device", pytest.approx(1.1))
    wide, narrow = best("--objective", "p95"), best("--objective", "p95", "--spread", 0)
    factor = exp(1.6448536 * 0.3)
    assert narrow["value"] == pytest.approx(narrow["latency_s"])
    assert wide["value"] - 0.12 == pytest.approx(factor * (narrow["value"] - 0.12))
    for name in ("throughput", "energy", "p95"):
        assert cutpoint(*given[:-1], "--objective", name).code == 0


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_plot_is_a_picture(cutpoint, published: Path, tmp_path: Path, suffix: str) -> None:
    """One file, whatever the links."""
    path = tmp_path / f"plan.{suffix}"
    told = cutpoint("plan", "--costs", published, "--plot", path)
    assert told.code == 0
    assert path.read_bytes()[:4] in (b"\x89PNG", b"<?xm")
    assert f"wrote {path}" in told.err


def test_costs_of_another_model_are_refused(
    cutpoint, six_convs: Path, published: Path, slow_device: Path, tmp_path: Path,
    model_of: Callable[..., onnx.ModelProto],
) -> None:  # fmt: skip
    """Costs without a digest, and of another file, are not taken for this model's."""
    saved = tmp_path / "costs.json"
    cutpoint("plan", six_convs, "--device", slow_device, "--save-costs", saved)
    other = tmp_path / "other.onnx"
    other.write_bytes(model_of("(float[4] x) => (float[4] y) { y = Relu (x) }").SerializeToString())
    for model, costs in ((six_convs, published), (other, saved)):
        told = cutpoint("plan", model, "--costs", costs)
        assert told.code == 1
        assert told.err.startswith(f"error: CostError: cost table {costs} is of ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,device_s,server_s,output_bytes\ninput,,,10\na,-1,1,10\n", "device_s is '-1'"),
        ("name,device_s,server_s,output_bytes\ninput,,,10\na,nan,1,10\n", "device_s is 'nan'"),
        ("name,device_s,server_s,output_bytes\ninput,,,10\na,1,1,inf\n", "output_bytes is 'inf'"),
        ("name,device_s,server_s,output_bytes,after\ninput,,,1\na,1,1,1,b\nb,1,1,1,a\n", "circle"),
        ("name,device_s,server_s,output_bytes\n", "cost table"),
        ("", "cost table"),
    ],
    ids=["negative", "nan", "infinite", "cyclic", "no layers", "empty"],
)
def test_costs_that_are_none_are_refused(cutpoint, tmp_path: Path, text: str, words: str) -> None:
    """One line of a typed error, that names what was wrong."""
    path = tmp_path / "wrong.csv"
    path.write_text(text)
    told = cutpoint("plan", "--costs", path)
    assert (told.code, told.out) == (1, "")
    (line,) = told.err.strip().splitlines()
    assert line.startswith("error: CostError: ")
    assert words in line


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("--load inf", "CostError: a server with a wait of 0.0 s and load factor inf"),
        ("--load nan", "CostError: a server with"),
        ("--load -1", "CostError: a server with"),
        ("--spread nan --objective p95", "CostError: spread nan"),
        ("--min-depth -1", "CostError: a limit is negative"),
        ("--device-memory 200", "UnitError: size '200': write a number and a unit"),
        ("--planner fastest", "PlannerError: no planner 'fastest': take one of"),
        ("--planner nowhere:Class", "PlannerError: planner 'nowhere:Class' cannot be made"),
        ("--planner pathlib:Path", "PlannerError: 'pathlib:Path' is no planner"),
        ("--objective speed", "PlannerError: no objective 'speed': take one of latency"),
        ("--power nuclear", "PlannerError: no power profile 'nuclear'"),
        ("--never-send nothing", "CostError: 'nothing' is no value between blocks of"),
        ("--link 5Mbit/s", "UnitError: link '5Mbit/s': write BANDWIDTH,ROUND_TRIP"),
        ("--link 5,20ms", "UnitError: bandwidth '5'"),
        ("--link 5Mbit/s,20", "UnitError: duration '20'"),
        ("--link 0Mbit/s,20ms", "UnitError: bandwidth '0Mbit/s': nothing comes through"),
        ("--link 5Mbit/s,20ms,0Mbit/s", "UnitError: bandwidth '0Mbit/s'"),
        ("--link 5Mbit/s,20ms,1Mbit/s,1s", "UnitError: link"),
        ("--link-behind fast", "UnitError: link 'fast'"),
        ("--save-costs {folder}/x.txt", "CostError: cost table {folder}/x.txt: its layout"),
        ("--save-costs {folder}/no/x.json", "CostError: cost table {folder}/no/x.json cannot be"),
        ("--plot {folder}/no/x.png", "FileNotFoundError: "),
    ],
)
def test_bad_words_are_one_line(
    cutpoint, published: Path, tmp_path: Path, arguments: str, error: str
) -> None:
    """A typed error names what was wrong; exit code 1, nothing on standard output."""
    told = cutpoint("plan", "--costs", published, *arguments.format(folder=tmp_path).split())
    assert (told.code, told.out) == (1, "")
    assert told.err.strip().splitlines()[-1].startswith(f"error: {error.format(folder=tmp_path)}")
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    "arguments",
    [
        "", "--costs {costs} --device {costs}", "--costs {costs} --server 8x",
        "--costs {costs} --table x.json", "--costs {costs} --jobs 0",
        "--costs {costs} --plot x.txt", "{model} --server 2x --server 3x --server 4x",
    ],
)  # fmt: skip
def test_a_wrong_call_is_a_usage_error(
    cutpoint, six_convs: Path, published: Path, arguments: str
) -> None:
    """Words that do not go together end with code 2 before anything is measured."""
    told = cutpoint("plan", *arguments.format(costs=published, model=six_convs).split())
    assert told.code == 2
    assert "Usage: " in told.err
    assert told.out == ""


def test_no_table_is_written_that_a_deployment_would_break(
    cutpoint, six_convs: Path, slow_device: Path, tmp_path: Path
) -> None:
    """A session holds the whole model: a memory cap and a table do not go together."""
    given = ("plan", six_convs, "--device", slow_device, "--device-memory", "1kB")
    told = cutpoint(*given, "--table", tmp_path / "t.json")
    assert (told.code, (tmp_path / "t.json").exists()) == (1, False)
    assert "no table is written" in told.err
    assert cutpoint(*given).code == 0
