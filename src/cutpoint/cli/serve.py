"""``cutpoint serve``: run the tails of models for devices."""

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cutpoint.cli.chosen_model import chosen_models
from cutpoint.cli.input_file import read_inputs
from cutpoint.cli.model_options import CustomOpsOption, InputsOption, SizesOption, UntrustedOption
from cutpoint.cli.output import err, out
from cutpoint.graph import SERVER_ONLY
from cutpoint.server.edge_server import ServerSettings
from cutpoint.server.edge_server import serve as serve_models
from cutpoint.server.served_model import ServedModel
from cutpoint.units import format_duration


def serve(
    models: Annotated[list[Path], typer.Argument(help="ONNX files; each is served by its name.")],
    host: Annotated[str, typer.Option(help="Address to listen on; loopback only.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any free one.")] = 8001,
    workers: Annotated[int, typer.Option(min=1, help="Requests computed at once.")] = 1,
    max_waiting: Annotated[
        int | None, typer.Option(min=0, help="Requests that may wait (default: 2 per worker).")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads inside one operator (default: all).")
    ] = None,
    table: Annotated[
        list[Path] | None,
        typer.Option(help="Hold a model at the cuts of this table (see `cutpoint plan --table`)."),
    ] = None,
    size: SizesOption = None,
    inputs: InputsOption = None,
    custom_ops: CustomOpsOption = None,
    untrusted: UntrustedOption = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per event.")] = False,
) -> None:
    """
    Serve models, and everything behind each of their cuts, until Ctrl-C or SIGTERM.

    Speaks the Open Inference Protocol over gRPC, so any client of that protocol works.
    Ready only when every model is warm. Both sides must hold the same file. Sizes are
    those it warms and times with; requests may be of others.
    """
    if inputs is not None and len(models) > 1:
        raise typer.BadParameter("--input is of one model: serve the others by another command")
    example = None if inputs is None else read_inputs(inputs)
    chosen = chosen_models(models, size, example, is_untrusted=untrusted)
    settings = ServerSettings(
        host=host,
        port=port,
        num_workers=workers,
        max_waiting=max_waiting,
        num_threads=threads,
        tables=tuple(str(path) for path in table or ()),
        sizes={name: n for each in chosen for name, n in each.sizes.items()},
        example=example,
        custom_ops=tuple(str(library) for library in custom_ops or ()),
    )
    voice = _Voice(json)

    paths = [str(each.file.source) for each in chosen]
    asyncio.run(
        serve_models(
            paths,
            settings,
            on_listening=voice.listening,
            on_model=voice.model,
            on_ready=voice.ready,
        )
    )


class _Voice:
    """Tells what the server does, for people or for programs."""

    def __init__(self, json: bool) -> None:
        self._json = json

    def listening(self, address: str) -> None:
        self._say({"event": "listening", "address": address}, f"listening on {address}")

    def model(self, model: ServedModel) -> None:
        tails = [cut for cut in model.cuts if cut.id != SERVER_ONLY]
        whole_s = next(model.idle_s(cut) for cut in model.cuts if cut.id == SERVER_ONLY)
        event = {
            "event": "model",
            "name": model.name,
            "sha256": model.graph.sha256,
            "whole_s": whole_s,
            "tails": [model.served_name(cut) for cut in tails],
        }
        text = f"{model.name}: {format_duration(whole_s)} whole, {len(tails)} tails"
        self._say(event, text)

    def ready(self) -> None:
        self._say({"event": "ready"}, "ready")

    def _say(self, event: dict[str, object], text: str) -> None:
        if self._json:
            out.print(msgspec.json.encode(event).decode(), markup=False, soft_wrap=True)
        else:
            err.print(text, markup=False)
        out.file.flush()
