"""What training minimizes: measured properties, or what a molecule tells of itself."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from molecules.encoding import ATOM_FIELDS, BOND_FIELDS, MASKED_ATOM, MASKED_BOND
from molecules.model import EncoderModel, PropertyModel
from molecules.molecule import MoleculeBatch
from molecules.tasks import Tasks
from sciml.config import Config
from sciml.layers import MLP
from sciml.normalize import Normalizer


class PropertyLossConfig(Config):
    """Configuration of a `PropertyLoss`.

    Attributes:
        regression: error of a normalized quantity.
        balance: weigh the two classes of a yes/no property alike.
    """

    regression: Literal["mse", "l1", "huber"] = "mse"
    balance: bool = False


class PropertyLoss(nn.Module):
    """Mean error over the measured labels of a batch.

    Args:
        config: see `PropertyLossConfig`.
        tasks: kinds of the properties.
        labels: (row, task) of the training fold, for the balance of classes.
    """

    positive: Tensor

    def __init__(
        self, config: PropertyLossConfig, tasks: Tasks, labels: NDArray[np.float64]
    ) -> None:
        super().__init__()
        self.regression = config.regression
        share = np.clip(np.nanmean(labels, axis=0), 1e-3, 1 - 1e-3)
        weight = np.where(tasks.binary & config.balance, (1 - share) / share, 1.0)
        self.register_buffer("positive", torch.from_numpy(weight).float())

    def forward(
        self, model: PropertyModel, batch: MoleculeBatch
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss, without further terms."""
        assert batch.y is not None
        output = model(batch)
        measured = batch.y.isfinite()
        target = torch.where(measured, model.head.normalize(batch.y), 0.0).to(output.dtype)
        error = torch.where(model.head.binary, self._entropy(output, target), 0.0)
        error = torch.where(model.head.binary, error, self._error(output, target))
        return (error * measured).sum() / measured.sum().clamp(min=1), {}

    def _entropy(self, output: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            output, target, pos_weight=self.positive.to(output.dtype), reduction="none"
        )

    def _error(self, output: Tensor, target: Tensor) -> Tensor:
        match self.regression:
            case "mse":
                return F.mse_loss(output, target, reduction="none")
            case "l1":
                return F.l1_loss(output, target, reduction="none")
            case "huber":
                return F.huber_loss(output, target, reduction="none")


class PretrainingConfig(Config):
    """Which tasks without labels to pre-train on, by weight; zero leaves one out.

    Attributes:
        masked_atoms: tell hidden atoms and bonds from their surroundings.
        descriptors: tell RDKit's 2-D descriptors.
        denoising: tell the noise that was added to the coordinates; needs a model that
            sees conformers.
        mask_share: share of atoms and of bonds that are hidden.
        noise: standard deviation of the added noise, in Å.
    """

    masked_atoms: float = Field(1.0, ge=0)
    descriptors: float = Field(0.0, ge=0)
    denoising: float = Field(0.0, ge=0)
    mask_share: float = Field(0.15, gt=0, lt=1)
    noise: float = Field(0.2, gt=0)


