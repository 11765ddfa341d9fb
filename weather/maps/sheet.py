"""Paper: figures with maps on them, and their files."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from sciml.errors import InputError
from sciml.files import atomic_path
from weather.maps.frame import MapFrame

_RESOLUTION = 130  # dots per inch


def new_sheet(frame: MapFrame, panels: int = 1) -> tuple[Figure, list[Axes]]:
    """Wide maps one above the other, high ones side by side."""
    wide = frame.ratio < 0.8
    width = 11.0 if wide else min(6.5, 10 / frame.ratio)
    beside = 0.8 if wide else 1.2  # inches for titles and labels
    beside += 0.0 if frame.projection is None else 0.4
    height = (0.86 if wide else 0.92) * width * frame.ratio + beside
    rows, columns = (panels, 1) if wide else (1, panels)
    figure = Figure(figsize=(width * columns, height * rows), layout="compressed")
    return figure, _axes(figure, frame, rows, columns)


def new_stamps(frame: MapFrame, count: int, bar: bool) -> tuple[Figure, list[Axes]]:
    """Many small maps, in as many columns as give a page of common shape, beside a bar."""
    columns = max(1, min(count, round(np.sqrt(count * 1.5 * frame.ratio))))
    rows = int(np.ceil(count / columns))
    width = (11.8 if bar else 12.8) / columns
    height = width * frame.ratio + 0.24
    figure = Figure(figsize=(13.0, height * rows + 0.7), layout="constrained")
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(w_pad=0.03, h_pad=0.02, wspace=0, hspace=0)
    axes = _axes(figure, frame, rows, columns)
    for unused in axes[count:]:
        unused.set_visible(False)
    return figure, axes[:count]


def require_picture(path: Path) -> None:
    """Check a picture's name, before what it shows is computed.

    Raises:
        InputError: for a suffix that is not a picture's.
    """
    if path.suffix.lstrip(".") not in FigureCanvasBase.get_supported_filetypes():
        raise InputError(
            f"cannot draw {path.name}; expected a name that ends in .png, .pdf or .svg"
        )


def save_figure(figure: Figure, path: Path) -> None:
    """Write the picture, whole or not at all.

    Raises:
        InputError: see `require_picture`.
    """
    require_picture(path)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=_RESOLUTION)


def _axes(figure: Figure, frame: MapFrame, rows: int, columns: int) -> list[Axes]:
    projection = {"projection": frame.projection} if frame.projection is not None else {}
    return list(figure.subplots(rows, columns, squeeze=False, subplot_kw=projection).ravel())
