"""How far up similarity to known actives brings the other actives of a screened library.

    python benchmarks/similarity.py ACTIVES.smi TEST.csv [--draws 5]

ACTIVES holds molecules known to be active, TEST a library of measured ones with a column
of 0 and 1. A few actives that are not in TEST are drawn, and TEST is ranked by what
`molecules screen --target similarity:max --actives FILE` ranks by: the Tanimoto similarity
of Morgan fingerprints to the nearest of them. Mean over the draws of ROC-AUC, enrichment
in the first 1 % and BEDROC with alpha 20 (Truchon & Bayly 2007, J. Chem. Inf. Model. 47,
488), beside random orders; and the CPU time a row, beside that of RDKit's parser.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.ML.Scoring import Scoring

from molecules.evaluation.similarity import fingerprints, nearest
from molecules.evaluation.splits import canonical_smiles
from molecules.files.table import read_table

HERE = Path(__file__).parent
SIZES = (10, 100, 1000)
ALPHA = 20.0
FIRST = 0.01
TIMED = 2000  # rows

Array = NDArray[np.float64]


def measures(active: NDArray[np.bool_], score: Array, rng: np.random.Generator) -> list[float]:
    """ROC-AUC, enrichment in the first 1 %, BEDROC; equal scores in random order."""
    order = np.lexsort((rng.permutation(len(score)), -score))
    ranked = active[order][:, None].astype(int).tolist()
    return [
        Scoring.CalcAUC(ranked, 0),
        Scoring.CalcEnrichment(ranked, 0, [FIRST])[0],
        Scoring.CalcBEDROC(ranked, 0, ALPHA),
    ]


def table(actives: Path, test: Path, target: str, draws: int) -> list[dict[str, object]]:
    """Mean measures for each number of actives, and of random orders."""
    library = read_table(test)
    labels = library.labels([target]).exact[:, 0]
    inside = set(canonical_smiles(library.smiles))
    known = [s for s in canonical_smiles(read_table(actives).smiles) if s and s not in inside]
    bits, known_bits = fingerprints(library.smiles), fingerprints(known)
    usable = np.isfinite(labels) & bits.any(axis=1)
    active, bits = labels[usable] == 1, bits[usable]
    rng, found = np.random.default_rng(0), []
    for size in SIZES:
        drawn = [rng.choice(len(known), size, replace=False) for _ in range(draws)]
        told = [measures(active, nearest(bits, known_bits[rows]), rng) for rows in drawn]
        found.append(row(str(size), told))
    told = [measures(active, rng.uniform(size=len(active)), rng) for _ in range(draws)]
    facts = {"library": len(active), "hits": int(active.sum()), "known": len(known)}
    return [*found, row("random order", told) | facts]


def row(name: str, told: Sequence[Sequence[float]]) -> dict[str, object]:
    """One line of the table."""
    auc, enrichment, bedroc = np.mean(told, axis=0).tolist()
    return {"actives": name, "ROC-AUC": auc, "EF 1 %": enrichment, "BEDROC": bedroc}


def microseconds(smiles: Sequence[str], actives: Sequence[str]) -> tuple[float, float]:
    """CPU time of a row for the similarity and for RDKit's parser, the best of three turns."""
    known, similarity, parsing = fingerprints(actives), [], []
    for _ in range(3):
        began = time.process_time()
        nearest(fingerprints(smiles), known)
        similarity.append(time.process_time() - began)
        began = time.process_time()
        with rdBase.BlockLogs():
            for text in smiles:
                Chem.MolFromSmiles(text)
        parsing.append(time.process_time() - began)
    return 1e6 * min(similarity) / len(smiles), 1e6 * min(parsing) / len(smiles)


def main() -> None:
    """Run the benchmark and keep its results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("actives", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--target", default="y")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    rows = table(options.actives, options.test, options.target, options.draws)
    some = read_table(options.test).smiles[:TIMED]
    cost, parse = microseconds(some, read_table(options.actives).smiles[:100])
    machine = f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    last = rows[-1]
    stamp = (
        f"{datetime.now(UTC):%Y-%m-%d}, {options.test.name}: {last['library']:,} molecules, "
        f"{last['hits']:,} of them active; mean of {options.draws} draws of the "
        f"{last['known']:,} actives that are not among them. Similarity to 100 actives takes "
        f"{cost:.0f} us a molecule, RDKit's parser {parse:.0f} ({machine})."
    )
    lines = ["| known actives | ROC-AUC | EF 1 % | BEDROC, alpha 20 |", "|---|---:|---:|---:|"]
    lines += [
        f"| {r['actives']} | {r['ROC-AUC']:.3f} | {r['EF 1 %']:.1f} | {r['BEDROC']:.3f} |"
        for r in rows
    ]
    text = "\n".join([stamp, "", *lines, ""])
    content = {"run": stamp, "rows": rows, "us": cost, "us to parse": parse}
    (options.out / "similarity.json").write_text(json.dumps(content, indent=1))
    (options.out / "similarity.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
