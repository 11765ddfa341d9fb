"""What pre-training minimizes: what a molecule tells of itself, several tasks at once."""

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from molecules.features.encoding import FINGERPRINT
from molecules.models.model import EncoderModel
from molecules.molecule import MoleculeBatch
from molecules.pretraining.contrast import ConformerContrast, OfMolecules
from molecules.pretraining.denoising import CoordinateDenoising
from molecules.pretraining.distances import AtomDistances
from molecules.pretraining.masking import MaskedAtoms
from molecules.pretraining.winsorize import Winsorizer
from molecules.pretraining.writing import SelfiesWriting
from sciml.config import Config
from sciml.layers import MLP
from sciml.objective import Growing

_USUAL = -4.0  # logarithm of a count: one molecule in fifty has a kind of environment


class PretrainingConfig(Config):
    """Which tasks without labels to pre-train on, by weight; zero leaves one out.

    Attributes:
        descriptors: tell RDKit's 2-D descriptors.
        environments: tell how often each Morgan environment of radius 2 occurs.
        masked_atoms: tell hidden atoms and bonds from their surroundings.
        denoising: tell the noise that was added to the coordinates; needs a model that
            sees conformers.
        distances: tell how far apart atoms are in a conformer.
        contrast: tell which conformer belongs to which graph; for a model of the graph alone.
        selfies: write the molecule as SELFIES from a point in latent space; what does so is
            kept beside the encoder, for `molecules generate`.
        mask_share: share of atoms and of bonds that are hidden.
        noise: standard deviation of the added noise, in Å.
        divergence, annealing, hidden_tokens: see `SelfiesWriting`.
    """

    descriptors: float = Field(0.0, ge=0)
    environments: float = Field(0.0, ge=0)
    masked_atoms: float = Field(1.0, ge=0)
    denoising: float = Field(0.0, ge=0)
    distances: float = Field(0.0, ge=0)
    contrast: float = Field(0.0, ge=0)
    selfies: float = Field(0.0, ge=0)
    mask_share: float = Field(0.15, gt=0, lt=1)
    noise: float = Field(0.2, gt=0)
    divergence: float = Field(0.1, gt=0)
    annealing: float = Field(0.3, gt=0, le=1)
    hidden_tokens: float = Field(0.2, ge=0, lt=1)

    @property
    def tells_targets(self) -> bool:
        """Whether descriptors or environments are to be computed."""
        return self.descriptors > 0 or self.environments > 0

    @property
    def needs_conformers(self) -> bool:
        """Whether conformers are to be made, also for a model that sees none."""
        return self.denoising > 0 or self.distances > 0 or self.contrast > 0


class Pretraining(nn.Module):
    """Weighted sum of the chosen tasks without labels, each with a head of its own.

    Args:
        config: see `PretrainingConfig`.
        atoms, molecules: channels of the encoder for each.
        descriptors: what makes descriptors comparable; None if they are not told.
    """

    def __init__(
        self,
        config: PretrainingConfig,
        atoms: int,
        molecules: int,
        descriptors: Winsorizer | None = None,
    ) -> None:
        super().__init__()
        tasks: dict[str, nn.Module] = {}
        if config.descriptors and descriptors is not None:
            tasks["descriptors"] = DescriptorRegression(molecules, descriptors)
        if config.environments:
            tasks["environments"] = EnvironmentCounts(molecules)
        if config.masked_atoms:
            tasks["masked_atoms"] = MaskedAtoms(atoms, config.mask_share)
        if config.denoising:
            tasks["denoising"] = CoordinateDenoising(atoms, config.noise)
        if config.distances:
            tasks["distances"] = AtomDistances(atoms, config.noise)
        if config.contrast:
            tasks["contrast"] = ConformerContrast(molecules)
        if config.selfies:
            tasks["selfies"] = SelfiesWriting(
                config.divergence, config.annealing, config.hidden_tokens
            )
        self.tasks = nn.ModuleDict(tasks)
        self.weights: Mapping[str, float] = {name: getattr(config, name) for name in tasks}
        self.share = 1.0

    @property
    def of_atoms_only(self) -> bool:
        """Whether no task sees vectors of whole molecules."""
        return not any(isinstance(task, OfMolecules) for task in self.tasks.values())

    @property
    def share(self) -> float:
        """Share of the training that is done."""
        return self._share

    @share.setter
    def share(self, share: float) -> None:
        self._share = share
        for task in self.tasks.values():
            if isinstance(task, Growing):
                task.share = share

    def forward(
        self, model: EncoderModel, batch: MoleculeBatch
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss, and the terms it is the weighted sum of."""
        molecules = None
        terms: dict[str, Tensor] = {}
        for name, task in self.tasks.items():
            if isinstance(task, OfMolecules):
                molecules = model.encoder(batch) if molecules is None else molecules
                terms[name] = task(model, molecules, batch)
            else:
                terms[name] = task(model, batch)
        loss = torch.stack([self.weights[name] * term for name, term in terms.items()]).sum()
        return loss, terms


class DescriptorRegression(OfMolecules):
    """Tell descriptors that follow from the molecule's graph (CheMeleon: Burns et al. 2025).

    Args:
        dim: channels of the encoder's molecules.
        winsorizer: brings each descriptor to mean zero and standard deviation one.
    """

    def __init__(self, dim: int, winsorizer: Winsorizer) -> None:
        super().__init__()
        self.winsorizer = winsorizer
        self.head = MLP(dim, 2 * dim, len(winsorizer.low))

    def forward(self, model: EncoderModel, molecules: Tensor, batch: MoleculeBatch) -> Tensor:
        """Mean squared error over the variance."""
        assert batch.descriptors is not None
        target = self.winsorizer(batch.descriptors)
        known = target.isfinite()
        error = F.mse_loss(
            self.head(molecules).float(), torch.where(known, target, 0.0), reduction="none"
        )
        return (error * known).sum() / known.sum().clamp(min=1)


class EnvironmentCounts(OfMolecules):
    """Tell how often each Morgan environment occurs, as the rate of a Poisson process.

    Args:
        dim: channels of the encoder's molecules.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.head = MLP(dim, 2 * dim, FINGERPRINT)

    def forward(self, model: EncoderModel, molecules: Tensor, batch: MoleculeBatch) -> Tensor:
        """Negative log-likelihood (but for the counts' factorials) per environment."""
        assert batch.fingerprint is not None
        count = batch.fingerprint.expm1()
        rate = self.head(molecules).float() + _USUAL
        surprise = F.poisson_nll_loss(rate, count, log_input=True, reduction="sum")
        return surprise / count.sum().clamp(min=1)
