"""Pre-training a generator: an encoder that is kept, a decoder, and an honest account."""

from pathlib import Path

import pytest
import torch
from rdkit import Chem

from molecules.models.generator import DecoderConfig, GeneratorConfig, GraphToSelfies
from molecules.models.model import ModelConfig
from molecules.molecule import MoleculeBatch
from molecules.pretraining.experiment import PretrainConfig, pretrain
from molecules.pretraining.generators import in_tokens
from molecules.pretraining.library import make_library
from molecules.pretraining.objective import Pretraining, PretrainingConfig
from sciml.config import load_config, named_config
from sciml.errors import InputError
from sciml.graph import GraphNetworkConfig
from sciml.model_file import read_model_file

SMILES = [f"{'C' * n}{end}" for n in range(2, 9) for end in ("O", "N", "F", "c1ccccc1", "=O")]
ODD = ["[Na+].[Cl-]", "not a molecule", "C[C@H](N)C(=O)O"]
SMALL = [
    "data.processes=1", "model.backbone.dim=16", "model.backbone.steps=1", "decoder.latent=4",
    "decoder.slots=16", "decoder.reader=8", "decoder.dim=16",
    "decoder.embedding=8", "training.epochs=2", "training.batch_size=16",
    "training.accelerator=cpu", "training.precision=32-true", "data.valid=0.2",
]  # fmt: skip


def config(*overrides: str) -> PretrainConfig:
    settings = [*SMALL, *overrides]
    return load_config(PretrainConfig, named_config("molecules", "generator"), settings)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "molecules.smi"
    path.write_text("\n".join([*SMILES, *ODD]), encoding="utf-8")
    return path


def test_the_encoder_is_kept_and_the_rest_is_told(source: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    pretrain([source], config("transfer=null", "objective.descriptors=1"), base)
    chosen = config(f"transfer.checkpoint={base / 'model.safetensors'}")
    result = pretrain([source], chosen, tmp_path / "run")
    assert result.left_out == {"several fragments": 1}
    assert result.molecules == len(SMILES) + 1
    assert result.latent is not None
    assert result.latent.latent == 16 * 4
    _, metadata, weights = read_model_file(
        tmp_path / "run" / "generator.safetensors", "molecules.generator"
    )
    assert metadata["left_out"] == {"several fragments": 1}
    _, _, encoder = read_model_file(base / "model.safetensors", "molecules.encoder")
    assert encoder.keys() == {name for name in weights if name.startswith("encoder.")}
    assert all(torch.equal(weights[name], value) for name, value in encoder.items())


def test_a_model_that_sees_conformers_cannot_write(source: Path, tmp_path: Path) -> None:
    transformer = 'model={"backbone":{"kind":"window_transformer"},"geometry":"both"}'
    with pytest.raises(InputError, match=r"objective\.selfies needs a model of the graph alone"):
        pretrain([source], config(transformer, "transfer=null"), tmp_path / "run")


def test_nothing_to_write_is_an_error(tmp_path: Path) -> None:
    salts = make_library(["[Na+].[Cl-]"] * 3, tmp_path, 50, targets=False, texts=True)
    with pytest.raises(InputError, match="none of 3 molecules"):
        in_tokens(salts, DecoderConfig())


def test_molecules_for_which_there_is_no_room_are_left_out(source: Path, tmp_path: Path) -> None:
    result = pretrain([source], config("transfer=null", "decoder.slots=6"), tmp_path / "run")
    small = [text for text in SMILES if Chem.MolFromSmiles(text).GetNumAtoms() <= 6]
    assert result.molecules == len(small) + 1


def test_the_divergence_comes_in_slowly(tmp_path: Path) -> None:
    model, batch = _fresh(tmp_path)
    objective = Pretraining(PretrainingConfig(masked_atoms=0, selfies=1, hidden_tokens=0), 8, 16)
    losses = []
    for share in (0.0, 0.15, 0.3, 1.0):
        objective.share = share
        torch.manual_seed(0)
        losses.append(objective(model, batch)[0].item())
    assert losses[2] == losses[3]
    assert losses[2] - losses[0] == pytest.approx(2 * (losses[1] - losses[0]), rel=1e-4)


def test_molecules_do_not_see_each_other(tmp_path: Path) -> None:
    model, batch = _fresh(tmp_path)
    assert batch.conditions is not None
    states = model.encoder.atoms(batch).detach().requires_grad_()
    found = model.reader(states, batch, model.standard(batch.conditions))
    found.mean[1].sum().backward()
    assert states.grad is not None
    own = batch.batch == 1
    assert states.grad[own].any(dim=1).all()
    assert not states.grad[~own].any()


def test_every_parameter_that_learns_has_a_gradient(tmp_path: Path) -> None:
    model, batch = _fresh(tmp_path)
    objective = Pretraining(PretrainingConfig(masked_atoms=0, selfies=1), 8, 16)
    assert objective.of_atoms_only
    objective(model, batch)[0].backward()
    without = {name for name, p in model.named_parameters() if p.grad is None}
    assert all(name.startswith("encoder.readout.") for name in without)


def _fresh(folder: Path) -> tuple[GraphToSelfies, MoleculeBatch]:
    sizes = DecoderConfig(latent=4, reader=8, dim=16, embedding=8, tokens=64)
    library = make_library(SMILES, folder, 50, targets=False, texts=True)
    library, words, _ = in_tokens(library, sizes)
    encoder = ModelConfig(backbone=GraphNetworkConfig(dim=8, steps=1))
    torch.manual_seed(0)
    made = GeneratorConfig(encoder=encoder, decoder=sizes, vocabulary=words)
    model = GraphToSelfies(made)
    return model, library.__getitems__(range(8))
