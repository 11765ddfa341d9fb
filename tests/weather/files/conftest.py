"""Data sets as they come out of a file."""

from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from weather.files.reanalysis import open_reanalysis


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[xr.Dataset], xr.Dataset]:
    """Writes a data set and opens the file."""

    def opened(dataset: xr.Dataset) -> xr.Dataset:
        dataset.to_netcdf(tmp_path / "data.nc")
        return open_reanalysis(tmp_path / "data.nc")

    return opened
