"""The tables of the molecular skill benchmark: what is learned, in which form, how it is scored.

Eight of MoleculeNet (Wu et al. 2018, Chem. Sci. 9, 513) and fifteen of the Therapeutics Data
Commons' ADMET group (Huang et al. 2021, arXiv:2102.09548), smallest first. Metrics are those
of their leaderboards, except that MoleculeNet's regressions have RMSE and its classifications
mean ROC-AUC over tasks. Two TDC labels span four orders of magnitude: every model learns
log10 of them, which does not change the rank correlation they are scored by.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molecules.evaluation.metrics import MAE, PR_AUC, RMSE, ROC_AUC, SPEARMAN, Metric
from molecules.evaluation.splits import canonical_smiles
from molecules.files.table import Table, read_table
from molecules.tasks import Tasks

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
IDENTIFIERS = {"mol_id"}  # of tables whose every other column is a label


@dataclass(frozen=True)
class Source:
    """Where a table lies and what is to be learned from it.

    Attributes:
        name: as reported.
        path: below the folder of molecules: a file, or a folder with `train_val.csv` and
            `test.csv`.
        metric: that models are compared by.
        targets: columns to learn; none means all but SMILES and identifiers.
        log: learn log10 of the labels.
    """

    name: str
    path: str
    metric: Metric
    targets: tuple[str, ...] = ()
    log: bool = False

    @property
    def has_test(self) -> bool:
        """Whether the table comes with a test set of its own."""
        return self.path.startswith("admet/tdc/")


def _tdc(name: str, metric: Metric, log: bool = False) -> Source:
    return Source(name, f"admet/tdc/{name}", metric, ("Y",), log)


ESOL = "measured log solubility in mols per litre"
SOURCES = (
    Source("FreeSolv", "moleculenet/SAMPL.csv", RMSE, ("expt",)),
    Source("ESOL", "moleculenet/delaney-processed.csv", RMSE, (ESOL,)),
    Source("ClinTox", "moleculenet/clintox.csv", ROC_AUC, ("FDA_APPROVED", "CT_TOX")),
    Source("BACE", "moleculenet/bace.csv.gz", ROC_AUC, ("Class",)),
    Source("BBBP", "moleculenet/BBBP.csv", ROC_AUC, ("p_np",)),
    _tdc("dili", ROC_AUC),
    _tdc("hia_hou", ROC_AUC),
    _tdc("bioavailability_ma", ROC_AUC),
    _tdc("half_life_obach", SPEARMAN, log=True),
    _tdc("cyp3a4_substrate_carbonmangels", ROC_AUC),
    _tdc("caco2_wang", MAE),
    _tdc("vdss_lombardo", SPEARMAN, log=True),
    _tdc("clearance_hepatocyte_az", SPEARMAN),
    _tdc("pgp_broccatelli", ROC_AUC),
    _tdc("bbb_martins", ROC_AUC),
    _tdc("ppbr_az", MAE),
    Source("SIDER", "moleculenet/sider.csv", ROC_AUC),
    Source("Lipophilicity", "moleculenet/Lipophilicity.csv", RMSE, ("exp",)),
    _tdc("lipophilicity_astrazeneca", MAE),
    _tdc("ames", ROC_AUC),
    _tdc("solubility_aqsoldb", MAE),
    Source("Tox21", "moleculenet/tox21.csv.gz", ROC_AUC),
    _tdc("cyp3a4_veith", PR_AUC),
)


@dataclass(frozen=True)
class Labelled:
    """The rows of a table that are molecules with a label.

    Attributes:
        source: of the table.
        smiles: one per row, as written.
        identities: canonical SMILES of each.
        tasks: names and kinds.
        labels: (row, task), NaN where unmeasured.
        test: rows of the test set that the table comes with; none without one.
        left_out: rows of the file that are not here.
    """

    source: Source
    smiles: tuple[str, ...]
    identities: tuple[str, ...]
    tasks: Tasks
    labels: Array
    test: Rows
    left_out: int

    @cached_property
    def digest(self) -> str:
        """Tells tables apart: of molecules, labels and test set."""
        content = hashlib.sha256("\n".join(self.smiles).encode())
        for array in (self.labels, self.test):
            content.update(np.ascontiguousarray(array).tobytes())
        return content.hexdigest()[:12]


def load(source: Source, folder: Path) -> Labelled:
    """Read a table below the folder of molecules.

    Raises:
        InputError: a file or column is missing.
    """
    path = folder / source.path
    parts = [path / "train_val.csv", path / "test.csv"] if source.has_test else [path]
    tables = [read_table(part) for part in parts]
    smiles = [text.strip() for table in tables for text in table.smiles]
    targets = list(source.targets or _label_columns(tables[0]))
    labels = np.concatenate([table.labels(targets).exact for table in tables])
    in_test = np.repeat(np.arange(len(tables)) == 1, [len(table) for table in tables])
    return labelled(source, smiles, targets, np.log10(labels) if source.log else labels, in_test)


def labelled(
    source: Source, smiles: list[str], targets: list[str], labels: Array, in_test: NDArray[np.bool_]
) -> Labelled:
    """The usable rows.

    Args:
        source: of the table.
        smiles: one per row.
        targets: names of the tasks.
        labels: (row, task), NaN where unmeasured.
        in_test: (row,) whether it belongs to a test set that the table comes with.
    """
    identities = np.array([text or "" for text in canonical_smiles(smiles)])
    kept = np.flatnonzero((identities != "") & np.isfinite(labels).any(axis=1))
    return Labelled(
        source,
        tuple(smiles[row] for row in kept),
        tuple(identities[kept].tolist()),
        Tasks.infer(targets, labels[kept]),
        labels[kept],
        np.flatnonzero(in_test[kept]),
        len(smiles) - len(kept),
    )


def _label_columns(table: Table) -> list[str]:
    known = IDENTIFIERS | {table.smiles_column}
    return [column for column in table.frame.columns if column not in known]
