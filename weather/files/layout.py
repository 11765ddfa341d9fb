"""How a file arranges its fields: what a forecast needs to come back as the analysis came.

A canonical data set carries the layout of the files it was read from as JSON in its
attribute `layout`, so that it survives selection and storage.
"""

from typing import Self

import xarray as xr
from pydantic import Field

from sciml.config import Config
from sciml.errors import InputError

ATTRIBUTE = "layout"


class FieldLayout(Config):
    """One field as its file has it.

    Attributes:
        name: in the file.
        dims: canonical names (`time`, `member`, `level`, `lat`, `lon`) in the file's order.
        units: of the values, as the file spells them; None where it states none.
        dtype: of the values on disk once unpacked: `float32`, `float64`; the former for integers.
        level: hPa, ascending, where the field is on fewer levels than its data set.
        attributes: of the variable, but for its units.
    """

    name: str
    dims: tuple[str, ...]
    units: str | None = None
    dtype: str = "float32"
    level: tuple[float, ...] = ()
    attributes: dict[str, str | float | int] = Field(default_factory=dict)


class Layout(Config):
    """Names, order and units of a file's dimensions and fields.

    Attributes:
        dims: the file's name of each canonical dimension that it has.
        lat, lon: degrees, in the file's order and convention, poles included if it has them.
        level: in the file's order and unit.
        level_units: `hPa` or `Pa`.
        dtypes: of the coordinates `lat`, `lon`, `level`.
        fields: by canonical name.
    """

    dims: dict[str, str]
    lat: tuple[float, ...]
    lon: tuple[float, ...]
    level: tuple[float, ...] = ()
    level_units: str = "hPa"
    dtypes: dict[str, str] = Field(default_factory=dict)
    fields: dict[str, FieldLayout] = Field(default_factory=dict)

    @classmethod
    def of(cls, dataset: xr.Dataset) -> Self:
        """The layout of the files that a canonical data set came from.

        Raises:
            InputError: if the data set carries none.
        """
        if ATTRIBUTE not in dataset.attrs:
            raise InputError("the data does not tell how its files were laid out")
        return cls.model_validate_json(dataset.attrs[ATTRIBUTE])

    def attach(self, dataset: xr.Dataset) -> xr.Dataset:
        """The data set with this layout."""
        return dataset.assign_attrs({ATTRIBUTE: self.model_dump_json()})
