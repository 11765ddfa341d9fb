"""Laws that every molecular model obeys, with either backbone."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from rdkit import Chem
from torch import Tensor
from torch.ops import aten
from torch.utils._python_dispatch import TorchDispatchMode

from molecules.features.data import MoleculeData
from molecules.features.encoding import ATOM_FIELDS
from molecules.features.features import featurize
from molecules.models.model import ModelConfig, PropertyModel, target_normalizer
from molecules.molecule import MoleculeBatch
from molecules.prediction.calibration import Calibration
from molecules.prediction.predictor import PropertyPredictor
from molecules.prediction.predictor_file import PredictorConfig
from molecules.pretraining.denoising import CoordinateDenoising
from molecules.tasks import Task, Tasks
from molecules.training.objectives import PropertyLoss, PropertyLossConfig
from sciml.graph import GraphNetworkConfig
from sciml.transformer_config import WindowTransformerConfig

EXACT = {"rtol": 0.0, "atol": 1e-10}
SMILES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "C[C@H](N)C(=O)O",
    "F/C=C/F",
    "[Na+].[Cl-]",
    "C",
    "c1ccc2[nH]ccc2c1",
    "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
    "*C#N",
]
TASKS = Tasks(tasks=(Task(name="logS", unit="log mol/L"), Task(name="toxic", kind="binary")))
CONFIGS = {
    "graph_network": ModelConfig(backbone=GraphNetworkConfig(dim=16, steps=2), head_hidden=16),
    "window_transformer": ModelConfig(
        backbone=WindowTransformerConfig(dim=16, depths=(2,), heads=(4,)),
        geometry="both",
        pair_dim=8,
        head_hidden=16,
    ),
}


@pytest.fixture(params=CONFIGS)
def config(request: pytest.FixtureRequest) -> ModelConfig:
    return CONFIGS[request.param]


@pytest.fixture
def model(config: ModelConfig) -> PropertyModel:
    return make_model(config)


def make_model(config: ModelConfig) -> PropertyModel:
    """In float64, with every parameter random, so that nothing is hidden by a zero."""
    torch.manual_seed(1)
    model = PropertyModel(config, TASKS).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def make_batch(smiles: Sequence[str]) -> MoleculeBatch:
    """A batch with random positions."""
    packed = featurize(smiles).packed
    positions = np.random.default_rng(0).normal(size=(len(packed.atoms), 3))
    data = MoleculeData(packed, np.arange(len(packed)), positions=positions)
    return data.__getitems__(range(len(packed)))


def permuted(batch: MoleculeBatch, order: Tensor) -> MoleculeBatch:
    """The one molecule of a batch with its atoms in another order."""
    number = order.argsort()
    edges = number[batch.edge_index]
    by_receiver = (edges[1] * len(batch.x) + edges[0]).argsort()
    return replace(
        batch,
        x=batch.x[order],
        pos=batch.pos[order],
        edge_index=edges[:, by_receiver],
        edge_attr=batch.edge_attr[by_receiver],
    )


@pytest.mark.parametrize("smiles", SMILES)
def test_order_of_atoms(model: PropertyModel, smiles: str) -> None:
    batch = make_batch([smiles])
    order = torch.from_numpy(np.random.default_rng(1).permutation(len(batch.x)))
    torch.testing.assert_close(model(permuted(batch, order)), model(batch), **EXACT)


@pytest.mark.parametrize("smiles", SMILES)
def test_spelling(model: PropertyModel, smiles: str) -> None:
    mol = Chem.MolFromSmiles(smiles)
    spellings = [Chem.MolToSmiles(mol, doRandom=True, canonical=False) for _ in range(8)]
    batch = replace(make_batch([smiles, *spellings]), pos=None)
    output = model(batch)
    torch.testing.assert_close(output, output[:1].expand_as(output), **EXACT)


def test_composition_of_the_batch(model: PropertyModel) -> None:
    """Alone equals in a batch, beside much larger molecules: padding changes nothing."""
    smiles = [*SMILES, "C" * 60, "CC" * 20]
    batch = make_batch(smiles)
    together = model(batch)
    for number in range(len(smiles)):
        alone, _ = batch.select(torch.tensor([number]))
        torch.testing.assert_close(model(alone), together[number : number + 1], **EXACT)


def test_order_of_the_batch(model: PropertyModel) -> None:
    packed = featurize(SMILES * 5).packed
    order = np.random.default_rng(0).permutation(len(packed))
    plain = model(MoleculeBatch.cut(packed, np.arange(len(packed))))
    mixed = model(MoleculeBatch.cut(packed, order))
    torch.testing.assert_close(mixed, plain[torch.from_numpy(order)], **EXACT)


def test_rotation_translation_reflection() -> None:
    model = make_model(CONFIGS["window_transformer"])
    batch = make_batch(SMILES)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))
    shift = torch.tensor([1.0, -2.0, 30.0], dtype=torch.float64)
    for matrix in (turn, -turn):
        moved = replace(batch, pos=batch.pos @ matrix + shift)
        torch.testing.assert_close(model(moved), model(batch), **EXACT)
    stretched = replace(batch, pos=1.1 * batch.pos)
    assert not torch.allclose(model(stretched), model(batch))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"),
        ("F/C=C/F", "F/C=C\\F"),
        ("C[C@H](O)[C@H](O)CC", "C[C@H](O)[C@@H](O)CC"),
    ],
)
def test_stereoisomers_differ(model: PropertyModel, one: str, other: str) -> None:
    output = model(replace(make_batch([one, other]), pos=None))
    assert (output[0] - output[1]).abs().max() > 1e-7


def test_no_gradient_between_molecules(model: PropertyModel) -> None:
    batch = make_batch(SMILES)
    held: list[Tensor] = []

    def hold(module: torch.nn.Module, inputs: object, output: Tensor) -> None:
        output.retain_grad()
        held.append(output)

    model.encoder.backbone.embed.register_forward_hook(hold)
    model(batch)[0].sum().backward()
    touched = torch.cat([states.grad.abs().sum(1) for states in held])
    first = int(batch.ptr[1])
    assert (touched != 0).sum() == first


def test_gradient_reaches_every_parameter(model: PropertyModel) -> None:
    model(make_batch(SMILES)).square().sum().backward()
    unused = [
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().any()
    ]
    # Softmax is blind to what shifts all its logits.
    assert [name for name in unused if "qkv.bias" not in name] == []


def test_memorizes_eight(config: ModelConfig) -> None:
    torch.manual_seed(0)
    labels = np.random.default_rng(0).normal(3.0, 5.0, (len(SMILES), 1))
    tasks = Tasks(tasks=(Task(name="y"),))
    model = PropertyModel(config, tasks, target_normalizer(tasks, labels))
    packed = featurize(SMILES).packed
    data = MoleculeData(packed, np.arange(len(packed)), labels=labels)
    batch = data.__getitems__(range(len(packed)))
    loss = PropertyLoss(PropertyLossConfig(), tasks, labels)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(300):
        optimizer.zero_grad()
        value, _ = loss(model, batch)
        value.backward()
        optimizer.step()
    assert value < 1e-2
    np.testing.assert_allclose(model.eval().predict(batch).detach(), labels, atol=1.0)


def test_save_and_load_in_another_process(config: ModelConfig, tmp_path) -> None:
    made = PredictorConfig(model=config, tasks=TASKS, members=2)
    members = [PropertyModel(config, TASKS) for _ in range(2)]
    calibrations = [
        Calibration(width=0.5),
        Calibration(scores=(0.5,), low=(0.1, 0.4), high=(0.6, 0.9)),
    ]
    predictor = PropertyPredictor(made, members, calibrations, {"table": "made"})
    predictor.save(tmp_path / "model.safetensors")
    here = predictor.predict(SMILES[:3])
    program = (
        "import sys, numpy as np\n"
        "from molecules.prediction.predictor import PropertyPredictor\n"
        "p = PropertyPredictor.load(sys.argv[1]).predict(sys.argv[3:])\n"
        "assert 'lightning' not in sys.modules and 'xarray' not in sys.modules\n"
        "np.save(sys.argv[2], np.stack([p.mean, p.lower, p.upper]))\n"
    )
    arguments = [str(tmp_path / "model.safetensors"), str(tmp_path / "there.npy"), *SMILES[:3]]
    subprocess.run([sys.executable, "-c", program, *arguments], check=True)
    there = np.load(tmp_path / "there.npy")
    np.testing.assert_array_equal(there, np.stack([here.mean, here.lower, here.upper]))


def test_denoising_turns_with_the_molecule() -> None:
    model = make_model(CONFIGS["window_transformer"])
    torch.manual_seed(0)
    head = CoordinateDenoising(model.encoder.backbone.out_dim, noise=0.2).double()
    batch = make_batch(SMILES)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))
    told = head.tell(model.encoder.atoms(batch), batch)
    for matrix in (turn, -turn):
        moved = replace(batch, pos=batch.pos @ matrix + 7.0)
        again = head.tell(model.encoder.atoms(moved), moved)
        torch.testing.assert_close(again, told @ matrix, **EXACT)
    assert told.abs().max() > 1e-3


def test_no_field_is_ignored(model: PropertyModel) -> None:
    """Changing any code of an atom or a bond changes the output."""
    batch = make_batch(["CC(=O)Nc1ccccc1"])
    plain = model(batch)
    for column in range(len(ATOM_FIELDS)):
        changed = batch.x.clone()
        changed[0, column] += 1
        assert not torch.allclose(model(replace(batch, x=changed)), plain)
    for column in range(batch.edge_attr.shape[1]):
        changed = batch.edge_attr.clone()
        changed[0, column] += 1
        assert not torch.allclose(model(replace(batch, edge_attr=changed)), plain)


class OnGpu(TorchDispatchMode):
    """Refuses what CUDA lacks: products of integer matrices."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket in (aten.mm, aten.mv, aten.bmm, aten.addmm, aten.addmv, aten.dot):
            assert args[0].is_floating_point(), f"{func} of {args[0].dtype}"
        return func(*args, **(kwargs or {}))


