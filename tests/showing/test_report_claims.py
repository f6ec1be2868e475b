"""The last section of the report says what survives of how many claims."""

import pandas as pd

from report_tables import claims
from urbancam.showing.report.claims import summarise_claims


def test_it_says_how_many_were_tried_and_which_survive():
    count, survivor, untried = summarise_claims(claims())
    assert count.startswith("3 claims were tried, 2 of them on blocks enough to say; 1 survive")
    assert "against 1 a control or null speaks" in count
    assert "The image ranks the cells as they are (0.70 [0.10, 0.90], q 0.001)" in survivor
    assert "not held against a campaign left out, shuffled labels" in untried


def test_kinds_that_no_control_asks_are_named_and_not_kept():
    unasked = claims().iloc[:1].assign(kind="pair", survives=False, untried="no control asks this")
    _, got, *_ = summarise_claims(pd.concat([claims(), unasked]))
    assert got.startswith("1 are of kinds that no control asks") and "beside each other" in got


def test_a_run_of_which_nothing_survives_says_so():
    count, nothing = summarise_claims(claims().assign(survives=False))
    assert "0 survive" in count and "nothing" in nothing
