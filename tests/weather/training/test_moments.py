"""Statistics composed from a store are those measured over the data, whatever the period."""

import numpy as np
import pytest
import torch

from sciml.errors import InputError
from weather.files.reanalysis import open_reanalysis
from weather.training.data import WeatherDataset, all_variables, open_fields, samples
from weather.training.measure import find_masks, measure
from weather.training.moments import Pairs
from weather.training.prepare import Preparation, prepare
from weather.training.source import Choice
from weather.training.store import prepared_store, read_moments, statistics
from weather.variables import Variables

HOURS = 3600


@pytest.fixture(scope="module")
def store(waves, tmp_path_factory):
    """Waves every 36 h over three months, with two times missing, on 5 x 8 cells."""
    folder = tmp_path_factory.mktemp("moments")
    times = np.datetime64("2001-01-20", "ns") + np.arange(60) * np.timedelta64(36, "h")
    waves.assign_coords(time=times).drop_isel(time=[20, 41]).to_netcdf(folder / "waves.nc")
    out = folder / "waves.zarr"
    prepare([str(folder / "waves.nc")], [], Preparation(choice=Choice(grid="45")), out)
    return out


def fields_of(store, variables=None):
    dataset = open_reanalysis(store)
    return open_fields(dataset, variables or all_variables(dataset, ()), memory=1)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2001-01-20", "2001-05-01"),
        ("2001-02-01", "2001-04-01"),
        ("2001-01-25", "2001-03-14"),
        ("2001-02-10", "2001-02-20"),
    ],
)
def test_any_period_is_composed(start, end, store):
    fields = fields_of(store)
    data = samples(fields, (np.datetime64(start), np.datetime64(end)), 36 * HOURS, 2)
    composed, measured = statistics(data, store, 36 * HOURS), measure(data)
    assert composed.keys() == measured.keys()
    for name, moments in measured.items():
        torch.testing.assert_close(composed[name].mean, moments.mean, rtol=1e-14, atol=0)
        torch.testing.assert_close(composed[name].std, moments.std, rtol=1e-11, atol=0)
        torch.testing.assert_close(composed[name].change, moments.change, rtol=1e-11, atol=0)


def test_whole_months_are_not_read_again(store):
    class Unreadable:
        def __init__(self, fields):
            self.times, self.fields, self.cuts = fields.times, fields, []

        def cut(self, index):
            self.cuts.append(len(index))
            return self.fields.cut(index)

    fields = Unreadable(fields_of(store))
    data = samples(
        fields, (np.datetime64("2001-02-01"), np.datetime64("2001-04-01")), 36 * HOURS, 2
    )
    statistics(data, store, 36 * HOURS)
    assert sum(fields.cuts) == 1  # to learn which variables there are


def test_some_of_the_variables_and_levels(store):
    fields = fields_of(store, Variables(surface=("msl",), upper=("t",), levels=(850,)))
    data = samples(fields, (fields.times[0], fields.times[-1]), 36 * HOURS, 2)
    composed, measured = statistics(data, store, 36 * HOURS), measure(data)
    assert list(composed) == ["msl", "t"]
    torch.testing.assert_close(composed["t"].std, measured["t"].std, rtol=1e-11, atol=0)


def test_another_step_is_measured(store):
    fields = fields_of(store)
    data = samples(fields, (fields.times[0], fields.times[-1]), 72 * HOURS, 2)
    assert read_moments(store, 72 * HOURS) is None
    assert torch.equal(statistics(data, store, 72 * HOURS)["z"].change, measure(data)["z"].change)


def test_a_store_is_used_only_for_what_it_holds(store, waves_file):
    dataset = open_reanalysis(store)
    fields = fields_of(store)
    grid, times = fields.state.grid, dataset["time"].values
    variables = all_variables(dataset, ())
    assert prepared_store([waves_file, store], times, grid, variables) == store
    assert prepared_store([str(store)], times[1:], grid, variables) is None
    assert prepared_store([store], times, grid, Variables(surface=("t2m",))) is None
    assert prepared_store([waves_file, "s3://bucket/none.zarr"], times, grid, variables) is None


def test_no_pair_is_lost_or_counted_twice():
    times = np.datetime64("2001-01-30", "ns") + np.arange(20) * np.timedelta64(6, "h")
    pairs = Pairs.of(np.delete(times, 5), 6 * HOURS)
    assert pairs.months.tolist() == [[372, 372], [372, 373], [373, 373]]
    assert np.bincount(pairs.group).tolist() == [5, 1, 11]
    ends = [pairs.ending_in(first, first + 7) for first in (0, 7, 14)]
    assert np.concatenate(ends).tolist() == list(range(17))
    assert pairs.before(7, 14) == [6]


def test_masked_fields_are_composed_too(waves, tmp_path):
    """Of whole months and the days beside them; a hole beside the mask is found."""
    masked, hole = waves.copy(deep=True), waves.copy(deep=True)
    masked["time"] = masked["time"] + np.timedelta64(25, "D")
    for data in (masked, hole):
        data["t"][:, 1, 2, 3:6] = np.nan
        data["msl"][:, 4] = np.nan
    hole["t"][7, 1, 0, 0] = np.nan
    for name, data in (("masked", masked), ("hole", hole)):
        data.to_netcdf(tmp_path / f"{name}.nc")
        made = Preparation(allow_nan=True)
        prepare([str(tmp_path / f"{name}.nc")], [], made, tmp_path / f"{name}.zarr")
    dataset = open_reanalysis(tmp_path / "masked.zarr")
    fields = open_fields(dataset, all_variables(dataset, ()), memory=1)
    data = samples(fields, (fields.times[3], fields.times[-1]), 6 * HOURS, 2)
    masks = find_masks(data, "auto")
    composed = statistics(data, tmp_path / "masked.zarr", 6 * HOURS, masks)
    for name, moments in measure(data, masks).items():
        for part in ("mean", "std", "change"):
            made, expected = (getattr(m, part) for m in (composed[name], moments))
            torch.testing.assert_close(made, expected, rtol=1e-9, atol=0)
    dataset = open_reanalysis(tmp_path / "hole.zarr")
    fields = open_fields(dataset, all_variables(dataset, ()), memory=0)
    data = samples(fields, (fields.times[0], np.datetime64("2002")), 6 * HOURS, 2)
    with pytest.raises(InputError, match="t850 is NaN in 2 of 7375 values"):
        statistics(data, tmp_path / "hole.zarr", 6 * HOURS, find_masks(data, "auto"))


def test_nan_is_refused_as_measuring_does(waves, tmp_path):
    masked = waves.copy(deep=True)
    masked["t"][:, 1, 2, 3] = np.nan
    masked.to_netcdf(tmp_path / "nan.nc")
    prepare([str(tmp_path / "nan.nc")], [], Preparation(), tmp_path / "s.zarr")
    dataset = open_reanalysis(tmp_path / "s.zarr")
    fields = open_fields(dataset, all_variables(dataset, ()), memory=0)
    whole = samples(fields, (fields.times[0], np.datetime64("2002")), 6 * HOURS, 2)
    with pytest.raises(InputError, match="t850 is NaN in 59 of 7552 values"):
        statistics(whole, tmp_path / "s.zarr", 6 * HOURS)
    with pytest.raises(InputError, match="no training samples"):
        statistics(WeatherDataset(fields, whole.index[:0]), tmp_path / "s.zarr", 6 * HOURS)
