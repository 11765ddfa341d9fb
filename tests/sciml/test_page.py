"""All pages look alike, and none leaves out what it was to say."""

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from sciml.page import environment

ROOT = Path(__file__).parents[2]
TEMPLATES = [
    p
    for package in ("sciml", "weather", "molecules")
    for p in ROOT.glob(f"{package}/**/templates/*")
]
TEXT = (
    '{% extends "page.html" %}\n{% block title %}{{ name }}{% endblock %}\n'
    "{% block main %}<p>{{ name|twice }}</p>{% endblock %}\n"
)


def test_text_stands_in_the_page_as_text() -> None:
    page = environment("sciml", twice=lambda text: 2 * text).from_string(TEXT).render(name="<i>")
    assert page.startswith("<!doctype html>")
    assert "<title>&lt;i&gt;</title>" in page
    assert "<main>\n<p>&lt;i&gt;&lt;i&gt;</p></main>" in page


def test_what_is_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="'name' is undefined"):
        environment("sciml", twice=str).from_string(TEXT).render()


def test_every_other_template_extends_the_page() -> None:
    extending = [path for path in TEMPLATES if path.name != "page.html"]
    assert len(extending) == len(TEMPLATES) - 1
    for path in extending:
        assert path.read_text().startswith('{% extends "page.html" %}\n')