class Pretraining(nn.Module):
    """Weighted sum of the chosen tasks without labels, each with a head of its own.

    Args:
        config: see `PretrainingConfig`.
        dim: channels of the encoder, for atoms and for molecules.
        descriptors: mean and standard deviation of each; None if they are not told.
    """

    def __init__(
        self, config: PretrainingConfig, dim: int, descriptors: Normalizer | None = None
    ) -> None:
        super().__init__()
        tasks: dict[str, nn.Module] = {}
        if config.descriptors and descriptors is not None:
            tasks["descriptors"] = DescriptorRegression(dim, descriptors)
        if config.masked_atoms:
            tasks["masked_atoms"] = MaskedAtoms(dim, config.mask_share)
        if config.denoising:
            tasks["denoising"] = CoordinateDenoising(dim, config.noise)
        self.tasks = nn.ModuleDict(tasks)
        self.weights: Mapping[str, float] = {
            "masked_atoms": config.masked_atoms,
            "descriptors": config.descriptors,
            "denoising": config.denoising,
        }

    def forward(
        self, model: EncoderModel, batch: MoleculeBatch
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss, and the terms it is the weighted sum of."""
        terms: dict[str, Tensor] = {}
        for name, task in self.tasks.items():
            terms[name] = task(model, batch)
        loss = torch.stack([self.weights[name] * term for name, term in terms.items()]).sum()
        return loss, terms


class DescriptorRegression(nn.Module):
    """Tell descriptors that follow from the molecule's graph.

    Args:
        dim: channels of the encoder's molecules.
        normalizer: mean and standard deviation of each descriptor.
    """

    def __init__(self, dim: int, normalizer: Normalizer) -> None:
        super().__init__()
        self.normalizer = normalizer
        self.head = MLP(dim, 2 * dim, len(normalizer.mean))

    def forward(self, model: EncoderModel, batch: MoleculeBatch) -> Tensor:
        """Mean squared error over the variance; values beyond five deviations count as five."""
        assert batch.descriptors is not None
        target = self.normalizer.normalize(batch.descriptors).clamp(-5, 5)
        known = target.isfinite()
        told = self.head(model.encoder(batch))
        error = F.mse_loss(told, torch.where(known, target, 0.0), reduction="none")
        return (error * known).sum() / known.sum().clamp(min=1)


class MaskedAtoms(nn.Module):
    """Hide some atoms and bonds, and tell what they were (Hu et al. 2020, section 3.1).

    Args:
        dim: channels of the encoder's atoms.
        share: of atoms, and of bonds, that are hidden.
    """

    def __init__(self, dim: int, share: float) -> None:
        super().__init__()
        self.share = share
        self.atom = MLP(dim, dim, sum(ATOM_FIELDS.values()))
        self.bond = MLP(dim, dim, BOND_FIELDS["order"])

    def forward(self, model: EncoderModel, batch: MoleculeBatch) -> Tensor:
        """Mean cross-entropy per field of the hidden atoms, plus that of the hidden bonds."""
        atoms = torch.rand(len(batch.x), device=batch.x.device) < self.share
        bonds = _same_both_ways(torch.rand(batch.edge_index.shape[1]), batch) < self.share
        states = model.encoder.atoms(hide(batch, atoms, bonds))
        logits = self.atom(states[atoms]).split(list(ATOM_FIELDS.values()), dim=1)
        truth = batch.x[atoms].unbind(1)
        losses = [_entropy(found, code) for found, code in zip(logits, truth, strict=True)]
        sender, receiver = batch.edge_index[:, bonds]
        orders = self.bond(states[sender] + states[receiver])
        return torch.stack(losses).mean() + _entropy(orders, batch.edge_attr[bonds, 0])


class CoordinateDenoising(nn.Module):
    """Add noise to conformers, and tell it (Uni-Mol; Transformer-M, section 3.3).

    The noise of atom i is told as sum_j s_ij (r_i - r_j) / |r_i - r_j|, with s_ij made of
    invariant numbers only, so the answer turns and mirrors with the molecule.

    Args:
        dim: channels of the encoder's atoms.
        noise: standard deviation in Å.
        channels: products that s_ij sums up.
    """

    def __init__(self, dim: int, noise: float, channels: int = 16) -> None:
        super().__init__()
        self.noise = noise
        self.norm = nn.LayerNorm(dim)
        self.left, self.right = nn.Linear(dim, channels), nn.Linear(dim, channels)
        self.radial = MLP(1, channels, channels)

    def forward(self, model: EncoderModel, batch: MoleculeBatch) -> Tensor:
        """Mean squared error over the noise's variance, over atoms that have a place."""
        if batch.pos is None or not batch.has_conformer.any():
            return next(self.parameters()).sum() * 0.0
        known = batch.has_conformer[batch.batch]
        noise = torch.randn_like(batch.pos)
        noisy = replace(batch, pos=batch.pos + self.noise * noise)
        told = self.tell(model.encoder.atoms(noisy), noisy)
        return F.mse_loss(told[known], noise[known].to(told.dtype))

    def tell(self, atoms: Tensor, batch: MoleculeBatch) -> Tensor:
        """(atom, dim) and positions -> (atom, 3), in units of the noise."""
        sender, receiver = _all_pairs(batch)
        assert batch.pos is not None
        pos = torch.where(batch.has_conformer[batch.batch, None], batch.pos, 0.0).to(atoms.dtype)
        apart = pos[receiver] - pos[sender]
        squared = apart.square().sum(1, keepdim=True)
        distance = torch.where(squared > 0, squared, 1.0).sqrt()
        states = self.norm(atoms)
        products = self.left(states)[receiver] * self.right(states)[sender]
        scale = (products * self.radial(distance)).sum(1, keepdim=True)
        told = torch.zeros(len(atoms), 3, dtype=atoms.dtype, device=atoms.device)
        return told.index_add(0, receiver, scale * apart / distance)


def hide(batch: MoleculeBatch, atoms: Tensor, bonds: Tensor) -> MoleculeBatch:
    """The batch with the features of some atoms and bonds hidden.

    Args:
        batch: the molecules.
        atoms: (atom,) bool.
        bonds: (edge,) bool, the same for both directions.
    """
    no_atom = torch.zeros_like(batch.x[:1])
    no_atom[:, 0] = MASKED_ATOM
    no_bond = torch.zeros_like(batch.edge_attr[:1])
    no_bond[:, 0] = MASKED_BOND
    return replace(
        batch,
        x=torch.where(atoms.unsqueeze(1), no_atom, batch.x),
        edge_attr=torch.where(bonds.unsqueeze(1), no_bond, batch.edge_attr),
    )


def _same_both_ways(values: Tensor, batch: MoleculeBatch) -> Tensor:
    """(edge,) values, with those of each bond's reverse direction made the same."""
    sender, receiver = batch.edge_index
    bond = torch.minimum(sender, receiver) * len(batch.x) + torch.maximum(sender, receiver)
    _, number = bond.unique(return_inverse=True)
    return values.to(number.device)[number]


def _all_pairs(batch: MoleculeBatch) -> tuple[Tensor, Tensor]:
    """Sender and receiver of all ordered pairs of atoms of the same molecule."""
    sizes = batch.ptr.diff()[batch.batch]
    receiver = torch.arange(len(batch.x), device=sizes.device).repeat_interleave(sizes)
    begin = (sizes.cumsum(0) - sizes).repeat_interleave(sizes)
    within = torch.arange(len(receiver), device=sizes.device) - begin
    return batch.ptr[batch.batch[receiver]] + within, receiver


def _entropy(logits: Tensor, codes: Tensor) -> Tensor:
    """Mean cross-entropy; zero for no rows."""
    return F.cross_entropy(logits, codes, reduction="sum") / max(1, len(codes))
