"""The property model: a backbone reads atoms, a readout sums them up, a head predicts."""

from typing import Annotated, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from molecules.features.encoding import FINGERPRINT
from molecules.models.bias import Geometry
from molecules.models.composition import AtomicReferences
from molecules.models.graph import MoleculeGraphNetwork
from molecules.models.transformer import MoleculeTransformer
from molecules.molecule import MoleculeBatch
from molecules.tasks import LARGEST, Tasks
from sciml.config import Config
from sciml.errors import InputError
from sciml.graph import GraphNetworkConfig, gather_sum
from sciml.normalize import Normalizer
from sciml.transformer_config import WindowTransformerConfig

Backbone = Annotated[GraphNetworkConfig | WindowTransformerConfig, Field(discriminator="kind")]
Pooling = Literal["sum", "mean", "both", "extensive"]
ENCODER = "molecules.encoder"  # kind of a file that holds an `EncoderModel`
_TYPICAL_ATOMS = 30.0  # keeps a sum of atoms near one


class ModelConfig(Config):
    """Configuration of an `Encoder` and its head.

    Attributes:
        backbone: one of the two shared backbones, by its `kind`.
        geometry: what the transformer's bias is made of; the graph network reads bonds.
        pair_dim: features of a pair of atoms, in the transformer's bias.
        pooling: how atoms become a molecule: their sum, which grows with it, their mean,
            or both side by side. `extensive` is for energies: a property is a sum over atoms,
            of a reference value of the element and of what the network tells of the atom,
            which far atoms do not change.
        fingerprint: read counts of Morgan environments beside the graph. They tell a
            chemical series at a glance, and mislead where size and polarity decide.
        head_hidden: hidden channels of the head.
        dropout: rate in the head.
    """

    backbone: Backbone = GraphNetworkConfig(dim=96, steps=4)
    geometry: Geometry = "graph"
    pair_dim: int = Field(32, gt=0)
    pooling: Pooling = "both"
    fingerprint: bool = False
    head_hidden: int = Field(256, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.pooling == "extensive" and self.fingerprint:
            raise ValueError("pooling extensive adds up atoms; set fingerprint to false")
        return self


class Encoder(nn.Module):
    """Molecules to vectors; what pre-training trains and fine-tuning takes over."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.backbone = _make_backbone(config)
        self.readout = Readout(config.pooling, self.backbone.out_dim)
        self.fingerprint = FingerprintReader() if config.fingerprint else None
        self.dim = self.readout.dim + (0 if self.fingerprint is None else self.fingerprint.dim)

    def atoms(self, batch: MoleculeBatch) -> Tensor:
        """Batch -> (atom, dim)."""
        return self.backbone(batch)

    def forward(self, batch: MoleculeBatch) -> Tensor:
        """Batch -> (molecule, dim)."""
        molecules = self.readout(self.atoms(batch), batch)
        if self.fingerprint is None:
            return molecules
        assert batch.fingerprint is not None
        return torch.cat([molecules, self.fingerprint(batch.fingerprint)], dim=1)


class FingerprintReader(nn.Module):
    """Fingerprints to vectors: (molecule, FINGERPRINT) -> (molecule, dim)."""

    dim = 64

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.3)
        self.linear = nn.Linear(FINGERPRINT, self.dim)

    def forward(self, fingerprint: Tensor) -> Tensor:
        """Drop some counts while training, then one layer."""
        return F.silu(self.linear(self.dropout(fingerprint.to(self.linear.weight.dtype))))


class Readout(nn.Module):
    """Atoms to molecules: sum or mean of v(h) sigmoid(g(h)) over atoms h (Li et al. 2016).

    Args:
        pooling: which; `both` doubles the channels.
        atoms: channels of an atom.
    """

    def __init__(self, pooling: Pooling, atoms: int) -> None:
        super().__init__()
        self.pooling = pooling
        self.dim = 2 * atoms if pooling == "both" else atoms
        self.value, self.gate = nn.Linear(atoms, atoms), nn.Linear(atoms, atoms)

    def forward(self, atoms: Tensor, batch: MoleculeBatch) -> Tensor:
        """(atom, channel) -> (molecule, dim)."""
        values = F.silu(self.value(atoms)) * torch.sigmoid(self.gate(atoms))
        total = gather_sum(values, batch.batch, len(batch))
        match self.pooling:
            case "sum" | "extensive":
                return total / _TYPICAL_ATOMS
            case "mean":
                return total / batch.ptr.diff().unsqueeze(1)
            case "both":
                return torch.cat([total / _TYPICAL_ATOMS, total / batch.ptr.diff().unsqueeze(1)], 1)


class Head(nn.Module):
    """Molecule vectors to properties, with the units of the tasks.

    Args:
        dim: channels of a molecule vector.
        config: see `ModelConfig`.
        tasks: what to predict.
        normalizer: mean and standard deviation of each task, on the scale that is learned;
            (0, 1) for yes/no.
        references: of an extensive model; zero if left out.

    Attributes:
        inputs: normalizes molecule vectors; changes nothing but between `read_normalized` and
            `fold`, while the head is trained.

    Raises:
        InputError: an extensive yes/no property, or one that is learned as a logarithm.
    """

    binary: Tensor
    logarithmic: Tensor

    def __init__(
        self,
        dim: int,
        config: ModelConfig,
        tasks: Tasks,
        normalizer: Normalizer | None,
        references: AtomicReferences | None = None,
    ) -> None:
        super().__init__()
        self.inputs = Normalizer(torch.zeros(dim), torch.ones(dim), persistent=False)
        self.references = None
        if config.pooling == "extensive":
            _require_quantities(tasks)
            self.references = references or AtomicReferences(len(tasks))
        self.layers = _head_layers(dim, config, len(tasks))
        self.normalizer = normalizer or Normalizer(torch.zeros(len(tasks)), torch.ones(len(tasks)))
        self.register_buffer("binary", torch.from_numpy(tasks.binary), persistent=False)
        logarithmic = torch.from_numpy(tasks.logarithmic)
        self.register_buffer("logarithmic", logarithmic, persistent=False)
        self.classes = list(tasks.classes.values())

    def forward(self, molecules: Tensor, batch: MoleculeBatch) -> Tensor:
        """(molecule, dim) -> (molecule, task), normalized quantities and logits."""
        told = self.layers(self.inputs.normalize(molecules))
        if self.references is None:
            return told
        return told + self.normalizer.normalize(self.references(batch))  # never in bfloat16

    def read_normalized(self, mean: Tensor, std: Tensor) -> None:
        """Read molecule vectors less `mean` (dim,), over `std`."""
        self.inputs.mean.copy_(mean)
        self.inputs.std.copy_(std)

    def fold(self) -> None:
        """Take `inputs` into the first layer: nothing is told otherwise, to rounding."""
        if isinstance(self.layers[0], nn.Linear):  # without a bias: vectors are read as they are
            return
        first = next(layer for layer in self.layers if isinstance(layer, nn.Linear))
        with torch.no_grad():
            first.weight /= self.inputs.std
            first.bias.sub_(first.weight @ self.inputs.mean)
        self.read_normalized(torch.zeros_like(self.inputs.mean), torch.ones_like(self.inputs.std))

    def normalize(self, labels: Tensor) -> Tensor:
        """(molecule, task) in units to what `forward` is compared with; 0 and 1 stay."""
        positive = torch.where(self.logarithmic, labels, 1.0)
        least = torch.finfo(labels.dtype).tiny  # a bound of zero, which no loss counts
        scaled = torch.where(self.logarithmic, positive.clamp(min=least).log(), labels)
        return torch.where(self.binary, labels, self.normalizer.normalize(scaled))

    def denormalize(self, output: Tensor) -> Tensor:
        """What `forward` returned to units and probabilities; those of classes sum to one."""
        probability = output.sigmoid()
        for columns in self.classes:
            chosen = torch.tensor(columns, device=output.device)
            probability = probability.index_copy(1, chosen, output[:, columns].softmax(1))
        quantity = self.normalizer.denormalize(output)
        exponent = torch.where(self.logarithmic, quantity, 0.0).clamp(-LARGEST, LARGEST)
        quantity = torch.where(self.logarithmic, exponent.exp(), quantity)
        return torch.where(self.binary, probability, quantity)


class EncoderModel(nn.Module):
    """A model that is only an encoder; what pre-training makes."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.encoder = Encoder(config)


class PropertyModel(EncoderModel):
    """Predicts the properties `tasks` of molecules: an encoder and a head.

    Args:
        config: see `ModelConfig`.
        tasks: what to predict.
        normalizer: see `Head`; fit it with `target_normalizer`, or beside `references`.
        references: see `Head`.
    """

    def __init__(
        self,
        config: ModelConfig,
        tasks: Tasks,
        normalizer: Normalizer | None = None,
        references: AtomicReferences | None = None,
    ) -> None:
        super().__init__(config)
        self.head = Head(self.encoder.dim, config, tasks, normalizer, references)

    def forward(self, batch: MoleculeBatch) -> Tensor:
        """Batch -> (molecule, task), normalized quantities and logits."""
        return self.head(self.encoder(batch), batch)

    def predict(self, batch: MoleculeBatch) -> Tensor:
        """Batch -> (molecule, task), in the unit of each task, or the probability of 1."""
        return self.head.denormalize(self(batch))


def target_normalizer(tasks: Tasks, labels: np.ndarray) -> Normalizer:
    """Statistics of labels (row, task) on the scale that is learned; (0, 1) for yes/no.

    Args:
        tasks: kinds and scales.
        labels: in units, NaN where unmeasured.
    """
    normalizer = Normalizer.fit([torch.from_numpy(tasks.learned(labels))])
    binary = torch.from_numpy(tasks.binary)
    return Normalizer(
        normalizer.mean.masked_fill(binary, 0.0), normalizer.std.masked_fill(binary, 1.0)
    )


def _head_layers(dim: int, config: ModelConfig, tasks: int) -> nn.Sequential:
    """Two layers; of a sum over atoms one without bias, so that it stays a sum over atoms."""
    if config.pooling == "extensive":
        return nn.Sequential(nn.Linear(dim, tasks, bias=False))
    return nn.Sequential(
        nn.Dropout(config.dropout),
        nn.Linear(dim, config.head_hidden),
        nn.SiLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.head_hidden, tasks),
    )


def _require_quantities(tasks: Tasks) -> None:
    if tasks.binary.any():
        name = tasks.names[int(tasks.binary.argmax())]
        raise InputError(
            f"model.pooling is extensive, and {name!r} is yes/no; an extensive property is a "
            "quantity: learn it apart, or with pooling both"
        )
    if tasks.logarithmic.any():
        name = tasks.names[int(tasks.logarithmic.argmax())]
        raise InputError(
            f"model.pooling is extensive, and {name!r} is learned as a logarithm, which is no sum "
            f"over atoms; set data.tasks.{name}.scale: linear, or pooling both"
        )


def _make_backbone(config: ModelConfig) -> MoleculeGraphNetwork | MoleculeTransformer:
    match config.backbone:
        case GraphNetworkConfig() as backbone:
            return MoleculeGraphNetwork(backbone)
        case WindowTransformerConfig() as backbone:
            local = config.pooling == "extensive"
            return MoleculeTransformer(backbone, config.geometry, config.pair_dim, local)
