"""The command `weather plan`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from sciml.cli import SEVERAL
from weather.commands.times import hours_of, lead_times

if TYPE_CHECKING:
    from rich.table import Table

    from weather.forecasting.planner import Plan


def plan(
    models: list[Path] | None = None,
    /,
    *,
    steps: Annotated[list[str] | None, SEVERAL] = None,
    hours: float | None = None,
    every: str | None = None,
    leads: Annotated[list[str] | None, SEVERAL] = None,
    method: Literal["greedy", "smooth"] = "greedy",
) -> None:
    """Show which time steps reach which lead times, and at what cost.

    Args:
        models: Model files; their time steps are planned with.
        steps: Time steps instead of models, such as 1h 3h 6h 24h.
        hours: How far to forecast. Default: 240.
        every: Interval between lead times, such as 6h. Default: the shortest time step.
        leads: These lead times and no others, such as 71h 72h.
        method: With the fewest calls, or smooth in lead time.
    """
    from rich.console import Console

    from sciml.errors import InputError
    from weather.forecasting.planner import plan

    if bool(models) == bool(steps):
        raise InputError("give model files, or time steps such as --steps 1h 3h 6h 24h")
    seconds = [hours_of(step) * 3600 for step in steps or ()] or _steps(models or [])
    wanted = lead_times(hours, every, leads, min(seconds))
    made = plan(seconds, wanted, method)
    console = Console()
    console.print(_table(made))
    for line in _remarks(seconds, wanted, made):
        console.print(line, soft_wrap=True, highlight=False)


def _steps(models: list[Path]) -> list[int]:
    from weather.forecasting.experts import Experts
    from weather.forecasting.forecaster import Forecaster

    return list(Experts.of([Forecaster.load(model) for model in models]).steppers)


def _table(made: "Plan") -> "Table":
    from rich.table import Table

    from weather.forecasting.planner import chain_text, hours_text

    table = Table()
    for heading in ("lead time", "chain", "calls", "calls in all"):
        table.add_column(heading, justify="left" if heading == "chain" else "right")
    for target, total in zip(made.targets, made.totals(), strict=True):
        chain = chain_text(target.chain) + (" blended" if target.blends else "")
        table.add_row(hours_text([target.lead]), chain, str(target.calls), str(total))
    return table


def _remarks(steps: list[int], leads: list[int], made: "Plan") -> list[str]:
    """Calls in all by either method, and where the greedy forecast jumps."""
    from sciml.errors import InputError
    from weather.forecasting.planner import hours_text, plan

    greedy = plan(steps, leads)
    lines = [f"calls in all: {greedy.calls} greedy"]
    try:
        lines[0] += f", {plan(steps, leads, 'smooth').calls} smooth"
    except InputError as error:
        lines.append(f"no smooth plan: {error}")
    jump = greedy.saw_tooth()
    if jump and made.method == "greedy":
        before, after = jump
        lines.append(
            f"saw-tooth: {hours_text([before.lead])} takes {before.calls} calls and "
            f"{hours_text([after.lead])} takes {after.calls}, so the error jumps between them; "
            "--method smooth blends it out"
        )
    return lines
