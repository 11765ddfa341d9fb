"""Cells without values are found by reading no more than must be read."""

import collections
from functools import partial

import numpy as np
import pytest
import torch
import xarray as xr
import zarr

from weather.files.reanalysis import open_reanalysis
from weather.training import measure
from weather.training.data import DataConfig, all_variables, open_fields, samples
from weather.training.loader import StoreFields
from weather.training.measure import find_masks
from weather.training.prepare import Preparation, prepare
from weather.training.series import open_data
from weather.training.store import MOMENTS, standing_masks
from weather.variables import Variables

TIMES = 40


@pytest.fixture
def reads(monkeypatch):
    """Counts times read, by variable, in pieces of few."""
    counted, cut = collections.Counter(), StoreFields.cut

    def counting(self, index):
        for name in (*self.variables.surface, *self.variables.upper):
            counted[name] += index.size
        return cut(self, index)

    monkeypatch.setattr(StoreFields, "cut", counting)
    monkeypatch.setattr(measure, "_PIECE", 3000)
    return counted


@pytest.fixture
def store(waves, tmp_path):
    """A prepared store with a mask that stays, and t that has holes now and then."""
    there = waves.latitude < 50
    spotty = waves.t.copy()
    spotty[1::2, 1, 2, 3] = np.nan
    water = (280 + 0.01 * (waves.msl - 101000)).where(there).assign_attrs(units="K")
    path = tmp_path / "raw.nc"
    waves.assign(sst=water, t=spotty.assign_attrs(waves.t.attrs)).to_netcdf(path)
    out = tmp_path / "store.zarr"
    prepare([str(path)], [], Preparation(time_chunk=1, allow_nan=True), out)
    return out


def single(store):
    """Its fields on disk, one time after the other, of the first ten days."""
    dataset = open_reanalysis(store)
    fields = open_fields(dataset, all_variables(dataset, ()), 0, store)
    return samples(fields, (fields.times[0], fields.times[TIMES]), 0, 1)


def found(store):
    data = single(store)
    return find_masks(data, "auto", standing=partial(standing_masks, store, data))


def group(store):
    return zarr.open_group(store, path=MOMENTS, mode="r+")


def test_a_store_says_which_masks_stay(store, reads):
    assert sorted(group(store).attrs["standing_masks"]) == ["msl", "sst", "z"]
    masks, water = found(store), xr.open_zarr(store).sst
    assert list(masks) == ["sst"]
    assert torch.equal(masks["sst"], torch.from_numpy(water[0].isnull().values))
    assert max(reads.values()) < TIMES / 2


def test_a_training_believes_its_store(store, reads):
    few = Variables(surface=("sst", "msl"), upper=("z",), levels=(500, 850))
    config = DataConfig(paths=(str(store),), variables=few, memory=0)
    assert list(open_data(config, print).masks) == ["sst"]
    assert max(reads.values()) < TIMES / 2


def test_a_store_without_the_record_is_read_where_masks_may_be(store, reads):
    expected = found(store)
    reads.clear()
    del group(store).attrs["standing_masks_times"]
    masks = found(store)
    assert list(masks) == list(expected)
    assert torch.equal(masks["sst"], expected["sst"])
    assert TIMES <= reads["sst"] < TIMES + 10
    assert reads["msl"] < TIMES / 2


@pytest.mark.parametrize("changed", [slice(20, 40), slice(0, 1)])
def test_a_record_that_is_no_longer_true_is_not_believed(changed, store, reads):
    zarr.open_group(store, mode="r+")["sst"][changed, 0, :4] = 280.0
    masks = found(store)
    assert int(masks["sst"].sum()) == int(
        xr.open_zarr(store).sst[:TIMES].isnull().all("time").sum()
    )
    assert reads["sst"] >= TIMES


@pytest.mark.filterwarnings("ignore:Consolidated metadata")
def test_a_store_that_was_continued_is_read(store, reads):
    later = xr.open_zarr(store).isel(time=slice(4)).load()
    later = later.assign_coords(time=later.time + np.timedelta64(15, "D"))
    later = later.drop_vars([n for n in later.variables if "time" not in later[n].dims])
    for variable in later.variables.values():
        variable.encoding = {}
    later.to_zarr(store, append_dim="time", consolidated=False)
    zarr.consolidate_metadata(store)
    assert open_reanalysis(store).sizes["time"] == 64
    assert not standing_masks(store, single(store), ["sst"])
    assert list(found(store)) == ["sst"]
    assert reads["sst"] >= TIMES


def test_fields_of_some_variables_are_those_of_all(store):
    some = single(store)
    few = some.only(["t", "sst"])
    batch, part = some.__getitems__([1, 5]), few.__getitems__([1, 5])
    assert (part.variables.surface, part.variables.upper) == (("sst",), ("t",))
    sst, t = batch.variables.surface.index("sst"), batch.variables.upper.index("t")
    torch.testing.assert_close(part.surface[:, :, 0], batch.surface[:, :, sst], equal_nan=True)
    torch.testing.assert_close(part.upper[:, :, 0], batch.upper[:, :, t], equal_nan=True)
    assert few.fields.times is some.fields.times
