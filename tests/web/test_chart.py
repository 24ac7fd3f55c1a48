"""What charts draw: their scale, what stands below them, and what they are compared with."""

from decimal import Decimal

import pytest

from wattseal.serve.web.chart import few, round_top, stacked


@pytest.mark.parametrize(
    ("most", "top"), [("0", "1"), ("55.29", "60"), ("12771.79", "15000"), ("0.21", "0.3"), ("9", "10")]
)
def test_a_scale_ends_at_the_next_round_figure(most: str, top: str) -> None:
    assert round_top(Decimal(most)) == Decimal(top)


def test_what_is_compared_with_is_in_the_scale_and_never_drawn_outside() -> None:
    chart = stacked(
        [[Decimal(10)], [Decimal(0)]], ["verified"], ["a", "b"], ["1", "2"], [Decimal(40), Decimal(-3), Decimal(9)]
    )
    assert chart.top == 40
    assert [bar.mark for bar in chart.bars] == [0.0, 100.0]
    assert chart.bars[0].parts[0].height == 25


def test_few_texts_stand_below_many_bars_and_none_runs_out_of_the_drawing() -> None:
    shown = few([str(n) for n in range(31)])
    assert len(shown) == 31
    assert [text for text in shown if text] == ["0", "6", "12", "18", "24"]
    assert few(["a", "b"]) == ("a", "b")
    assert few([]) == ()
