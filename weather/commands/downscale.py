"""The command `weather downscale`."""

import shlex
import sys
from pathlib import Path


def downscale(
    model: Path,
    data: list[str],
    /,
    *,
    out: Path | None = None,
    estimate: bool = False,
) -> None:
    """Downscale fields to twice the resolution with a trained model.

    Means over the coarse cells stay what they are.

    Args:
        model: The model.safetensors of `weather train DATA --config downscaling`.
        data: Fields on a grid of half the model's resolution, with a time axis: NetCDF, GRIB or
            Zarr, as files, globs, URLs or a short name. `weather prepare --grid half` makes them of
            fine ones.
        out: File to write, .nc or .zarr, laid out like the data.
        estimate: Only tell how much memory, time and disk it would take; --out is not needed.
    """
    from rich.console import Console

    from sciml.cli import counted, note
    from sciml.errors import InputError
    from sciml.wording import count
    from weather.downscaling.downscale_file import write_downscaled
    from weather.downscaling.downscaler import Downscaler, DownscalerConfig
    from weather.downscaling.estimate import estimate_downscaling
    from weather.files.reanalysis import open_reanalysis
    from weather.files.sources import refuse_to_overwrite
    from weather.forecasting.estimate import advice, show_estimate

    dataset = open_reanalysis(data)
    if estimate:
        fields = dataset.sizes.get("time", 1) * dataset.sizes.get("member", 1)
        found = estimate_downscaling(DownscalerConfig.read(model), fields)
        return show_estimate(found, Console(), advice(1))
    if out is None:
        raise InputError("downscaling needs --out FILE (or --estimate)")
    refuse_to_overwrite(data, out)
    downscaler = Downscaler.load(model)
    with counted("downscaling, fields") as on_field:
        times = write_downscaled(
            downscaler,
            dataset,
            out,
            command=shlex.join(["weather", *sys.argv[1:]]),
            on_field=on_field,
            say=note,
        )
    print(f"wrote {out}: {count(times, 'time')}, {downscaler.config.grid.describe()}")
