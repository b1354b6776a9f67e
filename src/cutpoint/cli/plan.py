"""``cutpoint plan``: for given links, where the model answers soonest, and what each part takes."""

from pathlib import Path

import typer

from cutpoint.cli.chosen_model import ChosenModel, chosen_model
from cutpoint.cli.codec_options import ToleranceOption
from cutpoint.cli.links import DEFAULT_LINK_BEHIND, DEFAULT_LINKS, parse_link
from cutpoint.cli.model_options import InputsOption, SizesOption, UntrustedOption
from cutpoint.cli.options import (
    DeviceOption,
    JsonOption,
    ModelArgument,
    ObjectiveOption,
    PlotOption,
    PowerOption,
    SpreadOption,
    WaitOption,
    check_plot,
)
from cutpoint.cli.output import err, print_json
from cutpoint.cli.plan_codecs import CodecsAsked, codecs_asked
from cutpoint.cli.plan_files import write_files
from cutpoint.cli.plan_inputs import plan_inputs
from cutpoint.cli.plan_options import (
    CalibrationOption,
    CostsOption,
    DeviceMemoryOption,
    InputAsOption,
    JobsOption,
    LinkBehindOption,
    LinksOption,
    LoadOption,
    MinDepthOption,
    NeverSendOption,
    PlanCodecsOption,
    PlannersOption,
    SaveCostsOption,
    ServerMemoryOption,
    ServersOption,
    TableOption,
)
from cutpoint.cli.plan_report import plan_document, print_plan
from cutpoint.cli.plan_request import PlanRequest
from cutpoint.cli.planned import planned
from cutpoint.cli.planner_rows import planners_of
from cutpoint.cli.security_options import (
    InsecureOption,
    TlsCaOption,
    TlsCertOption,
    TlsKeyOption,
    TlsNameOption,
    TlsOption,
    TokenFileOption,
    client_security,
)
from cutpoint.cost import Limits, power_profile
from cutpoint.exceptions import CostError
from cutpoint.planning.objective import objective_named
from cutpoint.records import Conditions, LoadConditions
from cutpoint.units import parse_duration, parse_size


def plan(
    model: ModelArgument = None,
    size: SizesOption = None,
    input_file: InputsOption = None,
    untrusted: UntrustedOption = False,
    device: DeviceOption = None,
    server: ServersOption = None,
    tls: TlsOption = False,
    tls_ca: TlsCaOption = None,
    tls_cert: TlsCertOption = None,
    tls_key: TlsKeyOption = None,
    tls_name: TlsNameOption = None,
    token_file: TokenFileOption = None,
    insecure: InsecureOption = False,
    link: LinksOption = None,
    link_behind: LinkBehindOption = DEFAULT_LINK_BEHIND,
    wait: WaitOption = "0ms",
    load: LoadOption = 1.0,
    input_as: InputAsOption = None,
    codec: PlanCodecsOption = None,
    calibration: CalibrationOption = None,
    tolerance: ToleranceOption = None,
    planner: PlannersOption = None,
    jobs: JobsOption = 1,
    objective: ObjectiveOption = "latency",
    power: PowerOption = "raspberry-pi-4b-wifi",
    spread: SpreadOption = 0.3,
    never_send: NeverSendOption = None,
    min_depth: MinDepthOption = 0,
    device_memory: DeviceMemoryOption = None,
    server_memory: ServerMemoryOption = None,
    costs: CostsOption = None,
    save_costs: SaveCostsOption = None,
    table: TableOption = None,
    plot: PlotOption = None,
    json: JsonOption = False,
) -> None:
    """
    Say where a model answers soonest for given links, and whether splitting pays.

    Shows the best cut, its parts, and beside it device-only and server-only:
    as the model takes its input, and as your server might take it, for a photo
    as a JPEG makes server-only far better. With --planner what published
    schemes would do. Values travel as they are unless --codec or --calibration
    names codecs.
    """
    check_plot(plot)
    _check_table(table, model)
    request = PlanRequest(
        situations=_situations(link, wait, load),
        onward=Conditions(parse_link(link_behind)),
        planners=planners_of(planner or ()),
        objective=objective_named(objective, power_profile(power), spread),
        limits=_limits(never_send, min_depth, device_memory, server_memory),
        num_jobs=jobs,
        input_as=tuple(input_as or ()),
    )
    asked = codecs_asked(codec, calibration, tolerance)
    _check_is_of_a_model(asked, input_as, model, costs)
    chosen = _chosen(model, size, input_file, is_untrusted=untrusted)
    security = client_security(
        tls, tls_ca, tls_cert, tls_key, tls_name, token_file, insecure=insecure
    )
    inputs = plan_inputs(
        chosen, costs, device, server or (), asked=asked, security=security, quiet=json
    )
    if request.limits.has_memory_caps and not inputs.costs.memory.any():
        raise CostError(
            f"the costs of {inputs.costs.name!r} say nothing of memory, so no cap can be kept: add "
            "a column memory_bytes, or leave out --device-memory and --server-memory"
        )
    for note in () if json else inputs.codecs.notes:
        err.print(f"note: {note}", markup=False, soft_wrap=True)
    made = planned(inputs, request, quiet=json)
    write_files(made, save_costs=save_costs, table=table, plot=plot)
    if json:
        print_json(plan_document(made))
        return
    print_plan(made)
    _tell_written(save_costs, table, plot)


def _chosen(
    model: Path | None, sizes: list[str] | None, inputs: Path | None, *, is_untrusted: bool
) -> ChosenModel | None:
    if model is not None:
        return chosen_model(model, sizes, inputs, is_untrusted=is_untrusted)
    if sizes or inputs is not None or is_untrusted:
        raise typer.BadParameter("--size, --input and --untrusted are about a MODEL: name it too")
    return None


def _check_is_of_a_model(
    asked: CodecsAsked, input_as: list[str] | None, model: Path | None, costs: Path | None
) -> None:
    if input_as and model is None:
        raise typer.BadParameter("--input-as is about the input of a MODEL: name it too")
    if not asked.is_nothing and (model is None or costs is not None):
        raise typer.BadParameter(
            "--codec and --calibration are about values of a MODEL: name it, without --costs"
        )


def _situations(links: list[str] | None, wait: str, load: float) -> tuple[Conditions, ...]:
    busy = LoadConditions(parse_duration(wait), load)
    return tuple(Conditions(parse_link(text), busy) for text in links or DEFAULT_LINKS)


def _limits(
    never_send: list[str] | None, min_depth: int, device_memory: str | None, server: str | None
) -> Limits:
    device_bytes, server_bytes = (
        float("inf") if text is None else parse_size(text) for text in (device_memory, server)
    )
    return Limits(frozenset(never_send or ()), min_depth, device_bytes, server_bytes)


def _check_table(table: Path | None, model: Path | None) -> None:
    if table is not None and model is None:
        raise typer.BadParameter("--table names cuts of a model: name the MODEL too")


def _tell_written(*paths: Path | None) -> None:
    for path in paths:
        if path is not None:
            err.print(f"wrote {path}", markup=False, soft_wrap=True)
