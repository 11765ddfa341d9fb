"""The one file: round trip, reading without torch, and what is refused."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sciml import model_file
from sciml.config import Config
from sciml.errors import InputError
from sciml.model_file import load_state, parse_header, read_header, read_model_file, save_model


class Widths(Config):
    inputs: int = 3
    outputs: int = 2


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, nn.Linear]:
    layer = nn.Linear(3, 2)
    path = tmp_path / "model.safetensors"
    save_model(path, layer, "test.linear", Widths(), {"units": {"x": "K"}, "score": 0.5})
    return path, layer


def test_round_trip(saved: tuple[Path, nn.Linear]) -> None:
    path, layer = saved
    config, metadata, tensors = read_model_file(path, "test.linear")
    fresh = nn.Linear(config["inputs"], config["outputs"])
    load_state(fresh, tensors, path)
    assert torch.equal(fresh.weight, layer.weight)
    assert metadata == {"units": {"x": "K"}, "score": 0.5}


def test_others_may_read_the_file(saved: tuple[Path, nn.Linear]) -> None:
    beside = saved[0].with_name("plain")
    beside.touch()
    assert saved[0].stat().st_mode == beside.stat().st_mode


def test_header_is_read_without_torch(saved: tuple[Path, nn.Linear]) -> None:
    code = (
        "import sys; from sciml.model_file import read_header; "
        "print(read_header(sys.argv[1])['kind'], 'torch' in sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(saved[0])], capture_output=True, text=True, check=True
    )
    assert out.stdout.split() == ["test.linear", "False"]


def test_tied_weights_are_saved(tmp_path: Path) -> None:
    layer = nn.Linear(2, 2)
    tied = nn.ModuleList([layer, layer])
    save_model(tmp_path / "m.safetensors", tied, "test.tied", Widths(), {})
    tensors = read_model_file(tmp_path / "m.safetensors", "test.tied")[2]
    assert set(tensors) == set(tied.state_dict())


def test_other_kind(saved: tuple[Path, nn.Linear]) -> None:
    with pytest.raises(InputError, match=r"holds a test\.linear; expected a weather\.forecaster"):
        read_model_file(saved[0], "weather.forecaster")


def test_other_format(saved: tuple[Path, nn.Linear], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_file, "FORMAT", 2)
    with pytest.raises(InputError, match="has format 1; this version reads format 2"):
        read_header(saved[0])


def test_cut_short(saved: tuple[Path, nn.Linear]) -> None:
    path = saved[0]
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(InputError, match="is damaged"):
        read_model_file(path, "test.linear")


@pytest.mark.parametrize(
    "header", ["{", "[]", "5", '{"format": 1, "kind": "x"}', "[" * 200_000, '{"format": 1}']
)
def test_a_header_that_is_damaged(saved: tuple[Path, nn.Linear], header: str) -> None:
    with pytest.raises(InputError, match="is damaged: its header cannot be read"):
        parse_header(header, saved[0])


def test_foreign_files(tmp_path: Path) -> None:
    foreign, text, short = (tmp_path / name for name in ("a.safetensors", "b.txt", "c"))
    save_file({"x": torch.zeros(1)}, foreign)
    text.write_text(json.dumps({"format": 1}))
    short.write_bytes(b"abc")
    for path, message in (
        (foreign, "of another program"),
        (text, "not a model file"),
        (short, "not a model file"),
        (tmp_path / "none", "cannot read"),
        (tmp_path, "cannot read"),
    ):
        with pytest.raises(InputError, match=message):
            read_header(path)


def test_an_old_file_survives_a_failed_save(saved: tuple[Path, nn.Linear]) -> None:
    path, before = saved[0], saved[0].read_bytes()
    with pytest.raises(ValueError, match="Out of range float"):
        save_model(path, nn.Linear(3, 2), "test.linear", Widths(), {"score": float("nan")})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
