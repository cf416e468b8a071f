"""How pages say what Stageward says in half a sentence."""

from __future__ import annotations

import pytest

from stage_functions.web.pages.render import coded, sentence


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no such thing", "No such thing."),
        ("the end?", "The end?"),
        ("person:eve is not known", "person:eve is not known."),
        ("demo/models/iris is gone", "demo/models/iris is gone."),
        ("`people` has nobody", "`people` has nobody."),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_where_a_word_begins_it(text: str, said: str) -> None:
    """An id or a path stays as it is written."""
    assert said == sentence(text)


def test_a_command_that_has_a_page_is_a_link_to_it() -> None:
    """Others are shown as what is typed; one mark alone is no mark."""
    assert '<a href="/approvals">the page of approvals</a> lists them' == coded(
        "`stageward approvals` lists them"
    )
    assert '<code class="command">&lt;b&gt;</code>' == coded("`<b>`")
    assert "a ` b" == coded("a ` b")
