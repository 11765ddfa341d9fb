"""Windows read from a store's chunks are those cut from memory."""

import pickle

import numpy as np
import pytest
import torch

from sciml.config import load_config
from weather.files.reanalysis import open_reanalysis
from weather.training.buffers import Buffers
from weather.training.data import DataConfig, all_variables, open_fields
from weather.training.experiment import ExperimentConfig, train
from weather.training.loader import StoreFields
from weather.training.prepare import Preparation, prepare
from weather.variables import Variables


@pytest.fixture(scope="module")
def store(waves_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("loader") / "waves.zarr"
    prepare([str(waves_file)], [], Preparation(time_chunk=3), out)
    return out


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
    index = np.random.default_rng(0).integers(0, 40, 9)[:, None] + apart * np.arange(3)
    assert same(on_disk.cut(index), in_memory.cut(index))


def test_it_may_be_sent_to_another_process(store):
    dataset = open_reanalysis(store)
    fields = open_fields(dataset, all_variables(dataset, ()), memory=0, store=store)
    index = np.array([[3, 4], [50, 51]])
    batch = fields.cut(index)
    assert same(pickle.loads(pickle.dumps(fields)).cut(index), batch)


@pytest.mark.filterwarnings("ignore:os.fork")  # of JAX, where a simulation ran in this process
@pytest.mark.parametrize("workers", [0, 2])
def test_training_from_chunks_is_training_from_memory(workers, store, tiny_config, tmp_path):
    config = load_config(ExperimentConfig, tiny_config["transformer"])
    weights = []
    for memory, processes in ((8, 0), (0, workers)):
        data = DataConfig(paths=[str(store)], memory=memory, forcing=config.data.forcing)
        training = config.training.model_copy(update={"workers": processes, "epochs": 2})
        here = config.model_copy(update={"data": data, "training": training})
        weights.append(train(here, tmp_path / str(memory)).forecaster.model.state_dict())
    for name, values in weights[0].items():
        assert torch.equal(weights[1][name], values), name


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
