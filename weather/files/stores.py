"""Public ERA5 stores in the cloud, by short names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_WEATHERBENCH = "gs://weatherbench2/datasets/era5"
_TERMS = "CC-BY 4.0; contains modified Copernicus Climate Change Service information"


@dataclass(frozen=True)
class Store:
    """A Zarr store that anyone may read.

    Attributes:
        address: fsspec URL.
        contents: resolution, levels, times.
        source: who keeps it.
        terms: licence, and what to say when results are published.
        options: of the file system; public stores are read without an account.
    """

    address: str
    contents: str
    source: str
    terms: str = _TERMS
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({"token": "anon"}))


STORES: dict[str, Store] = {
    "arco-era5": Store(
        "gs://gcp-public-data-arco-era5/ar/full_37-1h-0p25deg-chunk-1.zarr-v3",
        "hourly, 0.25 degrees, 37 levels, 1940 to now",
        "google-research/arco-era5",
    ),
    "wb2-era5-1440x721": Store(
        f"{_WEATHERBENCH}/1959-2023_01_10-wb13-6h-1440x721_with_derived_variables.zarr",
        "6-hourly, 0.25 degrees, 13 levels, 1959 to 2023",
        "google-research/weatherbench2",
    ),
    "wb2-era5-240x121": Store(
        f"{_WEATHERBENCH}/1959-2023_01_10-6h-240x121_equiangular_with_poles_conservative.zarr",
        "6-hourly, 1.5 degrees with poles, 13 levels, 1959 to 2023",
        "google-research/weatherbench2",
    ),
    "wb2-era5-64x32": Store(
        f"{_WEATHERBENCH}/1959-2023_01_10-6h-64x32_equiangular_conservative.zarr",
        "6-hourly, 5.625 degrees, 13 levels, 1959 to 2023",
        "google-research/weatherbench2",
    ),
}  # fmt: skip
