"""The command `molecules embed`."""

from pathlib import Path

from molecules.choices import Device, Precision
from molecules.commands.parameters import Files


def embed(
    model: Path,
    table: Files = None,
    *,
    out: Path = Path("embedding.parquet"),
    smiles: str | None = None,
    workers: int | None = None,
    cache: Path | None = None,
    device: Device = "cpu",
    precision: Precision = "float32",
) -> None:
    """Write the encoder's vector of each molecule, for use in other programs.

    Every row comes back, in its order; one that holds no valid molecule says why.

    Args:
        model: `base`, the encoder that ships; or the file `model.safetensors` of a run of
            `train` or `pretrain`.
        table: as of `predict`.
        out: .csv, .tsv or .parquet: the table with columns `embedding_0`, ... behind its
            own; .npz: arrays `vectors` and `status`, a row for each of the table.
        smiles: column with the SMILES or InChI; found by its name or content if left out.
        workers: processes; one per core if left out.
        cache: folder that keeps molecular graphs; the next model need not parse again.
        device: cuda computes on the GPU, which all processes share; auto if there is one.
        precision: bfloat16 halves the time of the networks on processors that have it, for
            changes of some thousandths.
    """
    from molecules.prediction.embed_file import embed_file
    from molecules.prediction.model_source import models_and_table

    models, source = models_and_table("embed", model, table)
    embed_file(models, source, out, smiles, workers, cache, device, precision)
