"""Estimates of forecasts: what they say, and beside what a real run took."""

import io
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from weather.forecasting.estimate import (
    Estimate,
    estimate_forecast,
    show_estimate,
    size_text,
    time_text,
)
from weather.forecasting.forecaster import Forecaster
from weather.forecasting.forecaster_config import ForecasterConfig
from weather.grid import LatLonGrid
from weather.models.graph import GraphConfig
from weather.models.model import ModelConfig
from weather.models.transformer import TransformerConfig
from weather.variables import Variables

VARIABLES = Variables(
    surface=("s1", "s2"), upper=("x1", "x2", "x3", "x4"), levels=(200, 500, 700, 850),
    forcing=("insolation",),
)  # fmt: skip


def config(backbone: TransformerConfig | GraphConfig, rows: int) -> ForecasterConfig:
    lat, lon = np.linspace(90, -90, 2 * rows + 1)[1::2], np.arange(2 * rows) * 180 / rows
    grid = LatLonGrid(lat=tuple(lat.tolist()), lon=tuple(lon.tolist()))
    model = ModelConfig(history=2, backbone=backbone)
    return ForecasterConfig(model=model, variables=VARIABLES, grid=grid, step_hours=6)


SMALL = config(TransformerConfig(dim=16, depths=(2,), heads=(2,), window=(2, 4)), 8)


def test_what_follows_from_the_configuration_alone():
    one = estimate_forecast(SMALL, calls=4, device="cpu")
    many = estimate_forecast(SMALL, calls=4, leads=2, times=20, device="cpu")
    fields = 4 * (2 + 4 * 4) * 8 * 16
    assert one.disk == 4 * fields
    assert many.disk == 20 * 2 * fields
    assert (one.steps, many.steps) == (4, 8)  # 16 initial times at once, then 4
    assert one.parameters == sum(p.numel() for p in SMALL.build().parameters())
    assert many.parts["activations"] > 4 * one.parts["activations"]
    assert many.parts["initial states"] > 15 * one.parts["initial states"]
    assert many.flops == pytest.approx(2 * 16 * one.flops)


def test_a_grid_that_is_too_large_for_any_memory():
    huge = config(TransformerConfig(dim=512, depths=(2,), heads=(4,), window=(4, 8)), 4096)
    estimate = estimate_forecast(huge, calls=40, device="cpu")
    assert estimate.memory > 2**38
    assert estimate.memory > estimate.available
    assert estimate.seconds > 100


def shown(**changes: int) -> str:
    fields = {"seconds": 8000.0, "steps": 40, "disk": 2**31}
    estimate = Estimate(
        **{**fields, "parameters": 1234567, "flops": 2e15, "available": 2**33, **changes},
        parts={"process": 2**29, "activations": 5 * 2**29}, device="cpu",
    )  # fmt: skip
    out = io.StringIO()
    show_estimate(estimate, Console(file=out, width=200), "buy less")
    return out.getvalue()


def test_the_table_and_its_warning():
    text = shown()
    for part in ("1,234,567", "3 GiB (process 512 MiB", "2.2 h, within a factor of two", "2 GiB"):
        assert part in text
    assert "does not fit" not in text
    assert "does not fit: 2 GiB of memory are free; buy less" in shown(available=2**31)


def test_numbers_as_they_are_read():
    assert [size_text(n) for n in (12, 3 * 2**19, 2**40)] == ["12 bytes", "1.5 MiB", "1 TiB"]
    assert [time_text(s) for s in (0.5, 100, 130, 90000)] == ["0.5 s", "100 s", "2.2 min", "25 h"]


ESTIMATE = """
import sys
import weather.forecasting.forecast_file
from weather.forecasting.estimate import estimate_forecast
from weather.forecasting.forecaster_config import ForecasterConfig
config = ForecasterConfig.read(sys.argv[1])
print("peak", estimate_forecast(config, calls=3, times=int(sys.argv[2]), device="cpu").memory)
"""


def analyses(made: ForecasterConfig, path: Path) -> list[str]:
    """Noise on a model's grid, six times; their names."""
    draw, (rows, columns) = np.random.default_rng(0), made.grid.shape
    times = np.datetime64("2001-01-01", "ns") + np.arange(6) * np.timedelta64(6, "h")
    upper = ("time", "level", "latitude", "longitude")
    xr.Dataset(
        {
            name: (
                upper if name in VARIABLES.upper else (upper[0], *upper[2:]),
                draw.standard_normal(
                    (6, 4, rows, columns) if name in VARIABLES.upper else (6, rows, columns),
                    dtype=np.float32,
                ),
            )
            for name in (*VARIABLES.surface, *VARIABLES.upper)
        },
        {
            "time": times,
            "level": ("level", list(VARIABLES.levels), {"units": "hPa"}),
            "latitude": ("latitude", list(made.grid.lat), {"units": "degrees_north"}),
            "longitude": ("longitude", list(made.grid.lon), {"units": "degrees_east"}),
        },
    ).to_netcdf(path)
    return [str(time.astype("datetime64[h]")) for time in times]


def flat(dim: int) -> TransformerConfig:
    return TransformerConfig(
        patch=(None, 2, 2), halo=2, dim=dim, depths=(4,), heads=(4,), window=(4, 8)
    )


def deep(dim: int) -> TransformerConfig:
    return TransformerConfig(
        patch=(2, 2, 2), dim=dim, depths=(2, 2, 2, 2), heads=(2, 4, 4, 2), window=(2, 4, 8),
        merge=(1, 2, 2), norm="post", bias="earth",
    )  # fmt: skip


def graph(dim: int) -> GraphConfig:
    return GraphConfig(dim=dim, steps=3, refinements=4)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's VmHWM")
@pytest.mark.parametrize(
    ("backbone", "rows", "times"),
    [
        (flat(160), 96, 4), (flat(96), 128, 4), (flat(64), 192, 3),
        (deep(64), 96, 3), (deep(96), 128, 2),
        (graph(128), 80, 3), (graph(96), 96, 4), (graph(192), 64, 4),
    ],
)  # fmt: skip
def test_memory_is_within_a_quarter_of_what_a_forecast_takes(
    peak_of_command, last_number, backbone, rows, times, tmp_path
):
    """Peak of the whole process, of which tensors are 300 to 900 MiB."""
    made = config(backbone, rows)
    Forecaster(made.build(), made, {}).save(tmp_path / "model.safetensors")
    names = analyses(made, tmp_path / "data.nc")
    starts = [option for name in names[2 : 2 + times] for option in ("--time", name)]
    measured = peak_of_command(
        "forecast", tmp_path / "model.safetensors", "--from", tmp_path / "data.nc",
        "--out", tmp_path / "out.nc", "--hours", 18, *starts,
    )  # fmt: skip
    estimated = last_number(ESTIMATE, tmp_path / "model.safetensors", times)
    assert 0.75 < estimated / measured < 1.25
