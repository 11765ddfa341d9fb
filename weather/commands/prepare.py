"""The command `weather prepare`."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

from sciml.cli import SEVERAL
from weather.commands.times import hours_of


def prepare(
    files: list[str],
    *,
    out: Path,
    variables: Annotated[list[str] | None, SEVERAL] = None,
    levels: Annotated[list[float] | None, SEVERAL] = None,
    start: str | None = None,
    end: str | None = None,
    every: str | None = None,
    grid: str | None = None,
    static: Annotated[list[str] | None, SEVERAL] = None,
    forcing: Literal["insolation"] | None = None,
    time_chunk: int | None = None,
    memory: str = "2GiB",
    zarr_format: Literal[2, 3] = 3,
    compression: Literal["lz4", "zstd", "none"] = "lz4",
    allow_nan: bool = False,
) -> None:
    """Make a training store from analyses of any size: chosen, regridded, with statistics.

    A run that was stopped goes on when the same command is given again.

    Args:
        files: Analyses, as `weather train` takes them.
        out: Zarr store to make; `weather train` reads it.
        variables: Fields to keep, such as z t u v msl. Default: all.
        levels: Levels to keep, hPa. Default: all.
        start: First date, such as 2000 or 2000-01-01.
        end: Last date; a last year or day counts whole.
        every: Interval between times, such as 6h, from midnight UTC. Default: all times. What
            accumulates (ERA5's tp, ssrd, ...) is summed over the interval that ends at each, if the
            data have the times in between.
        grid: Spacing in degrees (1.5: with poles), numbers of cells (121x240, 64x32), or half: half
            the data's resolution, as `weather downscale` reads it. Each cell becomes the mean over
            its area. Default: the data's.
        static: Files of static fields (orography, land-sea mask), on any grid.
        forcing: Also write the insolation of each time and cell, for other models; those of this
            package compute it themselves.
        time_chunk: Times in a chunk. Default: one of large fields, up to eight of small ones.
        memory: How much may be used, beyond the program itself.
        zarr_format: 2 for older readers.
        compression: lz4 is fast to read, zstd small.
        allow_nan: Keep fields whose missing values come and go.
    """
    from rich.console import Console

    from sciml.cli import going_on, progress
    from sciml.config import parse_config
    from sciml.wording import count
    from weather.training.prepare import Preparation, prepare
    from weather.training.source import Choice

    choice = Choice(
        variables=tuple(variables or ()),
        levels=tuple(levels or ()),
        start=start,
        end=end,
        every=None if every is None else hours_of(every),
        grid=grid,
        insolation=forcing == "insolation",
    )
    settings = {
        "choice": choice,
        "time_chunk": time_chunk,
        "memory": bytes_of(memory),
        "zarr_format": zarr_format,
        "compression": compression,
        "allow_nan": allow_nan,
    }
    config = parse_config(Preparation, settings, "the options")
    begun = out.with_name(f"{out.name}.partial") / "progress.json"
    with going_on(begun), progress() as bar:
        task = bar.add_task("preparing, fields", total=None, visible=False)
        made = prepare(
            files,
            static or (),
            config,
            out,
            lambda total, done: bar.update(task, total=total, completed=done, visible=True),
            lambda done: bar.advance(task, done),
            shlex.join(["weather", *sys.argv[1:]]),
        )
    console = Console(stderr=True, soft_wrap=True)
    for note in made.notes:
        console.print(f"note: {note}", markup=False, highlight=False)
    times, fields = count(made.times, "time"), count(made.channels, "field")
    print(f"wrote {out}: {times} of {fields} on {made.grid}")


def bytes_of(text: str) -> int:
    """Bytes of `512MiB`, `2GiB` or `2GB`."""
    from dask.utils import parse_bytes

    from sciml.errors import InputError

    try:
        return int(parse_bytes(text))
    except ValueError:
        raise InputError(f"cannot read {text!r} as a size; give it as 512MiB or 2GiB") from None
