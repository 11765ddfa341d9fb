"""A trained generator ready for use: molecules to points in latent space, points to molecules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem
from torch import Tensor

from molecules.features.conditions import CONDITIONS, conditions_of
from molecules.features.data import MoleculeData
from molecules.features.features import featurize
from molecules.features.selfies import constitution, identity
from molecules.models.generator import GENERATOR, GeneratorConfig, GraphToSelfies
from molecules.models.shipped import weights_path
from sciml.config import nearest, parse_config
from sciml.errors import InputError
from sciml.model_file import load_state, read_model_file

MAKER = "molecules pretrain --config generator"
_BATCH = 512
_LOOSE = 0.5  # how much properties change, over how much the latent point does
_ALIKE = 0.25  # standard deviations within which known molecules are like what is asked for


@dataclass(frozen=True)
class Points:
    """Where molecules are, or might be.

    Attributes:
        latent: (point, channel).
        conditions: (point, condition) in the units of CONDITIONS.
    """

    latent: Tensor
    conditions: Tensor

    def __len__(self) -> int:
        return len(self.latent)

    def __getitem__(self, rows: Sequence[int] | Tensor | slice) -> "Points":
        return Points(self.latent[rows], self.conditions[rows])

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """The points of all parts, in order."""
        latent = torch.cat([part.latent for part in parts])
        return cls(latent, torch.cat([part.conditions for part in parts]))


def between(ends: Points, number: int) -> Points:
    """Points on the line from the first to the second of two, both ends among them."""
    share = torch.linspace(0, 1, number).unsqueeze(1)
    return Points(
        torch.lerp(ends.latent[:1], ends.latent[1:], share),
        torch.lerp(ends.conditions[:1], ends.conditions[1:], share),
    )


class Generator:
    """Reads molecules into a latent space, draws points there, and writes molecules.

    Args:
        model: trained.
        metadata: what else its file holds.
    """

    def __init__(self, model: GraphToSelfies, metadata: dict[str, Any] | None = None) -> None:
        self.model = model.eval()
        self.metadata = metadata or {}

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read `generator.safetensors` of a pre-training, or the one that ships: `generator`.

        Raises:
            InputError: no such file, or no generator.
        """
        path = weights_path(Path(path))
        data, metadata, tensors = read_model_file(path, GENERATOR, MAKER)
        config = parse_config(GeneratorConfig, data, str(path))
        model = GraphToSelfies(config)
        load_state(model, tensors, path)
        return cls(model, metadata)

    @torch.inference_mode()
    def read(self, smiles: Sequence[str]) -> Points:
        """Posterior means of molecules, with their properties.

        Raises:
            InputError: one is no molecule, or too large.
        """
        config = self.model.config
        read = featurize(smiles, config.max_atoms, config.encoder.fingerprint)
        for text, status, reason in zip(smiles, read.status, read.reason, strict=True):
            if status != "ok":
                raise InputError(f"{text!r} is no molecule to begin with: {reason}")
        asked_of = [conditions_of(Chem.MolFromSmiles(text)) for text in smiles]
        conditions = torch.from_numpy(np.array(asked_of))
        data = MoleculeData(
            read.packed, np.arange(len(read.packed)), fingerprints=read.fingerprints
        )
        asked = self.model.standard(conditions)
        means = [
            self.model.posterior_of(data.__getitems__(rows), asked[rows]).mean
            for rows in np.array_split(np.arange(len(smiles)), -(-len(smiles) // _BATCH))
        ]
        return Points(torch.cat(means), conditions)

    def reads(self, smiles: str) -> bool:
        """Whether a molecule is small enough for `read`."""
        molecule = Chem.MolFromSmiles(smiles)
        return molecule is not None and 0 < molecule.GetNumAtoms() <= self.model.config.max_atoms

    @torch.inference_mode()
    def draw(self, number: int, wanted: Mapping[str, float], draws: torch.Generator) -> Points:
        """Points of the prior.

        What is not asked for is drawn from training molecules, those most like what is.

        Args:
            number: of points.
            wanted: condition -> value, in the units of CONDITIONS.
            draws: source of randomness.
        """
        standard = self.model.standard
        known = standard(self.model.known)
        asked, columns = self._asked(wanted)
        apart = (known[:, columns] - standard(asked)[columns]).square().sum(1) / _ALIKE**2
        rows = torch.multinomial((-apart / 2).softmax(0), number, True, generator=draws)
        conditions = self.model.known[rows].clone()
        conditions[:, columns] = asked[columns]
        prior = self.model.prior(standard(conditions))
        return Points(prior.sample(torch.randn(prior.mean.shape, generator=draws)), conditions)

    @torch.inference_mode()
    def near(self, points: Points, radius: Tensor | float, draws: torch.Generator) -> Points:
        """A neighbour of each point, at a distance of some `radius`; see `distance`.

        Its properties differ too, by half as many of their standard deviations: a molecule
        of exactly the same weight, logP and TPSA is often the same molecule.
        """
        noise = torch.randn(points.latent.shape, generator=draws)
        latent = points.latent + radius * self._width(points) * noise
        noise = torch.randn(points.conditions.shape, generator=draws)
        spread = radius * _LOOSE * self.model.normalizer.std
        return Points(latent, points.conditions + spread * noise)

    @torch.inference_mode()
    def moved(self, points: Points, wanted: Mapping[str, float]) -> Points:
        """Points as far from the prior's mean as before, but for other properties."""
        standard = self.model.standard
        asked, columns = self._asked(wanted)
        conditions = points.conditions.clone()
        conditions[:, columns] = asked[columns]
        old, new = (
            self.model.prior(standard(points.conditions)),
            self.model.prior(standard(conditions)),
        )
        away = (points.latent - old.mean) * (new.log_std - old.log_std).exp()
        return Points(new.mean + away, conditions)

    def distance(self, points: Points, origin: Points) -> NDArray[np.float64]:
        """(point,) root mean square over channels, in standard deviations of the prior."""
        apart = (points.latent - origin.latent) / self._width(origin)
        return apart.square().mean(1).sqrt().double().numpy()

    @torch.inference_mode()
    def write(self, points: Points, temperature: float, draws: torch.Generator) -> list[str]:
        """Canonical SMILES of each point; empty for one that writes no atom.

        Args:
            points: to write.
            temperature: 1 draws as the model believes, lower values are safer and more
                alike, 0 takes the likeliest token each time.
            draws: source of randomness.
        """
        found: list[str] = []
        for first in range(0, len(points), _BATCH):
            part = points[first : first + _BATCH]
            asked = self.model.standard(part.conditions)
            codes = self.model.write(part.latent, asked, temperature, draws)
            found += [self.model.config.vocabulary.smiles(row) for row in codes.tolist()]
        return found

    def learned_from(self, smiles: Sequence[str]) -> NDArray[np.bool_]:
        """(molecule,) whether the constitution is in the training set, by a hash of 32 bits."""
        hashes = [identity(constitution(text)) for text in smiles]
        return np.isin(np.array(hashes, np.int32), self.model.seen.numpy())

    def _width(self, points: Points) -> Tensor:
        prior = self.model.prior(self.model.standard(points.conditions))
        return prior.log_std.detach().exp()

    def _asked(self, wanted: Mapping[str, float]) -> tuple[Tensor, list[int]]:
        """(condition,) with zeros where nothing is asked, and the columns that are."""
        names = list(CONDITIONS)
        columns = [names.index(name) for name in wanted]
        asked = torch.zeros(len(names))
        asked[columns] = torch.tensor(list(wanted.values()), dtype=torch.float32)
        return asked, columns


def read_conditions(texts: Sequence[str]) -> dict[str, float]:
    """Conditions as a user writes them: `logP=2.5`.

    Raises:
        InputError: an unknown property, one given twice, or no number.
    """
    wanted: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in CONDITIONS:
            hint = nearest(name, CONDITIONS) or f"; there are {', '.join(CONDITIONS)}"
            raise InputError(f"--condition {text!r}: no condition is called {name!r}{hint}")
        if name in wanted:
            raise InputError(f"--condition {name} is given twice; give it once")
        try:
            wanted[name] = float(value)
        except ValueError:
            wanted[name] = float("nan")
        if not np.isfinite(wanted[name]):
            raise InputError(f"--condition {text!r}: expected a number, as in {name}=2")
    return wanted
