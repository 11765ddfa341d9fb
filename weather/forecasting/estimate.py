"""Memory, time and disk of a forecast, told from the configuration before it is made.

The model is built without weights and takes two steps on tensors without numbers (see
`sciml.ledger`). Checked against real runs: memory within a quarter. Time is work over the
speed of this machine now, as good as its kernels are alike: to a factor of two.
"""

import math
from dataclasses import dataclass
from functools import partial

import torch
from rich.console import Console
from rich.table import Table
from torch._subclasses.fake_tensor import FakeTensorMode

from sciml.ledger import Ledger, hollow
from sciml.machine import Speed, available, device_or_gpu, resident
from weather.forecasting.boundary import one_step
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.forecasting.job import together
from weather.forecasting.rollout import rollout
from weather.grid import LatLonGrid
from weather.state import State
from weather.variables import Variables

LIBRARIES = 70 * 2**20  # bytes of code and buffers that come with the first file and step; measured
_TRACED = 2  # steps


@dataclass(frozen=True)
class Estimate:
    """What a run takes.

    Attributes:
        parts: of `memory` in bytes, by what they are for.
        seconds: from start to end.
        steps: model or optimizer steps in them.
        disk: bytes of the output before compression, and so at most.
        parameters: of the model.
        flops: of matrix products, convolutions and attention in all steps.
        device: `cpu` or `cuda`.
        available: bytes of memory that are free on it.
        note: what the reader should know besides.
    """

    parts: dict[str, int]
    seconds: float
    steps: int
    disk: int
    parameters: int
    flops: float
    device: str
    available: int
    note: str = ""

    @property
    def memory(self) -> int:
        """Bytes at the peak: on a CPU of the whole process, on a GPU what is allocated there."""
        return sum(self.parts.values())


def estimate_forecast(
    config: ForecasterConfig,
    calls: int,
    leads: int | None = None,
    times: int = 1,
    device: str | None = None,
) -> Estimate:
    """Tell beforehand what a forecast takes; neither weights nor data are needed.

    Args:
        config: of the model.
        calls: of the model for each initial time.
        leads: lead times that are written; default one for each call.
        times: initial times, and members.
        device: default the GPU if there is one.
    """
    base = resident() + LIBRARIES
    device = device_or_gpu(device)
    batch = min(times, together(config.variables, config.grid))
    steps = calls * -(-times // batch)
    with torch.device("meta"):
        model = config.build().eval()
    with FakeTensorMode(), Ledger() as ledger:
        hollow(model, device)
        ledger.hold([*model.parameters(), *model.buffers()])
        weights = ledger.live
        state = fake_state(config.variables, config.grid, batch, model.history, device)
        kept = {"weights": weights, "initial states": ledger.live - weights}
        edges = partial(fake_state, config.variables, config.grid, batch, 1, device)
        step = one_step(model, model.step, lambda time: edges())
        with torch.no_grad():
            for _ in rollout(step, state, _TRACED):
                pass
    parts = peak(ledger, {"process": base}, kept, device, loading=weights)
    flops, moved = (value / _TRACED * steps for value in (ledger.flops, ledger.moved))
    return Estimate(
        parts=parts,
        seconds=Speed.measure(device).seconds(flops, moved),
        steps=steps,
        disk=times * (leads or calls) * bytes_of(config.variables, config.grid),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        flops=flops,
        device=device,
        available=available(device),
    )


def advice(times: int) -> str:
    """What would take less memory."""
    fewer = "forecast fewer initial times in one run" if times > 1 else "choose a smaller model"
    return f"{fewer}, or a machine with more memory"


def fake_state(
    variables: Variables, grid: LatLonGrid, batch: int, times: int, device: str
) -> State:
    """A state without numbers; to be called under a `FakeTensorMode`."""
    levels = len(variables.levels)
    return State(
        surface=torch.empty(batch, times, len(variables.surface), *grid.shape, device=device),
        upper=torch.empty(batch, times, len(variables.upper), levels, *grid.shape, device=device),
        time=torch.empty(batch, times, dtype=torch.int64, device=device),
        variables=variables,
        grid=grid,
    )


def bytes_of(variables: Variables, grid: LatLonGrid) -> int:
    """Of the forecast fields at one time, in float32."""
    return 4 * len(variables.channels) * math.prod(grid.shape)


def peak(
    ledger: Ledger, outside: dict[str, int], kept: dict[str, int], device: str, loading: int
) -> dict[str, int]:
    """Bytes at the peak of memory, by what they are for.

    Args:
        ledger: of a computation.
        outside: bytes that it does not know of; on a GPU they are not there.
        kept: bytes of what is alive all the time.
        device: `cpu` or `cuda`.
        loading: bytes besides `kept` that are alive at another time than activations are.
    """
    most = ledger.heap.peak if device == "cpu" else ledger.peak
    activations = max(most - sum(kept.values()), loading)
    return {**(outside if device == "cpu" else {}), **kept, "activations": activations}


def show_estimate(estimate: Estimate, console: Console, advice: str) -> None:
    """Print an estimate, and one line more where it does not fit into memory.

    Args:
        estimate: to be shown.
        console: where to.
        advice: what takes less memory.
    """
    mean = estimate.seconds / max(1, estimate.steps)
    parts = ", ".join(f"{name} {size_text(size)}" for name, size in estimate.parts.items())
    table = Table(title="Estimate", title_justify="left", show_header=False)
    table.add_row("parameters", f"{estimate.parameters:,}")
    table.add_row("memory", f"{size_text(estimate.memory)} ({parts})")
    table.add_row(
        "time",
        f"{time_text(estimate.seconds)}, within a factor of two: steps of {time_text(mean)}, "
        f"{estimate.steps:,} of them, on this {estimate.device.upper()} as busy as it is now",
    )
    table.add_row("disk", f"{size_text(estimate.disk)} before compression")
    table.add_row("operations", f"{estimate.flops:.3g}")
    console.print(table)
    if estimate.note:
        console.print(estimate.note, soft_wrap=True, highlight=False)
    # what this process holds itself already is in the estimate
    if estimate.memory - estimate.parts.get("process", 0) > estimate.available:
        console.print(
            f"[bold red]does not fit:[/] {size_text(estimate.available)} of memory are free; "
            f"{advice}",
            soft_wrap=True,
            highlight=False,
        )


def size_text(size: float) -> str:
    """Bytes as a reader wants them: `3.2 GiB`."""
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if size < 1000 or unit == "TiB":
            break
        size /= 1024
    return f"{_digits(size)} {unit}"


def time_text(seconds: float) -> str:
    """A duration as a reader wants it: `2.5 h`."""
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{_digits(seconds / length)} {unit}"
    return f"{_digits(seconds)} s"


def _digits(value: float) -> str:
    return f"{value:.2g}" if value < 100 else f"{value:,.0f}"
