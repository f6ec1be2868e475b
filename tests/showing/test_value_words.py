"""The value of cells by its own name, where texts are written for incomes."""

import matplotlib.pyplot as plt
import pytest

from urbancam.showing import value_words
from urbancam.workflow.settings import settings

INSEE = settings.load("default").cells
TOLD = ["source=file", "file=a.csv", "value_name=rent", "value_unit=EUR a month and m2"]
RENT = settings.load("default", [f"cells.{told}" for told in TOLD]).cells


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Income by class", "Rent by class"),
        ("orders the incomes", "orders the values of rent"),
        ("mean income (EUR per year and person)", "mean rent (EUR a month and m2)"),
        ("12,000 EUR, predicted poor", "12,000 EUR a month and m2, predicted poor"),
        ("income_class, 11_train_income", "income_class, 11_train_income"),
    ],
)
def test_name_and_unit_take_the_place_of_income(text, told):
    assert value_words.tell(text, RENT) == told
    assert value_words.tell(text, INSEE) == text


def test_page_is_told_but_for_scripts_and_code():
    page = '<p title="income">Incomes</p><script>"income"</script><code>income</code> income'
    got = '<p title="income">Values of rent</p><script>"income"</script><code>income</code> rent'
    assert value_words.tell_page(page, RENT) == got
    assert value_words.tell_page(page, INSEE) == page


def test_figure_is_told_with_its_caption():
    figure, ax = plt.subplots()
    ax.set_xlabel("mean income, EUR")
    figure.caption = ("Incomes of cells.",)
    value_words.tell_figure(figure, RENT)
    assert ax.get_xlabel() == "mean rent, EUR a month and m2"
    assert figure.caption == ("Values of rent of cells.",)
    plt.close(figure)
