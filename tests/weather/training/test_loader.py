"""Windows read from a store's chunks are those cut from memory."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import BatchSampler

from sciml.config import load_config
from sciml.order import shuffled
from weather.files.reanalysis import open_reanalysis
from weather.training.buffers import Buffers
from weather.training.data import DataConfig, all_variables, open_fields, samples
from weather.training.experiment import ExperimentConfig, train
from weather.training.loader import StoreFields
from weather.training.prepare import Preparation, prepare
from weather.variables import Variables


@pytest.fixture(scope="module")
def stores(waves_file, tmp_path_factory):
    """By the number of times in a chunk."""
    folder, lengths = tmp_path_factory.mktemp("loader"), (1, 7)
    for length in lengths:
        out = folder / f"{length}.zarr"
        prepare([str(waves_file)], [], Preparation(time_chunk=length), out)
    return {length: folder / f"{length}.zarr" for length in lengths}


@pytest.fixture(scope="module", params=[1, 7])
def store(request, stores):
    return stores[request.param]


def same(first, second):
    return (
        torch.equal(first.surface, second.surface)
        and torch.equal(first.upper, second.upper)
        and torch.equal(first.time, second.time)
    )


@pytest.mark.parametrize(
    "variables",
    [
        None,
        Variables(upper=("t", "z"), levels=(500, 850)),
        Variables(surface=("msl",), upper=("t",), levels=(850,)),
        Variables(surface=("msl",)),
    ],
)
@pytest.mark.parametrize("apart", [1, 2, 5])
def test_a_batch_is_that_of_memory(apart, variables, store):
    dataset = open_reanalysis(store)
    variables = variables or all_variables(dataset, ())
    in_memory = open_fields(dataset, variables, memory=1, store=store)
    on_disk = open_fields(dataset, variables, memory=0, store=store)
    assert isinstance(on_disk, StoreFields)
    index = np.random.default_rng(0).integers(0, 50, 9)[:, None] + apart * np.arange(3)
    for memory in (0, 1e-5, 1):  # room for none, one or two, all chunks
        assert same(replace(on_disk, memory=memory).cut(index), in_memory.cut(index))


def test_the_last_chunk_may_be_short(stores):
    dataset = open_reanalysis(stores[7])
    assert dataset.sizes["time"] % 7
    variables, last = all_variables(dataset, ()), np.array([[dataset.sizes["time"] - 1]])
    fields = [open_fields(dataset, variables, memory, stores[7]) for memory in (0, 1)]
    assert same(fields[0].cut(last), fields[1].cut(last))


def epoch(fields):
    """Its batches, in the order of training."""
    data = samples(fields, (fields.times[0], fields.times[-1]), 21600, 2)
    batches = BatchSampler(shuffled(data, processes=1, rank=0, seed=0), 8, drop_last=False)
    return [data.__getitems__(batch) for batch in batches]


def test_an_epoch_decompresses_each_chunk_once_where_there_is_room(stores):
    dataset = open_reanalysis(stores[7])
    fields = open_fields(dataset, all_variables(dataset, ()), memory=0, store=stores[7])
    chunks = -(-len(fields.times) // 7)
    kept = replace(fields, memory=1)
    assert kept.kept == chunks
    batches = epoch(kept)
    assert kept.chunk.cache_info().misses == chunks
    assert kept.chunk_bytes == sum(values.nbytes for values in kept.chunk(0))
    assert fields.kept == 0
    assert all(map(same, epoch(fields), batches))
    assert fields.chunk.cache_info().misses > 2 * chunks


def test_large_fields_are_shuffled_freely(stores):
    dataset = open_reanalysis(stores[1])
    fields = open_fields(dataset, all_variables(dataset, ()), memory=0, store=stores[1])
    assert fields.kept == 0
    assert samples(fields, (fields.times[0], fields.times[-1]), 21600, 2).runs is None


def test_it_may_be_sent_to_another_process(store):
    dataset = open_reanalysis(store)
    fields = open_fields(dataset, all_variables(dataset, ()), memory=0, store=store)
    index = np.array([[3, 4], [50, 51]])
    batch = fields.cut(index)
    assert same(pickle.loads(pickle.dumps(fields)).cut(index), batch)


def trained(store, config, run, memory, workers=0):
    """Weights after two epochs."""
    config = load_config(ExperimentConfig, config)
    data = DataConfig(paths=[str(store)], memory=memory, forcing=config.data.forcing)
    training = config.training.model_copy(update={"workers": workers, "epochs": 2})
    config = config.model_copy(update={"data": data, "training": training})
    return train(config, run).forecaster.model.state_dict()


def test_training_from_large_fields_is_training_from_memory(stores, tiny_config, tmp_path):
    first = trained(stores[1], tiny_config["transformer"], tmp_path / "memory", memory=8)
    second = trained(stores[1], tiny_config["transformer"], tmp_path / "disk", memory=0)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.filterwarnings("ignore:os.fork")  # of JAX, where a simulation ran in this process
def test_training_from_chunks_depends_on_neither_memory_nor_workers(stores, tiny_config, tmp_path):
    config = tiny_config["transformer"]
    first = trained(stores[7], config, tmp_path / "none", memory=0)
    some = trained(stores[7], config, tmp_path / "some", memory=1e-5)
    workers = trained(stores[7], config, tmp_path / "workers", memory=0, workers=2)
    for name, values in first.items():
        assert torch.equal(some[name], values), name
        assert torch.equal(workers[name], values), name


def test_memory_is_used_again_only_when_nothing_refers_to_it(store):
    dataset = open_reanalysis(store)
    fields = open_fields(dataset, all_variables(dataset, ()), memory=0, store=store)
    index = np.array([[3, 4], [50, 51]])
    kept = fields.cut(index)
    place, values = kept.upper.data_ptr(), kept.upper.clone()
    part = kept.at(slice(1, 2)).upper[0]
    del kept
    other = fields.cut(index + 1)
    assert other.upper.data_ptr() != place
    assert torch.equal(part, values[0, 1:])
    del part
    assert fields.cut(index).upper.data_ptr() == place


def test_buffers_of_another_size_are_let_go():
    buffers = Buffers()
    held = buffers.take(10)
    buffers.take(20)
    assert [len(buffer) for buffer in buffers.buffers] == [10, 20]
    assert buffers.take(30) is not held
    assert [len(buffer) for buffer in buffers.buffers] == [10, 30]
