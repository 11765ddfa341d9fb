"""`weather plan`: what it shows, and its error lines."""

import pytest

from sciml.errors import InputError
from weather.commands.plan import plan


def test_chains_calls_and_the_saw_tooth(capsys):
    plan(steps=["1h", "3h", "6h", "24h"], leads=["71h", "72h"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "71 h │ 2x24+3x6+1x3+2x1 │ 8 │ 8" in shown
    assert "72 h │ 3x24 │ 3 │ 9" in shown
    assert "calls in all: 9 greedy, 12 smooth" in shown
    assert "saw-tooth: 71 h takes 8 calls and 72 h takes 3" in shown


def test_a_smooth_plan_has_no_warning(capsys):
    plan(steps=["6h", "1d"], hours=48, every="12h", method="smooth")
    shown = capsys.readouterr().out
    assert "2x6 blended" in shown
    assert "saw-tooth" not in shown


def test_steps_that_do_not_divide_each_other_have_no_smooth_plan(capsys):
    plan(steps=["4h", "6h"], leads=["12h"])
    assert "no smooth plan: " in capsys.readouterr().out


def test_models_or_steps(tmp_path):
    for options in ({}, {"models": [tmp_path / "m.safetensors"], "steps": ["6h"]}):
        with pytest.raises(InputError, match="give model files, or time steps"):
            plan(options.get("models"), steps=options.get("steps"))
    with pytest.raises(InputError, match=r"cannot read .*none.safetensors"):
        plan([tmp_path / "none.safetensors"])
    with pytest.raises(InputError, match="a lead time of 5 h; time steps of 6 h"):
        plan(steps=["6h"], leads=["5h"])
