"""An atmosphere with known truth, written as if it were a reanalysis.

The dynamics are in `held_suarez`, the mountains in `orography`, the vertical
interpolation in `pressure_levels`; this module chooses, runs and writes.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from netCDF4 import Dataset
from numpy.typing import NDArray

from sciml.errors import InputError
from sciml.files import atomic_path
from weather.simulation.orography import OrographyKind
from weather.variables import KNOWN

if TYPE_CHECKING:
    from weather.simulation.held_suarez import Atmosphere, Frame

LEVELS = (50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850, 925, 1000)  # hPa
TRUNCATIONS = (21, 31, 42)
EPOCH = "2000-01-01 00:00:00"  # of the first output; the atmosphere itself has no calendar


@dataclass(frozen=True)
class Simulation:
    """What to simulate.

    Attributes:
        days: length of the output.
        spinup: days before the first output.
        truncation: largest spherical wavenumber: 21 (64×32 grid), 31 (96×48) or 42 (128×64).
        every: hours between outputs, a divisor of 24.
        seed: of the first state, and of random mountains.
        orography: kind of mountains.
    """

    days: int = 400
    spinup: int = 200
    truncation: int = 21
    every: int = 6
    seed: int = 0
    orography: OrographyKind = "earthlike"

    def __post_init__(self) -> None:
        if self.truncation not in TRUNCATIONS:
            raise InputError(f"truncation is {self.truncation}; expected 21, 31 or 42")
        if self.days < 1 or self.spinup < 0:
            raise InputError(
                f"{self.days} days after {self.spinup} days of spin-up; expected at least 1 and 0"
            )
        if self.every < 1 or 24 % self.every:
            raise InputError(f"output every {self.every} h; expected a divisor of 24 h")
        if self.orography not in get_args(OrographyKind):
            known = ", ".join(get_args(OrographyKind))
            raise InputError(f"orography is {self.orography!r}; expected one of {known}")

    @property
    def frames(self) -> int:
        """Number of output times; the last one ends the last day."""
        return self.days * 24 // self.every + 1

    @property
    def spinup_frames(self) -> int:
        """Number of output intervals before the first output."""
        return self.spinup * 24 // self.every


def simulate(
    simulation: Simulation,
    path: Path,
    on_day: Callable[[float, float], object] = lambda done, of: None,
) -> None:
    """Integrate and write one NetCDF file, whole or not at all.

    The file holds z, t, u, v on 13 pressure levels and sp, msl at each output time,
    and the surface geopotential once, with ERA5 short names, SI units and CF
    attributes. The same arguments give the same file.

    Args:
        simulation: what to simulate.
        path: of the file.
        on_day: told how many days are done, and of how many.

    Raises:
        InputError: if `dinosaur-dycore` is not installed or the path cannot be written.
    """
    atmosphere = _atmosphere(simulation)
    with atomic_path(path) as temporary, Dataset(temporary, "w") as file:
        _define(file, simulation, atmosphere)
        before, whole = simulation.spinup_frames, simulation.days + simulation.spinup
        on_day(0, whole)
        frames = atmosphere.frames(before, simulation.frames)
        for index, frame in enumerate(frames, start=-before):
            if frame is not None:
                _write(file, index, index * simulation.every, fields(frame))
            on_day((before + index) * simulation.every / 24, whole)


def fields(frame: "Frame") -> dict[str, NDArray[np.float64]]:
    """The output variables of one frame: z, t, u, v (level, lat, lon) and sp, msl (lat, lon)."""
    pressure = 100.0 * np.array(LEVELS)
    temperature, geopotential = frame.column.to_pressure(pressure)
    return {
        "z": geopotential,
        "t": temperature,
        "u": frame.column.interpolate(frame.u, pressure),
        "v": frame.column.interpolate(frame.v, pressure),
        "sp": frame.column.surface_pressure,
        "msl": frame.column.mean_sea_level_pressure(),
    }


def _atmosphere(simulation: Simulation) -> "Atmosphere":
    try:
        from weather.simulation.held_suarez import Atmosphere
    except ImportError as error:
        raise InputError(
            "the simulation needs dinosaur-dycore, which is not installed: "
            "pip install 'sciml-foundation[simulate]'"
        ) from error
    return Atmosphere(
        truncation=simulation.truncation,
        seconds=3600 * simulation.every,
        orography=simulation.orography,
        seed=simulation.seed,
    )


def _define(file: Dataset, simulation: Simulation, atmosphere: "Atmosphere") -> None:
    file.setncatts(_global_attributes(simulation, atmosphere))
    time = {"standard_name": "time", "units": f"hours since {EPOCH}", "calendar": "standard"}
    _coordinate(file, "time", "i4", time, None)
    level = {"standard_name": "air_pressure", "units": "hPa", "positive": "down"}
    _coordinate(file, "level", "i4", level, np.array(LEVELS))
    latitude = {"standard_name": "latitude", "units": "degrees_north"}
    _coordinate(file, "latitude", "f8", latitude, atmosphere.lat)
    longitude = {"standard_name": "longitude", "units": "degrees_east"}
    _coordinate(file, "longitude", "f8", longitude, atmosphere.lon)
    horizontal = ("latitude", "longitude")
    for name in ("z", "t", "u", "v"):
        _field(file, name, ("time", "level", *horizontal))
    for name in ("sp", "msl"):
        _field(file, name, ("time", *horizontal))
    _field(file, "z_surface", horizontal)
    file["z_surface"][:] = atmosphere.surface_geopotential


def _global_attributes(simulation: Simulation, atmosphere: "Atmosphere") -> Mapping[str, Any]:
    options = ", ".join(f"{name} {value}" for name, value in asdict(simulation).items())
    return {
        "Conventions": "CF-1.10",
        "title": "Simulated dry atmosphere with Held-Suarez forcing",
        "source": f"dry primitive equations, spectral T{simulation.truncation}, 20 sigma layers, "
        f"time step {atmosphere.time_step:g} s, by dinosaur-dycore {version('dinosaur-dycore')}; "
        f"{simulation.orography} analytic mountains, not data",
        "references": "Held and Suarez (1994), Bull. Amer. Meteor. Soc. 75, 1825-1830",
        "history": f"weather simulate (sciml-foundation {version('sciml-foundation')}): {options}",
        "comment": "No moisture, seasons or day and night: dates only count hours. Below ground, "
        "temperature is continued at 6.5 K km-1 and wind is that of the lowest layer.",
        "gas_constant_of_dry_air": atmosphere.gas_constant,
    }


def _coordinate(
    file: Dataset, name: str, kind: str, attrs: Mapping[str, str], values: NDArray[Any] | None
) -> None:
    file.createDimension(name, None if values is None else len(values))
    variable = file.createVariable(name, kind, (name,))
    variable.setncatts(attrs)
    if values is not None:
        variable[:] = values


def _field(file: Dataset, name: str, dimensions: tuple[str, ...]) -> None:
    sizes = [1 if dim == "time" else len(file.dimensions[dim]) for dim in dimensions]
    variable = file.createVariable(
        name, "f4", dimensions, compression="zlib", complevel=1, shuffle=True, chunksizes=sizes
    )
    variable.setncatts(KNOWN[name].attributes)


def _write(file: Dataset, index: int, hours: int, frame: Mapping[str, NDArray[np.float64]]) -> None:
    file["time"][index] = hours
    for name, values in frame.items():
        file[name][index] = values
