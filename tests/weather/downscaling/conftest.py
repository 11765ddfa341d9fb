"""Grids of every kind that downscaling meets: without and with poles, Gaussian, a region."""

import numpy as np
import pytest

from weather.grid import LatLonGrid

GAUSSIAN = np.degrees(np.arcsin(np.polynomial.legendre.leggauss(8)[0][::-1]))
GRIDS = {
    "no poles": LatLonGrid(lat=np.linspace(84.375, -84.375, 16), lon=np.arange(32) * 11.25),
    "poles": LatLonGrid(lat=np.linspace(90, -90, 13), lon=np.arange(24) * 15 - 180.0),
    "gaussian": LatLonGrid(lat=GAUSSIAN, lon=np.arange(16) * 22.5),
    "gaussian region": LatLonGrid(
        lat=np.degrees(np.arcsin(np.polynomial.legendre.leggauss(48)[0][::-1]))[4:16],
        lon=np.float32(100 + 0.1 * np.arange(16)).tolist(),
    ),
    "polar region": LatLonGrid(lat=np.arange(90, 48, -2.5), lon=np.arange(-10, 14, 2.0)),
    "region": LatLonGrid(lat=np.arange(60, 40, -2.0), lon=np.arange(-10, 14, 2.0)),
}


@pytest.fixture
def grids():
    """By name."""
    return GRIDS


@pytest.fixture(params=GRIDS)
def grid(request):
    """Each of them."""
    return GRIDS[request.param]
