"""Options of the commands are plain: what they leave out, nobody has to read."""

from importlib import import_module

import pytest


@pytest.mark.parametrize(
    ("package", "expected"), [("weather", {("export", "--no-check")}), ("molecules", set())]
)
def test_only_what_is_true_by_default_can_be_taken_back(
    package: str, expected: set[tuple[str, str]]
) -> None:
    cli = import_module(f"{package}.cli")
    of_all = cli.app.default_parameter
    arguments = {
        name: cli.app[name].assemble_argument_collection(default_parameter=of_all)
        for name in cli.COMMANDS
    }
    found = {(n, no) for n, given in arguments.items() for one in given for no in one.negatives}
    assert found == expected
    true = {n for n, given in arguments.items() for a in given if a.field_info.default is True}
    assert true == {name for name, _ in expected}
