"""The fields of the atmosphere: names, units, aliases, and a model's choice of them.

Names are ERA5's short names (`t2m`, `z`, `msl`). A single field of one level may stand
among the surface variables under a name of its own, such as `z500`. Names that are not
in the table are allowed: they keep the attributes of the file they came from.
"""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, model_validator

from sciml.config import Config

Forcing = Literal["year", "local_time", "insolation"]


@dataclass(frozen=True)
class Variable:
    """A known field.

    Attributes:
        name: ERA5 short name.
        long_name, units: as written to files; SI.
        standard_name: of the CF conventions; empty where there is none.
        aliases: names of the same field elsewhere: WeatherBench 2, cfgrib, NOAA, MERRA-2, CMIP.
        static: never changes with time.
    """

    name: str
    long_name: str
    units: str
    standard_name: str = ""
    aliases: tuple[str, ...] = ()
    static: bool = False

    @property
    def attributes(self) -> dict[str, str]:
        """CF attributes for a file."""
        known = {
            "long_name": self.long_name,
            "standard_name": self.standard_name,
            "units": self.units,
        }
        return {key: value for key, value in known.items() if value}


_TABLE = (
    Variable(
        "z", "Geopotential", "m2 s-2", "geopotential",
        ("geopotential", "phi", "gh", "hgt", "geopotential_height", "h", "zg"),
    ),
    Variable("t", "Temperature", "K", "air_temperature", ("temperature", "air", "ta")),
    Variable("u", "Eastward wind", "m s-1", "eastward_wind", ("u_component_of_wind", "uwnd", "ua")),
    Variable(
        "v", "Northward wind", "m s-1", "northward_wind", ("v_component_of_wind", "vwnd", "va")
    ),
    Variable(
        "q", "Specific humidity", "kg kg-1", "specific_humidity",
        ("specific_humidity", "shum", "hus", "qv"),
    ),
    Variable("r", "Relative humidity", "%", "relative_humidity", ("relative_humidity", "rhum")),
    Variable(
        "w", "Vertical velocity", "Pa s-1", "lagrangian_tendency_of_air_pressure",
        ("vertical_velocity", "omega"),
    ),
    Variable(
        "vo", "Relative vorticity", "s-1", "atmosphere_relative_vorticity",
        ("vorticity", "relative_vorticity"),
    ),
    Variable("d", "Divergence", "s-1", "divergence_of_wind", ("divergence",)),
    Variable(
        "msl", "Mean sea level pressure", "Pa", "air_pressure_at_mean_sea_level",
        ("mean_sea_level_pressure", "prmsl", "mslp", "slp", "mslet", "psl"),
    ),
    Variable("sp", "Surface pressure", "Pa", "surface_air_pressure", ("surface_pressure", "ps")),
    Variable(
        "t2m", "2 metre temperature", "K", "air_temperature",
        ("2m_temperature", "2t", "tas", "t2"),
    ),
    Variable(
        "d2m", "2 metre dewpoint temperature", "K", "dew_point_temperature",
        ("2m_dewpoint_temperature", "2d"),
    ),
    Variable(
        "u10", "10 metre eastward wind", "m s-1", "eastward_wind",
        ("10m_u_component_of_wind", "10u", "u10m", "uas"),
    ),
    Variable(
        "v10", "10 metre northward wind", "m s-1", "northward_wind",
        ("10m_v_component_of_wind", "10v", "v10m", "vas"),
    ),
    Variable(
        "u100", "100 metre eastward wind", "m s-1", "eastward_wind",
        ("100m_u_component_of_wind", "100u", "u100m"),
    ),
    Variable(
        "v100", "100 metre northward wind", "m s-1", "northward_wind",
        ("100m_v_component_of_wind", "100v", "v100m"),
    ),
    Variable(
        "sst", "Sea surface temperature", "K", "sea_surface_temperature",
        ("sea_surface_temperature", "sstk"),
    ),
    Variable(
        "tcwv", "Total column water vapour", "kg m-2", "atmosphere_mass_content_of_water_vapor",
        ("total_column_water_vapour", "pwat", "tqv"),
    ),
    Variable("tp", "Total precipitation", "m", "", ("total_precipitation", "tp06")),
    Variable(
        "z_surface", "Surface geopotential", "m2 s-2", "surface_geopotential",
        ("geopotential_at_surface", "surface_geopotential", "orography", "orog", "phis", "zs"),
        static=True,
    ),
    Variable(
        "lsm", "Land-sea mask", "1", "land_binary_mask",
        ("land_sea_mask", "lsmask", "land"), static=True,
    ),
    Variable("skt", "Skin temperature", "K", "surface_temperature", ("skin_temperature",)),
    Variable("slt", "Soil type", "1", "soil_type", ("soil_type",), static=True),
)  # fmt: skip

