"""Heights of pressure levels against the published table."""

import pytest

from weather.checking.standard_atmosphere import standard_height, standard_pressure

# US Standard Atmosphere 1976, table III: geopotential height in m of pressures in hPa
TABLE = {1013.25: 0.0, 850: 1457, 500: 5574, 250: 10363, 100: 16180, 50: 20576, 10: 31055}


@pytest.mark.parametrize(("pressure", "height"), TABLE.items())
def test_heights_are_those_of_the_table(pressure, height):
    assert standard_height(pressure) == pytest.approx(height, abs=1)


@pytest.mark.parametrize("pressure", [1050, 1000, 500, 226.3, 100, 10, 1, 0.1, 0.01])
def test_height_and_pressure_are_inverse(pressure):
    assert standard_pressure(standard_height(pressure)) == pytest.approx(pressure, rel=1e-12)
