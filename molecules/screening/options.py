"""What is said about the hits beside their predictions."""

from dataclasses import dataclass, field
from pathlib import Path

from molecules.choices import Diversity


@dataclass(frozen=True)
class HitOptions:
    """What is said about the hits, and which of them are shown.

    Attributes:
        flag: filters whose alerts are shown; `pains` and `brenk` if left out. There are
            lipinski, veber, pains (pains_a, _b, _c), brenk, nih, chembl (and of its sets
            chembl_bms, _dundee, _glaxo, _inpharmatica, _lint, _mlsmr, _surechembl).
        diverse: show only so many of the best, chosen to differ.
        diverse_by: `maxmin`: each unlike those before it; `butina`: the best of each cluster;
            `leader`: down the list, passing over what is like one chosen before.
        measured: table with SMILES and measured values under the model's names: each hit
            is shown beside its three nearest molecules there. If left out, beside those
            that the model has learned from, where its file keeps them.
        actives: table of molecules known to be active: each hit is shown beside the nearest;
            `--target similarity:max:0.5` ranks by that similarity too.
        reference: table of molecules, e.g. approved drugs, that are predicted too: each hit
            gets its percentile among them.
    """

    flag: list[str] = field(default_factory=list)
    diverse: int | None = None
    diverse_by: Diversity = "maxmin"
    measured: Path | None = None
    actives: Path | None = None
    reference: Path | None = None

    @property
    def tables(self) -> list[Path]:
        """The files that are read for it."""
        return [table for table in (self.measured, self.actives, self.reference) if table]