KNOWN: dict[str, Variable] = {variable.name: variable for variable in _TABLE}
_BY_ALIAS = {alias: v.name for v in _TABLE for alias in (v.name, *v.aliases)}
ON_LEVELS = ("z", "t", "u", "v", "q", "r", "w", "vo", "d")
_SOLE = ("msl", "sp", "sst", "tcwv", "z_surface", "lsm")  # no other field has their standard name
_BY_STANDARD_NAME = {
    True: {KNOWN[n].standard_name: n for n in ON_LEVELS if KNOWN[n].standard_name}
    | {"geopotential_height": "z"},
    False: {KNOWN[name].standard_name: name for name in _SOLE}
    | {"air_pressure_at_sea_level": "msl", "surface_altitude": "z_surface"},
}
_NOT_NEGATIVE = frozenset({"q", "r", "tp", "tcwv", "tcc", "lcc", "mcc", "hcc", "sst", "siconc"})
_ON_LEVEL = re.compile(rf"(?P<name>{'|'.join(ON_LEVELS)})(?P<level>\d{{1,4}})(hPa)?")


def canonical_name(name: str) -> str:
    """The ERA5 short name of a field known by any alias; an unknown name unchanged."""
    return _BY_ALIAS.get(name, _BY_ALIAS.get(name.lower(), name))


def by_standard_name(standard_name: str, on_levels: bool) -> str | None:
    """The field that a standard name of the CF conventions can only mean."""
    return _BY_STANDARD_NAME[on_levels].get(standard_name)


def preference(key: str) -> int:
    """Rank of a name among those of its field: the smaller, the better."""
    variable = KNOWN.get(canonical_name(key))
    names = (variable.name, *variable.aliases) if variable else ()
    return names.index(key.lower()) if key.lower() in names else len(names)


def describe(name: str) -> Variable | None:
    """What is known of a field; `z500` is the field `z` at 500 hPa.

    `u10` and `u100` are winds 10 m and 100 m above the ground, `u10hPa` is at 10 hPa.
    """
    base, level = on_level(name)
    if base not in KNOWN:
        return None
    field = KNOWN[base]
    if level is None:
        return field
    return Variable(name, f"{field.long_name} at {level:g} hPa", field.units, field.standard_name)


def on_level(name: str) -> tuple[str, float | None]:
    """The field and the level (hPa) of a name such as `z500`; no level for other names."""
    found = None if name in KNOWN else _ON_LEVEL.fullmatch(name)
    return (found["name"], float(found["level"])) if found else (name, None)


def never_negative(name: str) -> bool:
    """Whether a variable, such as `q` or `q700`, has no values below zero in SI units."""
    return on_level(name)[0] in _NOT_NEGATIVE


def channel_name(name: str, level: float | None) -> str:
    """`msl`, `z500`; of a level whose name is that of a field near the ground `u10hPa`."""
    if level is None:
        return name
    short = f"{name}{level:g}"
    return f"{short}hPa" if short in KNOWN else short


class Variables(Config):
    """The fields of a model, in the order of its tensors.

    Attributes:
        surface: single-level fields that are forecast.
        upper: fields that are forecast on all `levels`.
        levels: hPa, ascending.
        static: fields that never change, given to the model as input.
        forcing: inputs computed from time and place: `year` and `local_time` (sine and
            cosine), `insolation` at the top of the atmosphere.
    """

    surface: tuple[str, ...] = ()
    upper: tuple[str, ...] = ()
    levels: tuple[float, ...] = Field((), description="hPa, ascending")
    static: tuple[str, ...] = ()
    forcing: tuple[Forcing, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [*self.surface, *self.upper, *self.static]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} given twice; name each variable once")
        if not self.surface and not self.upper:
            raise ValueError("no variable to forecast; name some under surface or upper")
        if bool(self.upper) != bool(self.levels):
            raise ValueError("upper and levels go together; give both or neither")
        if list(self.levels) != sorted(set(self.levels)):
            raise ValueError(f"levels {self.levels} do not ascend; sort them")
        twice = [name for name, times in Counter(self.channels).items() if times > 1]
        if twice:
            raise ValueError(
                f"{', '.join(twice)} is both a surface field and an upper one on its level; "
                "leave one of them out"
            )
        return self

    def only(self, names: Collection[str]) -> "Variables":
        """Those that are named, at least one, on all levels; none that is static or computed."""
        upper = tuple(name for name in self.upper if name in names)
        surface = tuple(name for name in self.surface if name in names)
        return Variables(surface=surface, upper=upper, levels=self.levels if upper else ())

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of single 2-D fields: surface variables, then each upper one by level."""
        on_levels = [channel_name(name, level) for name in self.upper for level in self.levels]
        return (*self.surface, *on_levels)
