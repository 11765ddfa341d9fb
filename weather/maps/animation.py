"""A forecast as a film: one map for each lead time, on one scale."""

import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import xarray as xr
from matplotlib.animation import AbstractMovieWriter, FFMpegWriter, PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sciml.errors import InputError
from sciml.files import atomic_path
from weather.maps.layers import shading_scale
from weather.maps.plots import PLAIN, View, draw_panel, heading
from weather.maps.products import available, choose_product, displayed
from weather.maps.sheet import new_sheet

_RESOLUTION = 90  # dots per inch


def save_animation(
    forecast: xr.Dataset,
    path: Path,
    product: str | None = None,
    view: View = PLAIN,
    per_second: int = 3,
    on_frame: Callable[[], None] = lambda: None,
) -> None:
    """Write the lead times of one forecast, or the times of analyses, as .gif or .mp4.

    Args:
        forecast: one initial time selected, no members; or analyses.
        path: the film, written whole or not at all; .mp4 needs the program ffmpeg, which
            comes with the extra `maps`.
        product: see `products`; None takes the first that the file allows.
        view: projection, region and background.
        per_second: pictures.
        on_frame: called after each picture.

    Raises:
        InputError: a suffix other than .gif and .mp4, or .mp4 without ffmpeg; a field
            that is not in the file.
    """
    writer = _writer(path, per_second)
    figure, pictures = _pictures(forecast, product, view)
    with atomic_path(path) as temporary, writer.saving(figure, str(temporary), _RESOLUTION):
        for _ in pictures:
            writer.grab_frame()
            on_frame()


def _pictures(
    forecast: xr.Dataset, product: str | None, view: View
) -> tuple[Figure, Iterator[None]]:
    """A figure, and an iterator that draws the next time on it."""
    dim = "lead_time" if "lead_time" in forecast.dims else "time"
    if dim not in forecast.dims:
        raise InputError("an animation needs several times; the data have one")
    chosen = choose_product(product, available(forecast.isel({dim: 0})))
    frame, forecast = view.frame(forecast)
    times = [forecast.isel({dim: i}) for i in range(forecast.sizes[dim])]
    fields = [displayed(one, chosen.fields) for one in times]
    scale = shading_scale(chosen, fields)
    figure, _ = new_sheet(frame)
    FigureCanvasAgg(figure)
    projection = {} if frame.projection is None else {"projection": frame.projection}

    def draw() -> Iterator[None]:
        for one, values in zip(times, fields, strict=True):
            figure.clear()
            axes = figure.add_subplot(**projection)
            draw_panel(axes, frame, view, chosen, values, scale)
            axes.set_title(heading(one, chosen), loc="left", fontsize=10)
            yield

    return figure, draw()


def _writer(path: Path, per_second: int) -> AbstractMovieWriter:
    if path.suffix == ".gif":
        return PillowWriter(fps=per_second)
    if path.suffix != ".mp4":
        raise InputError(f"cannot film {path.name}; expected a name that ends in .gif or .mp4")
    if not _Ffmpeg.isAvailable():
        raise InputError(
            "an .mp4 needs the program ffmpeg, which is not here: pip install imageio-ffmpeg, or "
            "write a .gif"
        )
    return _Ffmpeg(fps=per_second, extra_args=["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2"])


class _Ffmpeg(FFMpegWriter):
    """Writes with the machine's ffmpeg, else with the one that imageio-ffmpeg brings."""

    @classmethod
    def bin_path(cls) -> str:
        own = str(super().bin_path())
        if shutil.which(own) or find_spec("imageio_ffmpeg") is None:
            return own
        from imageio_ffmpeg import get_ffmpeg_exe

        try:
            return str(get_ffmpeg_exe())
        except RuntimeError:  # a platform without a binary
            return own
