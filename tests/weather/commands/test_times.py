"""Lead times as users ask for them."""

import pytest

from sciml.errors import InputError
from weather.commands.times import lead_times


@pytest.mark.parametrize(
    ("hours", "told"), [(0, "--hours 0 is"), (-24, "--hours -24 is"), (7, "give a multiple")]
)
def test_a_length_that_is_none(hours, told):
    with pytest.raises(InputError, match=told):
        lead_times(hours, None, None, 6 * 3600)
