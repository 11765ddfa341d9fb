"""What the history of canonical data tells of their origin."""

from collections.abc import Iterator

import xarray as xr

from sciml.wording import count
from weather.checking.findings import Finding
from weather.files.history import forecasts, not_understood, releases, repeats, sums, times_left_out


def origin_of(dataset: xr.Dataset) -> Iterator[Finding]:
    """All that reading found and a user should know."""
    yield from _forecasts(dataset)
    yield from _dropped(dataset)
    yield from _not_common(dataset)
    yield from _summed(dataset)
    yield from _mixed(dataset)
    yield from _left_out(dataset)


def _forecasts(dataset: xr.Dataset) -> Iterator[Finding]:
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


def _dropped(dataset: xr.Dataset) -> Iterator[Finding]:
    """That times came twice, alike, and were taken once."""
    for line in repeats(dataset):
        source, _, came = line.partition(": ")
        yield Finding("time", "warning", f"of {source}: {came}", "each once", "were two files one?")


def _not_common(dataset: xr.Dataset) -> Iterator[Finding]:
    """That files were joined of which not all hold all fields at all times."""
    advice = "add the files that lack, or give fewer fields"
    for line in times_left_out(dataset):
        yield Finding("time", "warning", f"of the files together: {line}", "", advice)


def _summed(dataset: xr.Dataset) -> Iterator[Finding]:
    """That hourly rain beside 6-hourly fields was summed."""
    advice = "so that nothing is lost between the times that all fields have"
    for line in sums(dataset):
        yield Finding("time", "warning", f"of the files together: {line}", "", advice)


def _mixed(dataset: xr.Dataset) -> Iterator[Finding]:
    """That the early release of a reanalysis stands beside the final one."""
    for line in releases(dataset):
        advice = "of ERA5, 0001 is final and 0005 (ERA5T) may still be corrected"
        yield Finding("time", "warning", f"holds {line}", "one release", advice)


def _left_out(dataset: xr.Dataset) -> Iterator[Finding]:
    """That fields were not read, for a dimension such as the depth of soil, or for a unit."""
    found = not_understood(dataset)
    for todo in dict.fromkeys(found.values()):
        first, *others = (line for line in found if found[line] == todo)
        more = f" (and {len(others)} more)" if others else ""
        yield Finding("", "warning", f"{first}{more}", "", f"{todo} if it is wanted")
