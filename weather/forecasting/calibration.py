"""The spread of an ensemble, set right by what past forecasts showed.

Members x are moved about their mean m by a factor for each field and lead time,

    x' = m + g (x - m),   g = RMSE of the mean / sqrt(s² + v)

of past forecasts of the same model and settings, where s² is the variance of members and v that
of their mean: s² / M of independent members, about none of those that come in plus and minus.
With it their spread would have been as large as their error. The mean stays, and each member
stays a field of its own with its lows where they were (member-by-member calibration: Van
Schaeybroeck and Vannitsem 2015, Q. J. R. Meteorol. Soc. 141, 807, here with the spread alone;
Johnson and Bowler 2009, Mon. Weather Rev. 137, 1717).
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import zarr
from numpy.typing import NDArray
from pydantic import ValidationError

from sciml.config import Config
from sciml.errors import InputError
from sciml.files import write_text
from weather.files.forecast_layout import in_hectopascal
from weather.files.layout import Layout
from weather.forecasting.perturbations import PAIRED
from weather.forecasting.planner import Plan
from weather.variables import channel_name, never_negative

Setting = str | float | int | None


class SpreadCalibration(Config):
    """Factors of the spread, and which forecasts they are for.

    Attributes:
        model_sha256: of the model files, as their forecasts state it.
        settings: of the perturbations, see `settings`.
        period: `first..end` of the past forecasts, not to be scored on.
        cases: past forecasts that it was fitted on.
        members: of each of these; None of calibrations that do not tell.
        lead_hours: ascending.
        factors: by field, such as `z500`: one for each lead time.
    """

    model_sha256: str
    settings: dict[str, Setting]
    period: str
    cases: int
    members: int | None = None
    lead_hours: tuple[float, ...]
    factors: dict[str, tuple[float, ...]]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            InputError: another kind of file.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise InputError(
                f"cannot read {path} as a calibration; give the .json of weather calibrate"
            ) from error

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_text(path, self.model_dump_json(indent=1) + "\n")

    @property
    def sha256(self) -> str:
        """Of the contents, for the files that it scales."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def at(self, field: str, hours: Sequence[float]) -> NDArray[np.float64]:
        """Factors at some lead times, linear between those that were fitted."""
        return np.interp(hours, self.lead_hours, self.factors[field])

    def of_members(self, number: int) -> "SpreadCalibration":
        """The factors for forecasts of another number of members.

        The mean of M' members errs by k s² + v' where k = g² (1 + v / s²) - v / s² is what the
        truth varies about the mean of infinitely many, in variances of these; so
        g'² = (k + v' / s²) / (1 + v' / s²).
        """
        if self.members is None:
            return self
        paired = self.settings.get("method") in PAIRED
        before, after = (_of_mean(members, paired) for members in (self.members, number))
        factors = {name: np.square(found) for name, found in self.factors.items()}
        factors = {
            name: np.sqrt(np.maximum(g * (1 + before) - before + after, 0) / (1 + after))
            for name, g in factors.items()
        }
        told = {name: tuple(found.tolist()) for name, found in factors.items()}
        return self.model_copy(update={"members": number, "factors": told})

    def require(self, attributes: Mapping[str, object], fields: Sequence[str], plan: Plan) -> None:
        """Check that it was made for such forecasts.

        Args:
            attributes: of their file.
            fields: that they hold, such as `z500`.
            plan: of their lead times.

        Raises:
            InputError: another model or other perturbations, or fields or lead times without
                factors.
        """
        if attributes.get("model_sha256") != self.model_sha256:
            raise InputError("the calibration was fitted on forecasts of another model")
        own = settings(attributes)
        if own != self.settings:
            raise InputError(
                f"the calibration was fitted on members with {_told(self.settings, own)}, these "
                f"have {_told(own, self.settings)}: give the same options, or fit another"
            )
        if missing := [field for field in fields if field not in self.factors]:
            raise InputError(f"the calibration has no factors for {', '.join(missing)}")
        first, last = (hours * 3600 for hours in (self.lead_hours[0], self.lead_hours[-1]))
        outside = [lead for lead in plan.leads if not first <= lead <= last]
        if outside:
            raise InputError(
                f"the calibration covers lead times from {first / 3600:g} to {last / 3600:g} h, "
                f"not {outside[0] / 3600:g} h: leave it out (--leads), or fit another"
            )


