import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score

from question_classification.models.label_noise import (
    average_precision_without,
    find_label_errors,
    find_neighbour_tags,
    has_any_tag,
)
from question_classification.models.metrics import bootstrap_intervals

COLUMNS = ["tag", "questions", "with_target", "share", "low", "lift"]


def simulate_tags(rows: int = 2000, seed: int = 0) -> tuple[list[list[str]], NDArray[np.bool_]]:
    """Questions of which one in ten is about `ml`; most with `svm` are, and `r` goes with it by chance."""
    rng = np.random.default_rng(seed)
    y = rng.random(rows) < 0.1
    shares = {"ml": y.astype(float), "svm": np.where(y, 0.4, 0.02), "r": np.full(rows, 0.3)}
    drawn = {tag: rng.random(rows) < share for tag, share in shares.items()}
    return [[tag for tag in shares if drawn[tag][row]] for row in range(rows)], y


@st.composite
def samples(draw: st.DrawFn) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Both classes, and so few distinct scores that ties are common, 0 and 1 among them."""
    y = [False, True, *draw(st.lists(st.booleans(), max_size=20))]
    score = draw(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]), min_size=len(y), max_size=len(y)))
    return np.array(y), np.array(score)


class TestFindNeighbourTags:
    def test_worked_out_by_hand(self) -> None:
        # Of 20 questions 5 are positive. svm: 4 of 4, at 95 % at least 4 / (4 + 1.96^2); r: 1 of 4.
        tags = [["ml", "svm"]] * 4 + [["ml", "r"]] + [["r"]] * 3 + [["anova"]] * 12
        table = find_neighbour_tags(tags, [True] * 5 + [False] * 15, target="ml", min_questions=4, min_lift=1.5)
        expected = pd.DataFrame(
            [["svm", 4, 4, 1.0, 4 / (4 + 1.959963984540054**2), 4.0]],
            columns=COLUMNS,
        ).astype({"tag": str})
        pd.testing.assert_frame_equal(table, expected)

    def test_finds_what_goes_with_the_target_and_not_the_target_itself(self) -> None:
        table = find_neighbour_tags(*simulate_tags(), target="ml")
        assert table["tag"].tolist() == ["svm"]
        assert table["lift"].item() > 5

    def test_the_bound_is_wilsons(self) -> None:
        tags, y = simulate_tags()
        table = find_neighbour_tags(tags, y, target="none", min_lift=1, level=0.8)
        assert set(table["tag"]) >= {"ml", "svm"}
        for row in table.itertuples():
            interval = binomtest(row.with_target, row.questions).proportion_ci(0.8, method="wilson")
            assert row.low == pytest.approx(interval.low)

    def test_few_questions_have_to_say_it_more_clearly(self) -> None:
        few = [["svm"]] * 2 + [["r"]] * 18
        y = [True, False] * 1 + [True] + [False] * 17
        assert "svm" not in set(find_neighbour_tags(few, y, target="ml", min_questions=1)["tag"])
        assert "svm" in set(find_neighbour_tags(few * 20, y * 20, target="ml", min_questions=1)["tag"])

    @pytest.mark.parametrize(("least", "found"), [(4, ["svm"]), (5, [])])
    def test_rare_tags_are_not_considered(self, least, found) -> None:
        tags = [["svm"]] * 4 + [["r"]] * 96
        table = find_neighbour_tags(tags, np.arange(100) < 4, target="ml", min_questions=least)
        assert table["tag"].tolist() == found

    def test_is_sorted_by_the_bound_and_then_by_the_alphabet(self) -> None:
        tags = [["b", "a", "c"]] * 20 + [["c"]] * 2 + [["d"]] * 300
        y = np.arange(322) < 20
        assert find_neighbour_tags(tags, y, target="ml")["tag"].tolist() == ["a", "b", "c"]

    @given(st.randoms(use_true_random=False))
    @settings(max_examples=10, deadline=None)
    def test_the_order_of_questions_and_tags_does_not_matter(self, random) -> None:
        tags, y = simulate_tags(300)
        order = random.sample(range(300), 300)
        shuffled = [random.sample(tags[row], len(tags[row])) for row in order]
        pd.testing.assert_frame_equal(
            find_neighbour_tags(shuffled, y[order], target="ml", min_lift=1),
            find_neighbour_tags(tags, y, target="ml", min_lift=1),
        )

    def test_a_tag_written_twice_counts_once(self) -> None:
        tags, y = simulate_tags(300)
        pd.testing.assert_frame_equal(
            find_neighbour_tags([each * 2 for each in tags], y, target="ml"),
            find_neighbour_tags(tags, y, target="ml"),
        )

    @pytest.mark.parametrize("tags", [[[], []], [["r"], ["ml"]]])
    def test_nothing_found_is_an_empty_table(self, tags) -> None:
        table = find_neighbour_tags(tags, [0, 1], target="ml")
        assert (len(table), table.columns.tolist()) == (0, COLUMNS)
        assert table["questions"].dtype == np.int64

    @pytest.mark.parametrize(
        ("y", "arguments", "message"),
        [
            ([0], {}, "one for each of 2 questions"),
            ([0, 2], {}, "bool, or 0 and 1"),
            ([0, 0], {}, "no positive"),
            ([0, 1], {"min_lift": 0.5}, "min_lift"),
            ([0, 1], {"level": 1}, "level"),
        ],
    )
    def test_refuses(self, y, arguments, message) -> None:
        with pytest.raises(ValueError, match=message):
            find_neighbour_tags([["a"], ["b"]], y, target="ml", **arguments)


class TestHasAnyTag:
    def test_cases(self) -> None:
        tags = [["svm", "r"], ["r"], [], ["svm-light"]]
        assert has_any_tag(tags, ["svm", "roc"]).tolist() == [True, False, False, False]
        assert has_any_tag(tags, pd.Series(["r"])).tolist() == [True, True, False, False]
        assert has_any_tag(tags, []).tolist() == [False] * 4
        assert has_any_tag([], ["r"]).dtype == bool


class TestFindLabelErrors:
    def test_worked_out_by_hand(self) -> None:
        # Confident of a positive from (0.1 + 0.6 + 0.8) / 3 = 0.5, of a negative from (0.9 + 0.9 + 0.8 + 0.4) / 4
        # = 0.75, so up to a score of 0.25.
        y = np.array([1, 1, 1, 0, 0, 0, 0])
        score = np.array([0.1, 0.6, 0.8, 0.1, 0.1, 0.2, 0.6])
        assert np.flatnonzero(find_label_errors(y, score)).tolist() == [0, 6]

    def test_confident_of_neither_or_of_both_alike_lets_the_label_stand(self) -> None:
        # Thresholds: a positive from 0.7, a negative up to 0.3; 0.5 is neither.
        assert not find_label_errors([1, 1, 0, 0], [0.5, 0.9, 0.5, 0.1]).any()
        # Both from 0.5 and up to 0.5; 0.5 is both alike.
        assert not find_label_errors([1, 0], [0.5, 0.5]).any()

    def test_confident_of_both_takes_the_likelier(self) -> None:
        # A positive from 0.3, a negative up to 0.6: between them, 0.5 decides.
        y = [1, 1, 1, 0, 0, 0]
        score = [0.1, 0.3, 0.5, 0.4, 0.6, 0.8]
        assert find_label_errors(y, score).tolist() == [True, True, False, False, True, True]

    @pytest.mark.parametrize("share", [0.1, 0.3])
    def test_a_classifier_that_tells_nothing_apart_contradicts_the_rare_class(self, share) -> None:
        y = np.arange(1000) < 1000 * share
        assert find_label_errors(y, np.full(1000, share)).tolist() == y.tolist()

    @given(samples())
    @settings(max_examples=40, deadline=None)
    def test_the_classes_are_treated_alike(self, sample) -> None:
        y, score = sample
        assert find_label_errors(~y, 1 - score).tolist() == find_label_errors(y, score).tolist()

    @given(samples())
    @settings(max_examples=40, deadline=None)
    def test_equals_the_definition_row_by_row(self, sample) -> None:
        y, score = sample
        probability = np.column_stack([1 - score, score])
        least = [probability[y == label, label].mean() - 1e-12 for label in (0, 1)]
        for row, suspected in enumerate(find_label_errors(y, score)):
            confident = [label for label in (0, 1) if probability[row, label] >= least[label]]
            best = max(confident, key=lambda label: (probability[row, label], label == y[row]), default=y[row])
            assert suspected == (best != y[row])

    def test_finds_labels_that_were_turned_round(self) -> None:
        rng = np.random.default_rng(0)
        log_odds = rng.normal(-2, 3, size=20_000)
        truth = rng.random(20_000) < 1 / (1 + np.exp(-log_odds))
        turned = rng.random(20_000) < np.where(truth, 0.2, 0)  # one positive in five was not tagged
        found = find_label_errors(truth & ~turned, 1 / (1 + np.exp(-log_odds)))
        assert turned[found].mean() > 5 * turned.mean()
        assert found[turned].mean() > 0.5

    @pytest.mark.parametrize(
        ("y", "score", "message"),
        [
            ([0, 1], [0.1], "one shape"),
            ([0, 0], [0.1, 0.2], "both classes"),
            ([0, 1], [0.1, 1.1], r"within \[0, 1\]"),
        ],
    )
    def test_refuses(self, y, score, message) -> None:
        with pytest.raises(ValueError, match=message):
            find_label_errors(y, score)


class TestAveragePrecisionWithout:
    Y = np.array([0, 0, 1, 0, 1])
    SCORE = np.array([0.1, 0.2, 0.4, 0.6, 0.8])

    def test_worked_out_by_hand(self) -> None:
        out = {"doubtful": np.array([True, False, False, True, False])}
        table = average_precision_without(self.Y, self.SCORE, out, resamples=20, seed=0)
        assert table["left_out"].tolist() == ["none", "doubtful"]
        assert table[["rows_left_out", "positives_left_out"]].to_numpy().tolist() == [[0, 0], [2, 0]]
        assert table["average_precision"].tolist() == pytest.approx([1 / 2 + 1 / 2 * 2 / 3, 1])
        # A negative counts as a third of one.
        assert table["at_random"].tolist() == pytest.approx([1 / 2 + 1 / 2 * 2 / 3, 1 / 2 + 1 / 2 * 2 / (2 + 1 / 3)])

    def test_the_interval_is_that_of_the_rows_that_are_left(self) -> None:
        rng = np.random.default_rng(0)
        y, score, out = rng.random(300) < 0.3, rng.random(300), rng.random(300) < 0.2
        table = average_precision_without(y, score, {"some": out}, resamples=50, level=0.8, seed=3)
        for row, kept in zip(table.itertuples(), [np.full(300, True), ~out], strict=True):
            interval = bootstrap_intervals(y[kept], score[kept], resamples=50, level=0.8, seed=3)
            assert (row.low, row.high) == interval["average_precision"]
            assert row.average_precision == average_precision_score(y[kept], score[kept])
        assert table["positives_left_out"].tolist() == [0, (y & out).sum()]

    def test_at_random_is_the_mean_over_random_rows(self) -> None:
        rng = np.random.default_rng(0)
        y = rng.random(4000) < 0.1
        score = 1 / (1 + np.exp(2 - 2 * y - rng.normal(size=4000)))
        negatives = np.flatnonzero(~y)

        def leave_out() -> NDArray[np.bool_]:
            return np.isin(np.arange(4000), rng.choice(negatives, 1500, replace=False))

        masks = {str(number): leave_out() for number in range(30)}
        table = average_precision_without(y, score, masks, resamples=1, seed=0)[1:]
        assert table["at_random"].nunique() == 1
        assert table["average_precision"].mean() == pytest.approx(table["at_random"].iloc[0], abs=0.003)
        none = average_precision_score(y, score)
        assert table["at_random"].iloc[0] > none + 0.05

    @pytest.mark.parametrize("label", [0, 1])
    def test_a_class_that_is_left_out_leaves_nothing_to_measure(self, label) -> None:
        out = np.equal(self.Y, label)
        table = average_precision_without(self.Y, self.SCORE, {"class": out}, seed=0)
        assert table.iloc[1, 3:].isna().all()
        assert table.loc[1, "rows_left_out"] == out.sum()

    def test_nothing_to_leave_out(self) -> None:
        table = average_precision_without(self.Y, self.SCORE, {}, seed=0)
        assert table["left_out"].tolist() == ["none"]
        assert table["average_precision"].item() == table["at_random"].item()

    @pytest.mark.parametrize("mask", [[True], [0, 1, 0, 1, 0]])
    def test_refuses_masks_that_are_not_bool_per_row(self, mask) -> None:
        with pytest.raises(ValueError, match=r"left_out\['odd'\]"):
            average_precision_without(self.Y, self.SCORE, {"odd": mask}, seed=0)

    def test_refuses_resamples_out_of_range(self) -> None:
        with pytest.raises(ValueError, match="resamples"):
            average_precision_without(self.Y, self.SCORE, {}, resamples=0, seed=0)
