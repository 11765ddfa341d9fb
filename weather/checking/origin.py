"""What the history of canonical data tells of their origin."""

from collections.abc import Iterator

import xarray as xr

from sciml.wording import count
from weather.checking.findings import Finding
from weather.files.history import forecasts


def forecasts_as_analyses(dataset: xr.Dataset) -> Iterator[Finding]:
    """That forecasts were read by their valid times, as analyses are."""
    if found := forecasts(dataset):
        more = f" (and {count(len(found) - 1, 'more file')})" if len(found) > 1 else ""
        yield Finding(
            "time",
            "warning",
            f"holds valid times of forecasts, {found[0]}{more}",
            "analyses",
            "give these, or go on if forecasts are what you mean",
        )