def settings(attributes: Mapping[str, object]) -> dict[str, Setting]:
    """What a forecast file says of its perturbations, but for number of members and seed."""
    told = json.loads(str(attributes.get("ensemble", "{}")))
    return {key: value for key, value in told.items() if key not in ("members", "seed")}


def _of_mean(members: int, paired: bool) -> float:
    """Variance of the mean of members over their own; of pairs that are symmetric."""
    return members % 2 / members**2 if paired else 1 / members


def about_mean(
    members: NDArray[np.floating], factor: NDArray[np.float64] | float, axis: int
) -> NDArray[np.float64]:
    """Members moved about their mean.

    Args:
        members: any shape.
        factor: broadcasts to it.
        axis: of the members.
    """
    mean = members.mean(axis=axis, keepdims=True, dtype=np.float64)
    return mean + factor * (members - mean)


def calibrated_copy(
    store: Path, layout: Layout, calibration: SpreadCalibration, leads: Sequence[int]
) -> Path:
    """A complete working store once more, with another spread.

    Args:
        store: of a forecast with members; stays as it is, so that a run that is stopped can
            come back to it.
        layout: of the store.
        calibration: see there.
        leads: seconds.

    Returns:
        Path beside the store.
    """
    copy = store.with_name("calibrated.zarr")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(store, copy)
    group = zarr.open_group(copy, mode="r+")
    hours = [lead / 3600 for lead in leads]
    for name, field in layout.fields.items():
        array = group[field.name]
        assert isinstance(array, zarr.Array)
        names = _levels(name, layout) if "level" in field.dims else [name]
        number = array.shape[field.dims.index("member")]
        own = calibration.of_members(number)
        factors = np.stack([own.at(each, hours) for each in names])  # (level, lead)
        positive = never_negative(name) and name != "sst"  # which a file may have in Celsius
        _scale(array, field.dims, factors, positive)
    group.attrs["calibration_sha256"] = calibration.sha256
    group.attrs["calibration_period"] = calibration.period
    group.attrs["calibration"] = (
        f"spread scaled by factors of field and lead time, from {calibration.cases} past forecasts"
    )
    return copy


def _scale(
    array: zarr.Array, dims: tuple[str, ...], factors: NDArray[np.float64], positive: bool
) -> None:
    """All members of one initial and lead time at once, in place."""
    times = array.shape[dims.index("time")] if "time" in dims else 1
    inside = [dim for dim in dims if dim not in ("time", "lead_time")]
    shape = [-1 if dim == "level" else 1 for dim in inside]
    for time, lead in np.ndindex(times, factors.shape[1]):
        place = {"time": time, "lead_time": lead}
        index = tuple(place.get(dim, slice(None)) for dim in dims)
        values = np.asarray(array[index])
        scaled = about_mean(values, factors[:, lead].reshape(shape), inside.index("member"))
        array[index] = (scaled.clip(min=0) if positive else scaled).astype(values.dtype)


def _levels(name: str, layout: Layout) -> list[str]:
    """Names such as `z500` in the order of the file."""
    levels = in_hectopascal(layout.level, layout.level_units)
    return [channel_name(name, level) for level in levels]


def _told(chosen: Mapping[str, Setting], besides: Mapping[str, Setting]) -> str:
    """What differs from other settings."""
    differ = [f"{key} {value}" for key, value in chosen.items() if besides.get(key) != value]
    return ", ".join(differ) or "no perturbations"
