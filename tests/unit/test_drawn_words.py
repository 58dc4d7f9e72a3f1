"""Words in drawings are cut to their room before they are drawn: SVG neither wraps nor cuts."""

from __future__ import annotations

import pytest
from django.template import Context, Template

from samklang.console.templatetags.charts import fit, wide


@pytest.mark.parametrize("name", ["w" * 30, "W" * 30, "i" * 90, "lager-00-vasternorrland-harnosand", "Ж" * 20])
def test_a_name_is_cut_where_its_room_ends(name: str) -> None:
    cut = fit(name, "15.5 153")
    assert cut.endswith("…") and name.startswith(cut[:-1]) and wide(cut, 15.5) <= 153
    assert wide(name[: len(cut)], 15.5) > 153 - 15.5, "and not sooner"


def test_what_fits_stays_whole() -> None:
    assert fit("nordljus-se", "15.5 153") == "nordljus-se"


def _beside(name: str, said: str) -> str:
    page = Template("{% load charts %}{% beside name 12.8 168 %} {{ said }}\n{% endbeside %}")
    return page.render(Context({"name": name, "said": said}))


def test_the_name_gives_way_to_what_is_said_of_it() -> None:
    assert _beside("Fortnox", "2 min ago") == "Fortnox · 2 min ago"
    assert _beside("Logistra Cargonizer", "3 stopped") == "Logistra Ca… · 3 stopped"
    assert _beside("Fortnox", "needs a person who may log in") == "needs a person who ma…"
    assert _beside("A & B", "1 < 2") == "A &amp; B · 1 &lt; 2"
