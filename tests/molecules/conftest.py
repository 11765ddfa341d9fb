"""Commands as a user gives them."""

from collections.abc import Callable

import pytest

from molecules.cli import app
from sciml.cli import run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command that the user is to mend; gives its one line of error, the last."""

    def refused(*arguments: object) -> str:
        with pytest.raises(SystemExit) as ended:
            run(app, [str(argument) for argument in arguments])
        assert ended.value.code == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert [line for line in lines if line.startswith("error:")] == lines[-1:]
        return lines[-1]

    return refused
