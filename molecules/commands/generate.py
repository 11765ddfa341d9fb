"""The command `molecules generate`."""

from pathlib import Path


def generate(
    model: Path = Path("generator"),
    *,
    number: int = 1000,
    condition: list[str] | None = None,
    near: str | None = None,
    between: tuple[str, str] | None = None,
    similarity: str | None = None,
    radius: float = 0.5,
    temperature: float = 0.7,
    max_sa: float | None = None,
    filters: list[str] | None = None,
    seed: int = 0,
    out: Path = Path("samples.csv"),
) -> None:
    """Write new molecules with a generator: samples, neighbours, or the way between two.

    Every text that it writes is a molecule (SELFIES), without stereochemistry.

    Args:
        model: the file `generator.safetensors` of `molecules pretrain --config generator`;
            if left out, the generator that ships.
        number: how many; on a path, both ends count.
        condition: a property that samples aim at: `logP=2.5`, `TPSA=60`, `weight=350` (g/mol),
            `rings=3`; repeat for several.
        near: SMILES or InChI whose neighbours in latent space to draw.
        similarity: LOW:HIGH, Tanimoto similarity of neighbours; what is outside is drawn
            again. Default 0.3:1.
        between: two SMILES or InChI, to write the molecules on the way from one to the other.
        radius: how far neighbours are, in standard deviations of the latent space.
        temperature: of the writing; lower is safer and less varied, 0 takes the likeliest.
        max_sa: largest SA score, 1 (easy to make) to 10; what is above is drawn again.
            Default 3.5, and any on a path.
        filters: that molecules must pass, as `--flag` of `screen`, else they are drawn
            again; repeat for several.
        seed: the same seed gives the same molecules.
        out: .csv, .tsv, .parquet, .xlsx, .smi or .sdf.
    """
    from molecules.generation.acceptance import Limits
    from molecules.generation.generate_file import generate_file
    from molecules.generation.similarity_window import read_window

    window = None if similarity is None else read_window(similarity)
    generate_file(
        model,
        out,
        number=number,
        conditions=condition or (),
        near=near,
        ends=between or (),
        radius=radius,
        temperature=temperature,
        limits=Limits(max_sa, tuple(filters or ()), window),
        seed=seed,
    )
