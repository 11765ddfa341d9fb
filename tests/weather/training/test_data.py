"""Windows of times, periods, and statistics."""

import numpy as np
import pytest
import torch

from sciml.errors import InputError
from weather.files.reanalysis import open_reanalysis, to_state
from weather.training.data import (
    DataConfig,
    DiskFields,
    MemoryFields,
    all_variables,
    open_fields,
    samples,
    split,
)
from weather.training.measure import find_masks, measure
from weather.training.periods import require_times, time_step, windows
from weather.variables import Variables

SIX_HOURS = 21600


def times(*hours):
    return np.datetime64("2001-01-01", "ns") + np.array(hours) * np.timedelta64(1, "h")


def test_no_window_straddles_a_gap():
    series = times(0, 6, 12, 24, 30, 36, 42)  # 18 is missing
    assert windows(series, SIX_HOURS, 3).tolist() == [[0, 1, 2], [3, 4, 5], [4, 5, 6]]


def test_a_longer_step_than_the_data_has():
    series = times(*range(0, 60, 6))
    assert windows(series, 86400, 3).tolist() == [[0, 4, 8], [1, 5, 9]]


def test_the_step_is_the_most_common_one():
    assert time_step(times(0, 6, 12, 36, 42), None) == SIX_HOURS
    assert time_step(times(0, 6, 12, 18, 24), 12) == 2 * SIX_HOURS
    with pytest.raises(InputError, match="no two times are 7 h apart"):
        time_step(times(0, 6, 12), 7)
    with pytest.raises(InputError, match="1 times in the data"):
        time_step(times(0), None)


def test_periods_by_year_and_by_day():
    config = DataConfig(train=(2000, 2007), valid=("2008-01-01", "2008-06-30"))
    periods = split(times(0), config)
    assert periods["train"] == (np.datetime64("2000-01-01"), np.datetime64("2008-01-01"))
    assert periods["valid"][1] == np.datetime64("2008-07-01")
    assert "test" not in periods


def test_without_periods_the_first_four_fifths_train():
    series = times(*range(0, 600, 6))
    periods = split(series, DataConfig())
    count = {name: ((series >= a) & (series < b)).sum() for name, (a, b) in periods.items()}
    assert count == {"train": 80, "valid": 10, "test": 10}
    with pytest.raises(InputError, match="4 times do not divide into training, validation and"):
        split(series[:4], DataConfig())


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (DataConfig(train=(2000, 2008), valid=(2008, 2008)), "data.train and data.valid overlap"),
        (DataConfig(train=("spring", 2008)), "cannot read"),
        (DataConfig(train=(2008, 2000)), "ends before it starts"),
        (DataConfig(test=(2008, 2008)), "without data.train"),
    ],
)
def test_periods_that_cannot_be(config, message):
    with pytest.raises(InputError, match=message):
        split(times(0), config)


def test_a_period_that_the_data_do_not_reach():
    days = times(0)
    start = days[-1] + np.timedelta64(1, "D")
    with pytest.raises(InputError, match=r"data.valid is .* the data .*: choose a period in it"):
        require_times(days, "valid", (start, start + np.timedelta64(9, "D")))
    require_times(days, "valid", (days[-1], start))


def test_a_period_may_be_written_as_an_interval():
    assert DataConfig(train="2000/2007-06").train == ("2000", "2007-06")
    plain = DataConfig(train=(20000101, 20070630))  # as YAML reads dates without separators
    assert plain.train == ("20000101", "20070630")


def test_no_sample_leaves_its_period(waves_file):
    dataset = open_reanalysis(waves_file)
    fields = open_fields(dataset, all_variables(dataset, ()), memory=1)
    data = samples(fields, (fields.times[10], fields.times[20]), SIX_HOURS, 3)
    assert len(data) == 8
    batch = data.__getitems__(range(8))
    assert batch.datetimes().min() == fields.times[10]
    assert batch.datetimes().max() == fields.times[19]


def test_all_variables_are_told_apart(waves_file):
    found = all_variables(open_reanalysis(waves_file), ("year",))
    assert found == Variables(
        surface=("msl",), upper=("z", "t"), levels=(500, 850), static=("z_surface",),
        forcing=("year",),
    )  # fmt: skip


