"""How good a generator's molecules are, beside published ones: 10,000 samples in one table.

    python benchmarks/skill/molecules_generation.py generator.safetensors TABLE...

TABLE are the files that the generator was pre-trained on; molecules of them that it has not
learned from are what it is compared with. Writes benchmarks/results/molecules_generation.md
and .json, and a picture of forty samples if --picture says where.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rdkit import Chem, rdBase

from molecules.evaluation.similarity import fingerprints
from molecules.features.conditions import CONDITIONS, conditions_of
from molecules.features.selfies import constitution
from molecules.files.table import iter_library
from molecules.generation.acceptance import RELATED, USUAL
from molecules.generation.generator import Generator, crossed
from molecules.generation.quality import (
    PROPERTIES,
    Quality,
    frechet_distance,
    internal_diversity,
    properties,
)
from molecules.generation.synthesis import synthetic_accessibility
from molecules.screening.diversity import tanimoto
from sciml.files import write_text

RESULTS = Path(__file__).parents[1] / "results"
ASKED = {"logP": (1.0, 4.0), "TPSA": (40.0, 100.0), "weight": (250.0, 450.0), "rings": (1.0, 5.0)}
TRAINED = ("molecules", "steps", "cpu_seconds")
READ = 1000  # molecules that are read and written, or looked at one by one
TEMPERATURES = (1.0, 0.7, 0.5)
RADII = (0.3, 0.5, 0.7)  # of neighbours
LARGE = 8  # atoms of the largest ring that is common
# molecularsets/moses README.md, the table of Polykovskiy et al. 2020 (Front. Pharmacol. 11,
# 565644): 1.6 million molecules of ZINC Clean Leads; PanGu from the summary of Lin et al. 2022.
PUBLISHED = """\
| VAE of MOSES (SMILES) | 97.7 % | 99.8 % | 69.5 % | 0.856 | | | | | |
| CharRNN of MOSES | 97.5 % | 99.9 % | 84.2 % | 0.856 | | | | | |
| JTN-VAE of MOSES | 100 % | 99.96 % | 91.4 % | 0.855 | | | | | |
| PanGu drug model, a library of 100 million | | 99.68 % | | | | | | | |
"""


def main() -> None:
    """Sample, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("generator", type=Path)
    parser.add_argument("tables", nargs="+")
    parser.add_argument("--number", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", type=Path)
    given = parser.parse_args()
    generator = Generator.load(given.generator)
    held = unseen(given.tables, generator, given.number // 2)
    draws = torch.Generator().manual_seed(given.seed)
    samples = {
        temperature: generator.draw(given.number, {}, temperature, draws)
        for temperature in TEMPERATURES
    }
    half = len(held) // 2
    floor = frechet_distance(properties(held[:half]), properties(held[half:]))
    facts = {
        "samples": {
            f"{temperature:g}": vars(Quality.of(found, held, generator)) | looks(found[:READ])
            for temperature, found in samples.items()
        },
        "held": {"diversity": internal_diversity(held), "distance": floor} | looks(held[:READ]),
        "reconstruction": reconstruction(generator, held[:READ]),
        "near": nearness(generator, held[:READ], draws),
        "halfway": halfway(generator, held[:READ]),
        "asked": steering(generator, draws),
        "held_out": generator.metadata.get("held_out"),
        "trained": {name: generator.metadata.get(name, 0) for name in TRAINED},
    }
    write_text(RESULTS / "molecules_generation.json", json.dumps(facts, indent=1) + "\n")
    write_text(RESULTS / "molecules_generation.md", report(facts))
    print((RESULTS / "molecules_generation.md").read_text(encoding="utf-8"))
    if given.picture:
        picture(samples[TEMPERATURES[0]][:40], given.picture)


def unseen(tables: list[str], generator: Generator, number: int) -> list[str]:
    """Molecules of the tables, at random, that the generator can read but has not seen."""
    smiles = [text for table in tables for part in iter_library(table) for text in part.smiles]
    order = np.random.default_rng(1).permutation(len(smiles))
    found: list[str] = []
    with rdBase.BlockLogs():
        for row in order:
            text = constitution(smiles[row])
            if generator.reads(text) and not generator.learned_from([text])[0]:
                found.append(text)
            if len(found) == number:
                break
    return found


def reconstruction(generator: Generator, smiles: list[str]) -> float:
    """Share of molecules that come back the same from their posterior's mean."""
    written = generator.write(generator.read(smiles), 0.0, torch.Generator())
    return float(np.mean([a == b for a, b in zip(smiles, written, strict=True)]))


def looks(smiles: list[str]) -> dict[str, float]:
    """Mean SA score, and shares with an easy one, with a large ring and with an aromatic one."""
    molecules = [Chem.MolFromSmiles(text) for text in smiles if text]
    scores = np.array([synthetic_accessibility(molecule) for molecule in molecules])
    rings = [[len(ring) for ring in m.GetRingInfo().AtomRings()] for m in molecules]
    aromatic = [any(atom.GetIsAromatic() for atom in m.GetAtoms()) for m in molecules]
    return {
        "sa": float(scores.mean()),
        "easy": float((scores <= USUAL).mean()),
        "large": float(np.mean([max(sizes, default=0) > LARGE for sizes in rings])),
        "aromatic": float(np.mean(aromatic)),
    }


def nearness(
    generator: Generator, smiles: list[str], draws: torch.Generator
) -> list[dict[str, float]]:
    """For each radius: how similar neighbours are, and how many are others and related."""
    points = generator.read(smiles)
    found = []
    for radius in RADII:
        written = generator.write(generator.near(points, radius, draws), 0.7, draws)
        similarity = paired(smiles, written)
        other = np.array([a != b for a, b in zip(smiles, written, strict=True)])
        found.append(
            {
                "radius": radius,
                "similarity": float(similarity.mean()),
                "same": float((~other).mean()),
                "related": float((other & (similarity >= RELATED[0])).mean()),
                "easy": looks(written)["easy"],
            }
        )
    return found


def halfway(generator: Generator, smiles: list[str]) -> dict[str, float]:
    """What lies half-way between pairs of molecules: similarity to both, and SA score."""
    half = len(smiles) // 2
    ends = smiles[:half], smiles[half : 2 * half]
    share = torch.full((half,), 0.5)
    points = crossed(generator.read(ends[0]), generator.read(ends[1]), share)
    written = generator.write(points, 0.0, torch.Generator())
    similarity = [float(paired(end, written).mean()) for end in ends]
    return {
        "first": similarity[0],
        "second": similarity[1],
        "ends": float(paired(*ends).mean()),
        "easy": looks(written)["easy"],
    }


def paired(first: Sequence[str], second: Sequence[str]) -> NDArray[np.float64]:
    """(pair,) Tanimoto similarity."""
    one, other = (fingerprints([text or "[H][H]" for text in part]) for part in (first, second))
    rows = [tanimoto(one[i : i + 1], other[i : i + 1])[0, 0] for i in range(len(first))]
    return np.array(rows)


def steering(generator: Generator, draws: torch.Generator) -> dict[str, list[list[float]]]:
    """For each condition: what was asked, and the mean and spread of what came."""
    found: dict[str, list[list[float]]] = {}
    for column, (name, values) in enumerate(ASKED.items()):
        found[name] = []
        for value in values:
            written = filter(None, generator.draw(500, {name: value}, 1.0, draws))
            got = [conditions_of(Chem.MolFromSmiles(text))[column] for text in written]
            found[name].append([value, float(np.mean(got)), float(np.std(got))])
    assert list(ASKED) == list(CONDITIONS)
    return found


def line(name: str, row: dict[str, float]) -> str:
    """A line of the table; what a row does not know stays blank."""
    forms = {
        "validity": ".2%", "uniqueness": ".2%", "novelty": ".2%", "diversity": ".3f",
        "distance": ".2f", "sa": ".2f", "easy": ".0%", "large": ".1%", "aromatic": ".0%",
    }  # fmt: skip
    cells = [f"{row[key]:{form}}" if key in row else "" for key, form in forms.items()]
    return f"| {' | '.join([name, *cells])} |"


def report(facts: dict) -> str:
    """The table, and what its columns mean."""
    held, trained = facts["held_out"] or {}, facts["trained"]
    lines = [line(f"temperature {name}", row) for name, row in facts["samples"].items()]
    lines.append(line("molecules held out", facts["held"]))
    table = "\n".join(lines)
    way = facts["halfway"]
    near = "\n".join(
        f"| {row['radius']:g} | {row['similarity']:.2f} | {row['same']:.0%} "
        f"| {row['related']:.0%} | {row['easy']:.0%} |"
        for row in facts["near"]
    )
    asked = "\n".join(
        f"| {name} | {value:g} | {mean:.2f} | {std:.2f} |"
        for name, rows in facts["asked"].items()
        for value, mean, std in rows
    )
    return f"""# Generated molecules

{facts["samples"]["1"]["samples"]:,} samples for each temperature, written from no point, by
`benchmarks/skill/molecules_generation.py`. The generator learned from {trained["molecules"]:,}
molecules in {trained["steps"]:,} steps, {trained["cpu_seconds"]:,} CPU seconds; the published
models learned from other and many more molecules: their figures say what is usual, not who wins.

| | validity | uniqueness | novelty | internal diversity | distance | SA score | at most {USUAL} | \
a ring of more than {LARGE} | aromatic |
|---|---|---|---|---|---|---|---|---|---|
{table}
{PUBLISHED}
Whatever is written is valid (SELFIES), unless it has no atom. Uniqueness is that of all samples,
novelty that of distinct ones, by the hash of their constitution. Distance: squared Fréchet
distance of Gaussians in {len(PROPERTIES)} RDKit descriptors ({", ".join(PROPERTIES)}), in
standard deviations of the held-out molecules; that of two halves of these to each other is the
least that can be expected. It is no FCD, which needs ChemNet. SA score (Ertl and Schuffenhauer
2009), rings and aromatic atoms: of {READ} molecules.

## Latent space

{facts["reconstruction"]:.1%} of {READ} held-out molecules come back exactly from the posterior's
mean, by the likeliest tokens. At the end of the training the text costs
{held.get("surprise", 0):.1f} nats with a point of the posterior and {held.get("without", 0):.1f}
without a point; the posterior is {held.get("rate", 0):.0f} nats from a standard normal
distribution, and {held.get("active")} of {held.get("latent")} channels differ among molecules.

Neighbours of these molecules, one each, at temperature 0.7; related are others with a Tanimoto
similarity of at least {RELATED[0]} (two held-out molecules have {way["ends"]:.2f} in the mean):

| radius | similarity | the same molecule | related | at most {USUAL} |
|---|---|---|---|---|
{near}

Half-way between two, that is the beginning of one and the end of the other, molecules are as
similar to the two as {way["first"]:.2f} and {way["second"]:.2f} (the two to each other:
{way["ends"]:.2f}); {way["easy"]:.0%} have an SA score of at most {USUAL}.

## Conditions

| asked | for | mean of 500 | standard deviation |
|---|---|---|---|
{asked}

PanGu: Lin et al. 2022 (Sci. China Life Sci., doi 10.1007/s11427-022-2239-y), from memory of its
abstract. MOSES: Polykovskiy et al. 2020, table of its README.
"""


def picture(smiles: list[str], path: Path) -> None:
    """Structures of samples, to be looked at."""
    from rdkit.Chem import Draw

    molecules = [Chem.MolFromSmiles(text) for text in smiles]
    Draw.MolsToGridImage(molecules, molsPerRow=8, subImgSize=(240, 200)).save(path)


if __name__ == "__main__":
    main()
