"""Monitoring: what a server shows, what is written about it, and what asks for it agree."""

import importlib.util
import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.server.in_process import InProcess, Loop

from cutpoint.wire.channel import open_channel
from cutpoint.wire.protocol import messages, services

DOCS = Path(__file__).parent.parent / "docs"
DASHBOARD = DOCS / "grafana/cutpoint.json"
NAME = re.compile(r"\b(?:cutpoint|process)_\w+")


@pytest.fixture(scope="module")
def families(six_convs: Path) -> Iterator[dict[str, Any]]:
    """Give what a real server shows after an answer, by name."""
    loop = Loop()
    served = InProcess(loop, [str(six_convs)], num_threads=1)
    try:
        request = messages.ModelInferRequest(model_name="six_convs")
        request.inputs.add(name="image", datatype="FP32", shape=(1, 3, 64, 64))
        request.raw_input_contents.append(np.zeros((1, 3, 64, 64), np.float32).tobytes())
        with open_channel(served.address) as channel:
            services.GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=60)
        with urllib.request.urlopen(f"http://{served.metrics_address}/metrics") as page:
            text = page.read().decode()
        yield {each.name: each for each in text_string_to_metric_families(text)}
    finally:
        served.close()
        loop.close()


def shown_names(families: dict[str, Any]) -> set[str]:
    """Give every name of a sample that the server shows."""
    return {sample.name for family in families.values() for sample in family.samples}


def test_the_reference_lists_what_a_server_shows(families: dict[str, Any]) -> None:
    """Every metric is in the reference with its type and labels, and nothing else is."""
    text = (DOCS / "reference/metrics.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) ?\| .+ \|$", text, re.MULTILINE)
    told = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    shown = {}
    for name, family in families.items():
        full = f"{name}_total" if family.type == "counter" else name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        shown[full] = (family.type, labels)
    assert told.keys() == shown.keys()
    for name, (kind, labels) in shown.items():
        assert told[name][0] == kind, name
        assert labels <= told[name][1], name
        assert labels == told[name][1] or not families[name.removesuffix("_total")].samples, name


def test_the_dashboard_is_what_its_script_makes() -> None:
    """The file and `docs/make_dashboard.py` are in step."""
    spec = importlib.util.spec_from_file_location("make_dashboard", DOCS / "make_dashboard.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert DASHBOARD.read_text() == module.text()


def test_the_dashboard_asks_for_metrics_that_are_shown(families: dict[str, Any]) -> None:
    """Every metric in every query is one that a real server shows, with labels it has."""
    queries = [
        target["expr"]
        for panel in json.loads(DASHBOARD.read_text())["panels"]
        for target in panel.get("targets", [])
    ]
    assert len(queries) > 25
    shown = shown_names(families) | {f"{name}_total" for name in families}
    # Gauges of a model appear with its first answer; all of them are asked for.
    assert {name for query in queries for name in NAME.findall(query)} <= shown
    asked = {name for query in queries for name in NAME.findall(query)}
    of_ours = {name for name in shown_names(families) if name.startswith("cutpoint_")}
    parts = ("_sum", "_count", "_bucket")
    assert {name for name in of_ours if not name.endswith(parts)} <= asked


def test_the_dashboard_can_be_imported() -> None:
    """It has a source to choose, panels with numbers of their own, none on top of another."""
    dashboard = json.loads(DASHBOARD.read_text())
    variables = {each["name"]: each["type"] for each in dashboard["templating"]["list"]}
    assert variables["datasource"] == "datasource"
    assert {"job", "instance", "model"} < variables.keys()
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        taken |= cells
        for target in panel.get("targets", []):
            expression = target["expr"]
            assert target["datasource"]["uid"] == "${datasource}"
            for opened, closed in ("()", "{}", "[]"):
                assert expression.count(opened) == expression.count(closed)


def test_alerts_ask_for_metrics_that_are_shown(families: dict[str, Any]) -> None:
    """What the guide's rules name is what a server shows."""
    guide = (DOCS / "guides/monitoring.md").read_text()
    rules = re.findall(r"^ +expr: (.+)$", guide, re.MULTILINE)
    assert len(rules) >= 5
    assert {name for rule in rules for name in NAME.findall(rule)} <= shown_names(families)


def test_the_guides_device_is_watched(
    six_convs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guide's lines run, and every inference is in the histogram."""
    monkeypatch.chdir(tmp_path)
    Path("model.onnx").write_bytes(six_convs.read_bytes())
    guide = (DOCS / "guides/monitoring.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    pages = []
    monkeypatch.setattr(
        "prometheus_client.start_http_server", lambda port, host: pages.append((port, host))
    )
    known: dict[str, Any] = {}
    exec(compile(block, "monitoring.md", "exec"), known)
    with known["session"] as session:
        for _ in range(3):
            session.run(None, {"image": np.zeros((1, 3, 64, 64), np.float32)})
    counted = known["LATENCY"].labels("device")._sum.get()
    assert pages == [(9200, "127.0.0.1")]
    assert counted > 0