def test_disk_gives_what_memory_gives(waves_file):
    dataset = open_reanalysis(waves_file)
    variables = all_variables(dataset, ())
    in_memory = open_fields(dataset, variables, memory=1)
    on_disk = open_fields(dataset, variables, memory=0)
    assert isinstance(in_memory, MemoryFields)
    assert isinstance(on_disk, DiskFields)
    index = np.array([[3, 4, 5], [50, 51, 52], [4, 5, 6]])
    first, second = in_memory.cut(index), on_disk.cut(index)
    assert torch.equal(first.surface, second.surface)
    assert torch.equal(first.upper, second.upper)
    assert torch.equal(first.time, second.time)


def test_statistics_in_one_pass_are_those_of_the_whole(waves, waves_file):
    dataset = open_reanalysis(waves_file)
    fields = open_fields(dataset, all_variables(dataset, ()), memory=1)
    end = fields.times[-1] + np.timedelta64(1, "s")
    moments = measure(samples(fields, (fields.times[0], end), SIX_HOURS, 2), chunk=7)
    z = to_state(dataset, Variables(upper=("z",), levels=(850,))).upper[0, :, 0, 0].double()
    torch.testing.assert_close(moments["z"].mean[1], z[:-1].mean(), rtol=1e-12, atol=0)
    torch.testing.assert_close(moments["z"].std[1], z[:-1].std(correction=0), rtol=1e-9, atol=0)
    change = z.diff(dim=0).std(correction=0)
    torch.testing.assert_close(moments["z"].change[1], change, rtol=1e-9, atol=0)
    assert moments["msl"].mean.shape == (1,)


def test_nan_is_named_by_variable_time_and_level(waves, tmp_path):
    spoiled = waves.copy(deep=True)
    spoiled["t"][7, 1, 2, 3] = np.nan
    spoiled.to_netcdf(tmp_path / "nan.nc")
    dataset = open_reanalysis(tmp_path / "nan.nc")
    with pytest.raises(InputError, match="t at 850 hPa is NaN or infinite at 2001-01-02T18:00"):
        open_fields(dataset, all_variables(dataset, ()), memory=1)
    on_disk = open_fields(dataset, all_variables(dataset, ()), memory=0)
    whole = (on_disk.times[0], on_disk.times[-1])
    with pytest.raises(InputError, match="t at 850 hPa"):
        measure(samples(on_disk, whole, SIX_HOURS, 2))


def test_holes_that_never_close_are_masks_unless_refused(holed, tmp_path):
    holed.to_netcdf(tmp_path / "holed.nc")
    dataset = open_reanalysis(tmp_path / "holed.nc")
    fields = [open_fields(dataset, all_variables(dataset, ()), memory) for memory in (1, 0)]
    windows = [samples(each, (each.times[0], each.times[-1]), SIX_HOURS, 2) for each in fields]
    in_memory, on_disk = (find_masks(each, "auto", chunk=25) for each in windows)
    assert {name: cells.shape for name, cells in in_memory.items()} == {
        "msl": (10, 14), "t": (2, 10, 14)
    }  # fmt: skip
    assert all(torch.equal(in_memory[name], on_disk[name]) for name in in_memory)
    with pytest.raises(InputError, match="msl is NaN at all times in 6 of 140 cells"):
        find_masks(windows[0], "refuse")


def test_a_hole_that_opens_is_no_mask(waves, tmp_path):
    waves.assign(t=waves.t.where(waves.time > waves.time[5])).to_netcdf(tmp_path / "late.nc")
    dataset = open_reanalysis(tmp_path / "late.nc")
    on_disk = open_fields(dataset, all_variables(dataset, ()), memory=0)
    data = samples(on_disk, (on_disk.times[0], on_disk.times[-1]), SIX_HOURS, 2)
    assert find_masks(data, "auto", chunk=3) == {}


def test_a_level_without_any_value_is_refused(waves, tmp_path):
    waves.assign(t=waves.t.where(waves.level < 800)).to_netcdf(tmp_path / "empty.nc")
    dataset = open_reanalysis(tmp_path / "empty.nc")
    fields = open_fields(dataset, all_variables(dataset, ()), memory=1)
    data = samples(fields, (fields.times[0], fields.times[-1]), SIX_HOURS, 2)
    with pytest.raises(InputError, match="t has no value at all on some level"):
        find_masks(data, "auto")
