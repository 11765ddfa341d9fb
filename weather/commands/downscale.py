"""The command `weather downscale`."""

import shlex
import sys
from pathlib import Path


def downscale(model: Path, data: list[str], /, *, out: Path) -> None:
    """Downscale fields to twice the resolution with a trained model.

    Means over the coarse cells stay what they are.

    Parameters
    ----------
    model:
        The model.safetensors of `weather train DATA --config downscaling`.
    data:
        Fields on a grid of half the model's resolution, with a time axis: NetCDF, GRIB or
        Zarr, as files, globs, URLs or a short name.
    out:
        File to write, .nc or .zarr, laid out like the data.
    """
    from sciml.cli import progress
    from weather.downscaling.downscale_file import write_downscaled
    from weather.downscaling.downscaler import Downscaler
    from weather.files.reanalysis import open_reanalysis

    downscaler = Downscaler.load(model)
    dataset = open_reanalysis(data)
    with progress() as bar:
        task = bar.add_task("downscaling, fields", visible=False)
        write_downscaled(
            downscaler,
            dataset,
            out,
            command=shlex.join(["weather", *sys.argv[1:]]),
            on_field=lambda done, of: bar.update(task, completed=done, total=of, visible=True),
            say=lambda line: bar.console.print(line, soft_wrap=True, highlight=False, markup=False),
        )
    print(f"wrote {out}: {dataset.sizes['time']} times, {downscaler.config.grid.describe()}")
