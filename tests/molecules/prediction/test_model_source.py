"""Where a model computes: asked for, found, and handed to what loads it."""

from pathlib import Path

import pytest
import torch

from molecules.choices import Device
from molecules.prediction import model_source
from molecules.prediction.model_source import GPU_PROCESSES, ModelSource
from molecules.prediction.predictor import PropertyPredictor
from sciml import machine
from sciml.errors import InputError


@pytest.mark.parametrize(
    ("asked", "gpu", "found"),
    [("cpu", True, "cpu"), ("auto", True, "cuda"), ("auto", False, "cpu"), ("cuda", True, "cuda")],
)
def test_the_device_reaches_the_predictor(
    asked: Device, gpu: bool, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[str, str, str]] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(PropertyPredictor, "load", lambda *arguments: given.append(arguments))
    path = tmp_path / "model"
    path.write_text(f"{asked} {gpu}")
    ModelSource.of(path, asked, "bfloat16").load()
    assert given == [(str(path), found, "bfloat16")]


def test_a_processor_without_bfloat16_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model").write_text("")
    for has, lines in ((True, 0), (False, 1)):
        monkeypatch.setattr(machine, "has_bfloat16", lambda has=has: has)
        ModelSource.of(tmp_path / "model", precision="bfloat16")
        assert capsys.readouterr().err.count("--precision float32 is faster") == lines


def test_no_gpu_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (tmp_path / "model").write_text("")
    with pytest.raises(InputError, match="expected cpu or auto"):
        ModelSource.of(tmp_path / "model", "cuda")


def test_few_processes_share_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_source, "cores", lambda: 64)
    assert ModelSource(("m",), "", "cuda").processes(None) == GPU_PROCESSES
    assert ModelSource(("m",), "", "cuda").processes(9) == 9
    assert ModelSource(("m",), "", "cpu").processes(None) is None