def test_nothing_that_a_gpu_lacks(config: ModelConfig) -> None:
    model, batch = PropertyModel(config, TASKS), make_batch(SMILES)
    batch = replace(batch, y=torch.ones(len(SMILES), 2), pos=batch.pos.float())
    loss = PropertyLoss(PropertyLossConfig(uncertainty=True), TASKS, np.ones((4, 2)))
    with OnGpu():
        loss(model, batch)[0].backward()
    with OnGpu(), pytest.raises(AssertionError, match="int64"):
        batch.x @ batch.x.T


def test_a_graph_network_computes_where_its_weights_are() -> None:
    """On a device without values, which like a GPU takes nothing from the processor."""
    model = PropertyModel(CONFIGS["graph_network"], TASKS).to("meta")
    batch = make_batch(SMILES)
    batch = replace(batch, y=torch.ones(len(SMILES), 2), pos=batch.pos.float()).to("meta")
    loss = PropertyLoss(PropertyLossConfig(uncertainty=True), TASKS, np.ones((4, 2))).to("meta")
    error, _ = loss(model, batch)
    error.backward()
    assert {parameter.grad.device.type for parameter in model.parameters()} == {"meta"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_tells_the_same(config: ModelConfig) -> None:
    model, batch = make_model(config), make_batch(SMILES)
    told = model(batch)
    told.sum().backward()
    there = make_model(config).cuda()
    again = there(batch.to("cuda"))
    again.sum().backward()
    torch.testing.assert_close(again.cpu(), told, rtol=1e-9, atol=1e-9)
    for one, other in zip(model.parameters(), there.parameters(), strict=True):
        torch.testing.assert_close(other.grad.cpu(), one.grad, rtol=1e-7, atol=1e-7)
