"""``cutpoint serve``: run the tails of models for devices."""

import asyncio
import os
import sys
from functools import partial
from pathlib import Path

import typer

from cutpoint.cli import serve_options as options
from cutpoint.cli.chosen_model import ChosenModel, chosen_models
from cutpoint.cli.configuration import place_of
from cutpoint.cli.configuration_report import print_configuration
from cutpoint.cli.input_file import read_inputs
from cutpoint.cli.serve_settings import (
    Place,
    batching_of,
    check_input,
    check_ports,
    checked_folder,
    codecs_of,
    limits_of,
    security_of,
    size_of,
)
from cutpoint.cli.serve_voice import voice_of
from cutpoint.cli.sizes import parse_sizes
from cutpoint.graph import Arrays
from cutpoint.server.door import ServerLimits, check_is_guarded
from cutpoint.server.lifecycle import serve as serve_models
from cutpoint.server.scratch import Scratch
from cutpoint.server.settings import ServerSettings


def serve(
    ctx: typer.Context,
    models: options.ModelsArgument = None,
    config: options.ConfigOption = None,
    check: options.CheckOption = False,
    repository: options.RepositoryOption = None,
    poll: options.PollOption = None,
    table: options.TableOption = None,
    size: options.SizeOption = None,
    inputs: options.InputOption = None,
    custom_ops: options.CustomOpsOption = None,
    untrusted: options.UntrustedOption = False,
    cache: options.CacheOption = None,
    host: options.HostOption = "127.0.0.1",
    port: options.PortOption = 8001,
    metrics_port: options.MetricsPortOption = None,
    metrics_host: options.MetricsHostOption = "127.0.0.1",
    drain: options.DrainOption = 5.0,
    workers: options.WorkersOption = 1,
    max_waiting: options.MaxWaitingOption = None,
    threads: options.ThreadsOption = None,
    max_batch: options.MaxBatchOption = 8,
    batching: options.BatchingOption = "segments",
    codecs: options.CodecsOption = None,
    memory: options.MemoryOption = None,
    tls_cert: options.TlsCertOption = None,
    tls_key: options.TlsKeyOption = None,
    tls_client_ca: options.TlsClientCaOption = None,
    token_file: options.TokenFileOption = None,
    insecure: options.InsecureOption = False,
    max_message: options.MaxMessageOption = "64MiB",
    max_metadata: options.MaxMetadataOption = "16KiB",
    max_connections: options.MaxConnectionsOption = ServerLimits.max_connections,
    max_streams: options.MaxStreamsOption = ServerLimits.max_streams,
    idle_timeout: options.IdleOption = 300.0,
    stall_timeout: options.StalledOption = 30.0,
    json: options.JsonOption = False,
) -> None:
    """
    Serve models, and everything behind each of their cuts, until Ctrl-C or SIGTERM.

    Speaks the Open Inference Protocol over gRPC, so any client of that protocol works.
    Ready only when every model is warm. Both sides must hold the same file. Sizes are
    those it warms and times with; requests may be of others.

    A flag wins over the variable CUTPOINT_SERVE_<OPTION>, and that over --config.
    """
    place: Place = partial(place_of, ctx)
    paths = tuple(models or ())
    if not paths and repository is None:
        raise typer.BadParameter("name a model file, or give --repository DIR", param_hint="MODELS")
    check_input(paths, repository, inputs, place)
    check_ports(host, port, metrics_host, metrics_port, place)
    example = None if inputs is None else read_inputs(inputs)
    settings = ServerSettings(
        host=host,
        port=port,
        num_workers=workers,
        max_waiting=max_waiting,
        num_threads=threads,
        drain_s=drain,
        tables=tuple(str(path) for path in table or ()),
        sizes=parse_sizes(size or ()),
        example=example,
        custom_ops=tuple(str(library) for library in custom_ops or ()),
        trusted=not untrusted,
        repository=checked_folder("repository", repository, place),
        poll_s=poll,
        max_batch=max_batch,
        batching=batching_of(batching, place),
        codecs=None if codecs is None else codecs_of(codecs, place),
        metrics_port=metrics_port,
        metrics_host=metrics_host,
        memory_bytes=None if memory is None else size_of("memory", memory, place),
        cache=None if cache is None else str(cache),
        security=security_of(tls_cert, tls_key, tls_client_ca, token_file, place),
        insecure=insecure,
        limits=limits_of(
            max_message,
            max_metadata,
            max_connections,
            max_streams,
            idle_timeout,
            stall_timeout,
            place,
        ),
    )
    check_is_guarded(host, settings.security, insecure=insecure)
    if metrics_port is not None:
        check_is_guarded(metrics_host, settings.security, insecure=insecure, what="show metrics")
    if check:
        print_configuration(ctx, as_json=json)
        return
    with Scratch() as scratch:
        chosen = _chosen(paths, size, example, settings)
        _run(chosen, settings, scratch, as_json=json)


def _chosen(
    paths: tuple[Path, ...],
    size: list[str] | None,
    example: Arrays | None,
    settings: ServerSettings,
) -> dict[str, ChosenModel]:
    """Look at the files that are named, before a port is taken; by their paths."""
    # Sizes may be of the repository's models, which are looked at when they are loaded.
    chosen = chosen_models(
        paths, size, example, is_untrusted=not settings.trusted, are_all=settings.repository is None
    )
    return {str(path): each for path, each in zip(paths, chosen, strict=True)}


def _run(
    chosen: dict[str, ChosenModel], settings: ServerSettings, scratch: Scratch, *, as_json: bool
) -> None:
    """Serve until the end, which comes although a model may still be loading."""

    def end(code: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        scratch.close()
        os._exit(code)

    copies = {path: str(each.file.source) for path, each in chosen.items() if each.kept is not None}
    uses_tls = settings.security is not None and settings.security.uses_tls
    voice = voice_of(as_json=as_json, uses_tls=uses_tls)
    serving = serve_models(tuple(chosen), settings, voice, copies=copies, abandon=end)
    loop = asyncio.new_event_loop()
    try:
        # Not asyncio.run: it waits for threads, and one that loads a model takes its time.
        is_over = loop.run_until_complete(serving)
    finally:
        loop.close()
    if not is_over:
        end(0)
