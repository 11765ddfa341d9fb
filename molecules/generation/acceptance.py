"""Which samples of a generator are kept; in place of others new ones are drawn."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from rdkit import Chem

from molecules.generation.generator import Points
from molecules.generation.synthesis import synthetic_accessibility
from molecules.screening.filters import alerts
from sciml.errors import InputError
from sciml.wording import count

USUAL = 3.5  # SA score below which most of what ChEMBL holds lies
_PATIENCE = 200  # draws of each sample that is asked for, in the mean


@dataclass(frozen=True)
class Limits:
    """What a sample must keep to.

    Attributes:
        hardest: largest SA score, 1 (easy to make) to 10; None for any.
        filters: names of filters that it must pass; see `molecules.screening.filters`.
    """

    hardest: float | None = None
    filters: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.hardest is not None or bool(self.filters)

    def reason(self, smiles: str) -> str:
        """Why a molecule is not kept, in a word; empty for one that is."""
        molecule = Chem.MolFromSmiles(smiles)
        if not smiles or molecule is None:
            return "without an atom"
        if self.hardest is not None and synthetic_accessibility(molecule) > self.hardest:
            return f"above an SA score of {self.hardest:g}"
        return "flagged" if alerts(molecule, self.filters) else ""


def keep_drawing(
    number: int,
    draw: Callable[[], tuple[Points, list[str]]],
    limits: Limits,
    on_kept: Callable[[int, int], object] = lambda done, of: None,
) -> tuple[Points, list[str], Counter[str]]:
    """Draw until so many samples keep to limits.

    Args:
        number: of samples.
        draw: some points and what is written there.
        limits: see `Limits`.
        on_kept: told how many are kept, and of how many.

    Returns:
        Points and texts in the order they were drawn, and why others were not kept.

    Raises:
        InputError: next to nothing keeps to the limits.
    """
    points: list[Points] = []
    texts: list[str] = []
    others: Counter[str] = Counter()
    on_kept(0, number)
    while len(texts) < number:
        drawn = len(texts) + others.total()
        if drawn >= _PATIENCE * number:
            raise InputError(
                f"of {count(drawn, 'sample')} {len(texts)} keep to the limits ({told(others)}); "
                "expected more: loosen --max-sa or --filters, or ask for less"
            )
        some, written = draw()
        reasons = [limits.reason(text) for text in written]
        rows = [row for row, reason in enumerate(reasons) if not reason]
        last = rows[: number - len(texts)]
        end = last[-1] + 1 if len(texts) + len(last) == number else len(reasons)
        others.update(reason for reason in reasons[:end] if reason)
        points.append(some[last])
        texts += [written[row] for row in last]
        on_kept(len(texts), number)
    return Points.join(points), texts, others


def told(others: Counter[str]) -> str:
    """`120 above an SA score of 3.5, 3 flagged`."""
    return ", ".join(f"{number:,} {reason}" for reason, number in others.most_common())
