"""Estimates of trainings: what they say, and beside what a real run took."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

from sciml.config import load_config, named_config
from weather.training.estimate import advice, estimate_training
from weather.training.experiment import ExperimentConfig, train
from weather.training.prepare import Preparation, prepare


def experiment(path: Path, config: Path | None = None, *overrides: str) -> ExperimentConfig:
    return load_config(ExperimentConfig, config, [f"data.paths=[{path}]", *overrides])


def test_steps_parameters_and_disk_are_those_of_the_run(waves_file, tiny_config, tmp_path):
    config = experiment(
        waves_file, tiny_config["graph"], "training.ema_decay=0.9", "training.epochs=2",
        "training.accumulate=2", "training.batch_size=4", "model.backbone.dim=64",
        "training.max_steps=7",
    )  # fmt: skip
    estimate = estimate_training(config, device="cpu")
    trained = train(config, tmp_path / "run")
    assert estimate.parameters == trained.fit.parameters
    assert estimate.steps == trained.fit.steps == 6  # two epochs of three
    names = ("best.ckpt", "last.ckpt", "model.safetensors")
    written = sum((tmp_path / "run" / name).stat().st_size for name in names)
    assert estimate.disk == pytest.approx(written, rel=0.25)  # the rest is names


def test_what_takes_more_memory(waves_file, tiny_config):
    def memory(*overrides: str) -> int:
        config = experiment(waves_file, tiny_config["transformer"], *overrides)
        parts = estimate_training(config, device="cpu").parts
        return sum(size for name, size in parts.items() if name != "process")

    plain = memory()
    assert memory("training.batch_size=16") > plain
    assert memory("objective.steps=2") > plain
    assert memory("training.ema_decay=0.9") > plain
    assert memory("model.backbone.checkpoint=true") < plain


def test_data_are_held_whole_or_as_the_chunks_in_use(waves_file, tiny_config, tmp_path):
    store = tmp_path / "waves.zarr"
    prepare([str(waves_file)], [], Preparation(time_chunk=7), store)
    size = 60 * 5 * 8 * 16 * 4  # times, fields, cells, bytes
    held = {1: size, 0.6 * size / 2**30: size * 7 * 5 // 60, 0: 0}  # five chunks of seven times
    for memory, expected in held.items():
        config = experiment(store, tiny_config["graph"], f"data.memory={memory:.9f}")
        assert estimate_training(config, "cpu").parts["data"] == expected


def test_several_time_steps_count_as_so_many_samples(waves_file, tiny_config):
    steps = [
        estimate_training(
            experiment(waves_file, tiny_config["graph"], f"data.step_hours={hours}"), "cpu"
        ).steps
        for hours in (6, [6, 12])
    ]
    assert steps == [47 // 8, 2 * 46 // 8]


def test_shipped_configurations_on_a_small_grid(waves_file):
    """Variables that the data lacks do not matter."""
    for name in ("pangu", "graphcast"):
        options = ["model.backbone.refinements=1"] if name == "graphcast" else []
        if name == "pangu":
            options = ["model.backbone.patch=[2, 1, 1]", "model.backbone.window=[2, 2, 4]"]
        config = experiment(waves_file, named_config("weather", name), *options)
        estimate = estimate_training(config, "cpu")
        assert estimate.parameters > 2e7
        assert estimate.note == ""


def test_a_period_without_samples_gives_the_time_of_one_step(waves_file, tiny_config):
    config = experiment(waves_file, tiny_config["graph"], "data.train=[1990, 1999]")
    estimate = estimate_training(config, "cpu")
    assert estimate.steps == 1
    assert estimate.note == "no samples in data.train: the time is that of one step"


def test_advice_names_what_is_not_chosen_yet():
    plain = ExperimentConfig()
    text = advice(plain.training, plain.model, steps=2)
    for part in ("objective.steps", "training.batch_size", "checkpoint: true", "bf16-mixed"):
        assert part in text
    pangu = load_config(ExperimentConfig, named_config("weather", "pangu"))
    assert (
        advice(pangu.training, pangu.model)
        == "lower training.batch_size (and raise training.accumulate)"
    )


ESTIMATE = """
import sys
from pathlib import Path
from sciml.config import load_config
from weather.training.estimate import estimate_training
from weather.training.experiment import ExperimentConfig
config = load_config(ExperimentConfig, Path(sys.argv[2]), [f"data.paths=[{sys.argv[1]}]"])
print("peak", estimate_training(config, device="cpu").memory)
"""


def noise(rows: int, path: Path) -> None:
    """Twenty times of two variables on four levels and one at the ground."""
    draw, columns = np.random.default_rng(0), 2 * rows
    names = ("time", "level", "latitude", "longitude")
    upper = (20, 4, rows, columns)
    shapes = {"x1": upper, "x2": upper, "s1": (20, rows, columns)}
    xr.Dataset(
        {
            name: (
                names if len(shape) == 4 else (names[0], *names[2:]),
                draw.standard_normal(shape, dtype=np.float32),
            )
            for name, shape in shapes.items()
        },
        {
            "time": np.datetime64("2001-01-01", "ns") + np.arange(20) * np.timedelta64(6, "h"),
            "level": ("level", [200, 500, 700, 850], {"units": "hPa"}),
            "latitude": ("latitude", np.linspace(90, -90, 2 * rows + 1)[1::2]),
            "longitude": ("longitude", np.arange(columns) * 180 / rows),
        },
    ).to_netcdf(path)


FLAT = {
    "kind": "window_transformer", "patch": [None, 2, 2], "halo": 2, "depths": [3], "heads": [4],
    "window": [4, 8],
}  # fmt: skip
GRAPH = {"kind": "graph_network", "steps": 3, "refinements": 3}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's VmHWM")
@pytest.mark.parametrize(
    ("backbone", "rows", "training"),
    [
        ({**FLAT, "dim": 128}, 48, {"batch_size": 8}),
        ({**FLAT, "dim": 96}, 64, {"batch_size": 8, "ema_decay": 0.99}),
        ({**FLAT, "dim": 192}, 64, {"batch_size": 4}),
        ({**GRAPH, "dim": 96}, 48, {"batch_size": 4}),
        ({**GRAPH, "dim": 64}, 64, {"batch_size": 4, "ema_decay": 0.99}),
        ({**GRAPH, "dim": 128}, 40, {"batch_size": 6}),
    ],
)
def test_memory_is_within_a_quarter_of_what_a_training_takes(
    peak_of_command, last_number, backbone, rows, training, tmp_path
):
    """Peak of the whole process, of which tensors are 300 to 900 MiB."""
    noise(rows, tmp_path / "data.nc")
    settings = {
        "data": {"train": ["2001-01-01", "2001-01-04"], "valid": ["2001-01-05", "2001-01-05"]},
        "model": {"history": 2, "backbone": backbone},
        "training": {"epochs": 1, "max_steps": 3, **training},
    }
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(settings))
    measured = peak_of_command(
        "train", tmp_path / "data.nc", "--config", config, "--run", tmp_path / "run"
    )
    estimated = last_number(ESTIMATE, tmp_path / "data.nc", config)
    assert 0.75 < estimated / measured < 1.25
