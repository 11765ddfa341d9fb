"""The molecules of both contestants: the NCI set that the RDKit wheel ships."""

from pathlib import Path

from rdkit import Chem, RDConfig, RDLogger


def nci_smiles() -> list[str]:
    """The parsable SMILES of `Data/NCI/first_5K.smi` with 10 to 60 atoms, in their order."""
    RDLogger.DisableLog("rdApp.*")
    lines = (Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi").read_text().splitlines()
    smiles = [line.split()[0] for line in lines if line.split()]
    return [s for s in smiles if (m := Chem.MolFromSmiles(s)) and 10 <= m.GetNumAtoms() <= 60]
