"""The command `molecules predict`."""

from pathlib import Path

from molecules.choices import Device, Precision
from molecules.commands.parameters import Files


def predict(
    model: Path,
    table: Files = None,
    *,
    out: Path = Path("predictions.csv"),
    smiles: str | None = None,
    workers: int | None = None,
    cache: Path | None = None,
    device: Device = "cpu",
    precision: Precision = "float32",
) -> None:
    """Write a table with predictions, intervals and a status beside its own columns.

    Every row comes back, in its order; one that holds no valid molecule says why.

    Args:
        model: the file `model.safetensors` of a training run; several of the same properties
            are averaged, `a.safetensors b.safetensors new.csv`. Their intervals reach from
            the lowest to the highest end.
        table: CSV, TSV, SMI, SDF, JSON lines, Excel or Parquet, also with .gz; `-` is standard
            input, `demo` the library that comes with RDKit.
        out: .csv, .tsv, .parquet, .xlsx or .sdf to write; an .sdf keeps the positions of a file
            of three dimensions, without its hydrogens, and draws other molecules.
        smiles: column with the SMILES or InChI; found by its name or content if left out.
        workers: processes; one per core if left out.
        cache: folder that keeps molecular graphs; the next model need not parse again.
        device: cuda computes on the GPU, which all processes share; auto if there is one.
        precision: bfloat16 halves the time of the networks on processors that have it, for
            changes of some thousandths.
    """
    from molecules.prediction.model_source import models_and_table
    from molecules.prediction.predict_file import predict_file

    models, source = models_and_table("predict", model, table)
    predict_file(models, source, out, smiles, workers, cache, device, precision)
