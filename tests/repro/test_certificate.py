from __future__ import annotations

import pytest
from reductions import certificate, converted, ran, reduction

from rkmend.repro.certificate import attributes_text, by_element, shown


def test_lines_are_gathered_by_element_in_order():
    node, pad, width = by_element(certificate())
    assert (node.element, node.impossible) == ("node 'conv' (Conv)", {"removed": "nothing would be left"})
    assert (pad.cured, pad.otherwise, pad.impossible) == (["1 -> 0"], {}, {})
    assert (width.cured, width.otherwise) == (["1198 -> 1197"], {"1198 -> 1": "build: SIGSEGV: "})


def test_the_run_that_is_shown_is_the_last_that_failed_alike():
    first, last = ran(message="first"), ran(message="last")
    assert shown(reduction(baseline=(first,), final=(last, converted()))) is last
    assert shown(reduction(baseline=(converted(), first), final=(converted(),))) is first
    with pytest.raises(ValueError, match="without a run"):
        shown(reduction(baseline=(converted(),), final=()))


def test_attributes_on_a_line():
    assert attributes_text({"axis": "1", "perm": "[0, 2, 1]"}) == "axis=1, perm=[0, 2, 1]"
