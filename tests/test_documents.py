"""What the Markdown files tell a reader to type can be typed, and what they link to is there."""

import ast
import importlib
import re
import shlex
from pathlib import Path

import pytest

from molecules.cli import app as molecules
from sciml.cli import dotted_to_set
from weather.cli import app as weather

ROOT = Path(__file__).parents[1]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *(ROOT / package / "README.md" for package in ("weather", "molecules", "benchmarks")),
    *sorted(ROOT.glob("*/weights/*.md")),
    *sorted(ROOT.glob("benchmarks/results/*.md")),
]
APPS = {"weather": weather, "molecules": molecules}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _fences(page: Path, language: str) -> list[str]:
    found = FENCE.findall(page.read_text(encoding="utf-8"))
    return [text for kind, text in found if kind == language]


def _commands() -> list[str]:
    """Lines of plain fences that begin with one of the commands, a prompt aside."""
    lines = []
    for page in PAGES:
        for fence in _fences(page, ""):
            for line in fence.replace("\\\n", " ").splitlines():
                words = line.removeprefix("$ ").split()
                if len(words) > 1 and words[0] in APPS:
                    lines.append(" ".join(words))
    return sorted(set(lines))


def test_there_are_commands_to_check() -> None:
    assert len(_commands()) > 30


@pytest.mark.parametrize("line", _commands())
def test_command_is_understood(line: str) -> None:
    name, *tokens = shlex.split(line, comments=True)
    command, bound, _ = APPS[name].parse_args(
        dotted_to_set(tokens), exit_on_error=False, print_error=False
    )
    assert command.__name__ == tokens[0]
    config = bound.arguments.get("config")
    if config is not None and not str(config).endswith(".yaml"):
        assert (ROOT / name / "configs" / f"{config}.yaml").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, heading = target.partition("#")
        if "://" in path:
            continue
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        if heading:
            assert heading in _anchors(there), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_names_exist(page: Path) -> None:
    for fence in _fences(page, "python"):
        for node in ast.walk(ast.parse(fence)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(str(node.module))
                assert all(hasattr(module, alias.name) for alias in node.names)


def _anchors(page: Path) -> set[str]:
    """Of headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
