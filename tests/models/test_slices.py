import math

import numpy as np
import pandas as pd
import pytest

from question_classification.models.metrics import bootstrap_intervals
from question_classification.models.slices import by_slice, most_confident_mistakes, question_slices


def questions(**columns: list[object]) -> pd.DataFrame:
    """Questions, of which all but the columns given are alike."""
    rows = len(next(iter(columns.values())))
    return pd.DataFrame(
        {
            "title": ["A title"] * rows,
            "body": ["<p>A body.</p>"] * rows,
            "creation_time": [1.6e9] * rows,
            "body_length": [14.0] * rows,
            "answer_count": [1.0] * rows,
        }
        | columns
    )


class TestQuestionSlices:
    @pytest.mark.parametrize(
        ("body", "code", "formulas"),
        [
            ("<p>No mark of either.</p>", False, False),
            ("<pre><code>x = 1</code></pre>", True, False),
            ("<PRE>x = 1</PRE>", True, False),
            ("<code> </code>", False, False),
            ("&lt;code&gt;", False, False),
            ("<codex>x</codex>", False, False),
            ("<p>$x$</p>", False, True),
            ("<p>It costs $5.</p>", False, False),
            (r"<p>\begin{align}x\end{align}</p>", False, True),
            (r"<p>\begin{align}x</p>", False, False),
            ("<code>$x$</code>", True, False),
            ("<p>$x$ in <code>x</code></p>", True, True),
            (None, False, False),
        ],
    )
    def test_code_and_formulas(self, body: str | None, code: bool, formulas: bool) -> None:
        slices = question_slices(questions(body=[body, "<p>$x$</p>"]))
        assert slices["code"][0] == ("with code" if code else "without code")
        assert slices["formulas"][0] == ("with formulas" if formulas else "without formulas")

    def test_years_are_those_of_utc(self) -> None:
        slices = question_slices(questions(creation_time=[1293839999.0, 1293840000.0]))
        assert slices["year"].tolist() == ["2010", "2011"]

    def test_lengths_are_parted_into_four_groups(self) -> None:
        slices = question_slices(
            questions(body_length=[float(length) for length in [50, 10, 20, 30, 40, 60, 70, 1000]])
        )
        names = ["10 to 20", "21 to 40", "41 to 60", "61 or more"]
        assert slices["body_length"].cat.categories.tolist() == ["0 to 20", *names[1:]]
        assert slices["body_length"].value_counts().tolist() == [2, 2, 2, 2]

    def test_answers_may_be_unknown(self) -> None:
        slices = question_slices(questions(answer_count=[0.0, 3.0, math.nan]))
        assert slices["answers"].tolist() == ["not answered", "answered", "unknown"]


class TestBySlice:
    def test_worked_out_by_hand(self) -> None:
        y = [True, False, True, False]
        slices = {"code": pd.Series(["with", "with", "without", "without"])}
        table = by_slice(y, [0.9, 0.8, 0.2, 0.6], slices, threshold=0.5, seed=0)
        assert table[["slice", "n", "positives"]].to_numpy().tolist() == [["with", 2, 1], ["without", 2, 1]]
        assert table["average_precision"].tolist() == [1.0, 0.5]
        assert table["precision"].tolist() == [0.5, 0.0]
        assert table["recall"].tolist() == [1.0, 0.0]
        assert table["average_precision_low"].isna().all()  # too few of a class
        # Wilson's interval of one of one, with z = 1.96: from 1 / (1 + z**2) to 1
        assert table["recall_low"][0] == pytest.approx(1 / (1 + 1.959964**2), abs=1e-6)
        assert table["recall_high"][0] == pytest.approx(1.0)

    def test_has_the_interval_of_the_rows_of_the_slice(self) -> None:
        generator = np.random.default_rng(0)
        y, score = generator.random(300) < 0.3, generator.random(300)
        year = pd.Series(np.where(np.arange(300) % 3 == 0, "2010", "2011"))
        table = by_slice(y, score, {"year": year}, threshold=0.5, resamples=50, level=0.9, seed=3).set_index("slice")
        rows = (year == "2010").to_numpy()
        low, high = bootstrap_intervals(y[rows], score[rows], resamples=50, level=0.9, seed=3)["average_precision"]
        assert table.loc["2010", ["average_precision_low", "average_precision_high"]].tolist() == [low, high]

    @pytest.mark.parametrize(
        ("names", "settings", "message"),
        [
            (["a"], {}, r"slices\['year'\] must name the slice of each of 2 rows"),
            (["a", None], {}, r"slices\['year'\] must name the slice of each of 2 rows"),
            (["a", "a"], {"resamples": 0}, "resamples must be at least 1, not 0"),
            (["a", "a"], {"level": 1.0}, r"level must lie within \(0, 1\), not 1.0"),
        ],
    )
    def test_refuses(self, names: list[str | None], settings: dict[str, float], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            by_slice([True, False], [0.9, 0.1], {"year": pd.Series(names)}, threshold=0.5, seed=0, **settings)


def test_most_confident_mistakes_are_negatives_with_high_scores_and_positives_with_low_ones() -> None:
    negatives, positives = most_confident_mistakes(
        [False, False, True, True, False], [0.9, 0.95, 0.3, 0.1, 0.9], most=2
    )
    assert (negatives.tolist(), positives.tolist()) == ([1, 0], [3, 2])
