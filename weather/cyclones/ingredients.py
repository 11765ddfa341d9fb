"""Which fields of a data set say what about a storm."""

from collections.abc import Mapping
from dataclasses import dataclass

import xarray as xr

from sciml.errors import InputError
from weather.cyclones.criteria import Criteria
from weather.variables import channel_name, on_level
from weather.verification.cases import Channel, channels

_DENSITY = 1.2  # kg m-3 of air near the ground: pressure over geopotential
_STEERING = (850.0, 700.0, 500.0)  # hPa


@dataclass(frozen=True)
class Ingredients:
    """Names of the fields that are used, chosen once for a data set.

    Attributes:
        depth: the field whose minimum, or for winds vorticity maximum, is a centre.
        vorticity: a field of vorticity, or two of wind.
        warmth, thickness, wind, steering: likewise; empty where there is none.
    """

    fields: Mapping[str, Channel]
    depth: str
    vorticity: tuple[str, ...]
    warmth: tuple[str, ...]
    thickness: tuple[str, ...]
    wind: tuple[str, ...]
    steering: tuple[str, ...]

    @classmethod
    def of(cls, dataset: xr.Dataset) -> "Ingredients":
        """Choose among the fields of a canonical data set or forecast.

        Raises:
            InputError: if nothing there shows a centre.
        """
        fields = {channel.name: channel for channel in channels(dataset)}
        low = _levels(fields, ("u", "v"), near=850, within=(700, 1000))
        vorticity = _first(
            _names("vo", _levels(fields, ("vo",), near=850, within=(700, 1000))[:1]),
            _names("u v", low[:1]),
            ("u10", "v10"),
            there=fields,
        )
        heights = _levels(fields, ("z",), near=1000, within=(850, 1000))
        depth = _first(("msl",), _names("z", heights[:1]), there=fields)
        if not depth and not vorticity:
            raise InputError(
                "nothing here shows a cyclone; expected msl, z near the ground, u10 and v10, "
                f"or vo or u and v near 850 hPa (there are {', '.join(fields)})"
            )
        warm = _levels(fields, ("t",), near=300, within=(200, 500))
        upper = _levels(fields, ("z",), near=300, within=(200, 400))
        middle = _levels(fields, ("z",), near=500, within=(500, 700))
        return cls(
            fields=fields,
            depth=depth[0] if depth else "vorticity",
            vorticity=vorticity,
            warmth=_names("t", sorted(warm)),
            thickness=_names("z", [upper[0], middle[0]]) if upper and middle else (),
            wind=_first(("u10", "v10"), _names("u v", low[-1:]), there=fields),
            steering=_names(
                "u v", [p for p in _STEERING if {f"u{p:g}", f"v{p:g}"} <= fields.keys()]
            ),
        )

    def describe(self) -> list[str]:
        """Lines that say which checks are made with which fields, and which cannot be."""
        centre = "maximum of vorticity" if self.depth == "vorticity" else f"minimum of {self.depth}"
        lines = [f"centre: {centre}"]
        needs = {
            "vorticity": "vo, or u and v, near 850 hPa",
            "warmth": "t between 500 and 200 hPa",
            "thickness": "z at 500 and near 300 hPa",
            "wind": "u10 and v10",
            "steering": "u and v at 850, 700 or 500 hPa",
        }
        names = {"warmth": "warm core", "steering": "steering flow"}
        for role, need in needs.items():
            used = getattr(self, role)
            what = f"from {', '.join(used)}" if used else f"not checked: no {need}"
            lines.append(f"{names.get(role, role)}: {what}")
        return lines

    def rise(self, criteria: Criteria) -> float:
        """By how much `depth` rises around a storm, in its own unit."""
        if self.depth == "msl":
            return criteria.pressure_rise
        if self.depth == "vorticity":
            return criteria.vorticity
        return criteria.pressure_rise / _DENSITY


def _levels(
    fields: Mapping[str, Channel], names: tuple[str, ...], near: float, within: tuple[float, float]
) -> list[float]:
    """Levels (hPa) at which all these variables are, the nearest to `near` first."""
    first = (on_level(name) for name in fields)
    levels = {level for name, level in first if name == names[0] and level is not None}
    found = [
        level
        for level in levels
        if within[0] <= level <= within[1] and all(channel_name(n, level) in fields for n in names)
    ]
    return sorted(found, key=lambda level: abs(level - near))


def _names(variables: str, levels: list[float]) -> tuple[str, ...]:
    return tuple(channel_name(name, level) for level in levels for name in variables.split())


def _first(*choices: tuple[str, ...], there: Mapping[str, Channel]) -> tuple[str, ...]:
    """The first choice that is there as a whole."""
    return next((c for c in choices if c and all(name in there for name in c)), ())
