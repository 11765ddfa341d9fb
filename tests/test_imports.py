"""The dependency rule, read from the imports: weather -> sciml <- molecules, nothing else."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    p for package in ("sciml", "weather", "molecules") for p in ROOT.glob(f"{package}/**/*.py")
)

# Which files may import a library. What is heavy or belongs to one domain stays there.
MAY_IMPORT = {
    "lightgbm": {"molecules/experts/trees.py"},
    "lightning": {
        "sciml/batches.py",
        "sciml/callbacks.py",
        "sciml/best_checkpoint.py",
        "sciml/last_checkpoint.py",
        "sciml/learner.py",
        "sciml/trainer_manners.py",
        "sciml/training.py",
    },
    "xarray": {"weather/"},
    "rdkit": {"molecules/"},
    "dinosaur": {"weather/"},
    "jax": {"weather/"},
    "onnx": {"weather/forecasting/"},
    "onnxruntime": {"weather/forecasting/"},
    "onnxscript": {"weather/forecasting/"},
    "scores": {"weather/verification/"},
    "openpyxl": {"molecules/files/workbook.py"},
    "distributed": {"molecules/prediction/parallel.py"},
    "fastapi": {"molecules/serving/"},
    "uvicorn": {"molecules/serving/"},
    "weather": {"weather/"},
    "molecules": {"molecules/"},
}


# The wings of a domain, from the top; each may import from those after it.
WINGS = {
    "weather": (
        "commands",
        "maps",
        "explanation",
        "cyclones",
        "verification",
        "simulation",
        "downscaling",
        "training",
        "forecasting",
        "checking",
        "models",
        "files",
    ),
    "molecules": (
        "commands",
        "serving",
        "generation",
        "screening",
        "explanation",
        "pretraining",
        "training",
        "prediction",
        "experts",
        "checking",
        "evaluation",
        "models",
        "features",
        "files",
    ),
}


def imported(path: Path) -> set[str]:
    """Top-level packages imported anywhere in a file, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_file_imports_only_what_it_may(path: Path) -> None:
    relative = path.relative_to(ROOT).as_posix()
    for library in imported(path) & MAY_IMPORT.keys():
        assert relative.startswith(tuple(MAY_IMPORT[library])), f"{relative} imports {library}"


def imported_modules(path: Path) -> set[str]:
    """Full names of the modules that a file imports."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


@pytest.mark.parametrize(
    "path", [p for p in MODULES if len(p.relative_to(ROOT).parts) > 2], ids=lambda path: path.stem
)
def test_wings_import_downwards_only(path: Path) -> None:
    domain, wing, *_ = path.relative_to(ROOT).parts
    above = WINGS[domain][: WINGS[domain].index(wing)]
    for module in imported_modules(path):
        assert not module.startswith(tuple(f"{domain}.{name}." for name in above)), module


@pytest.mark.parametrize("package", ["weather", "molecules"])
def test_help_of_no_command_imports_anything_heavy(package: str) -> None:
    heavy = ["torch", "lightning", "rdkit", "xarray", "jax", "pandas", "sklearn", "matplotlib"]
    code = (
        f"import sys; from {package}.cli import app, run\n"
        "for command in [[], *([name] for name in app if not name.startswith('-'))]:\n"
        "    try: run(app, [*command, '--help'])\n"
        "    except SystemExit: print('helped', file=sys.stderr)\n"
        f"print([m for m in {heavy} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.count("helped") > 4
    assert done.stderr.strip().endswith("[]"), done.stderr


@pytest.mark.parametrize(
    "module", ["weather.forecasting.forecaster", "molecules.prediction.predictor"]
)
def test_using_a_model_does_not_import_lightning(module: str) -> None:
    code = f"import sys, {module}; print('lightning' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
