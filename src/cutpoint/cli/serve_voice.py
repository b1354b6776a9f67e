"""What ``cutpoint serve`` says while it runs, for people or for programs."""

import msgspec

from cutpoint.cli.output import err, out
from cutpoint.graph import SERVER_ONLY
from cutpoint.server.lifecycle import Voice
from cutpoint.server.model_store import StoreEvent
from cutpoint.server.served_model import ServedModel
from cutpoint.units import format_duration


def voice_of(*, as_json: bool, uses_tls: bool = False) -> Voice:
    """
    Give who tells, in JSON on standard output or in words on standard error.

    Parameters
    ----------
    as_json
        Whether programs read it.
    uses_tls
        Whether metrics are shown over TLS, as inference is.
    """
    speaker = _Speaker(as_json, "https" if uses_tls else "http")
    return Voice(speaker.listening, speaker.model, speaker.ready, speaker.metrics)


class _Speaker:
    def __init__(self, as_json: bool, scheme: str) -> None:
        self._as_json = as_json
        self._scheme = scheme

    def listening(self, address: str) -> None:
        self._say({"event": "listening", "address": address}, f"listening on {address}")

    def metrics(self, address: str) -> None:
        text = f"metrics on {self._scheme}://{address}/metrics"
        self._say({"event": "metrics", "address": address}, text)

    def ready(self) -> None:
        self._say({"event": "ready"}, "ready")

    def model(self, event: StoreEvent) -> None:
        if event.model is not None:
            self._say(*_of_model(event.model, is_first=event.is_first))
        elif event.kind == "failed":
            told = {"event": "failed", "name": event.name, "version": event.version}
            text = f"{event.name} version {event.version} could not be loaded: {event.reason}"
            self._say({**told, "reason": event.reason}, text)
        else:
            self._say({"event": "withdrawn", "name": event.name}, f"{event.name}: withdrawn")

    def _say(self, event: dict[str, object], text: str) -> None:
        if self._as_json:
            out.print(msgspec.json.encode(event).decode(), markup=False, soft_wrap=True)
        else:
            # What ONNX Runtime says of a model, which some events quote, is of several lines.
            err.print(" ".join(text.split()), markup=False, soft_wrap=True)
        out.file.flush()


def _of_model(model: ServedModel, *, is_first: bool) -> tuple[dict[str, object], str]:
    tails = [cut for cut in model.cuts if cut.id != SERVER_ONLY]
    whole_s = next(model.idle_s(cut) for cut in model.cuts if cut.id == SERVER_ONLY)
    event = {
        "event": "model",
        "name": model.name,
        "version": model.version,
        "sha256": model.graph.sha256,
        "whole_s": whole_s,
        "tails": [model.served_name(cut) for cut in tails],
    }
    version = f" version {model.version}" if model.version > 1 or not is_first else ""
    text = f"{model.name}{version}: {format_duration(whole_s)} whole, {len(tails)} tails"
    return event, text
