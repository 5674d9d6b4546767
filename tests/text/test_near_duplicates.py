from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from question_classification.text.near_duplicates import SHINGLE, across, find_near_duplicates

# Thirty tokens, and the same with one changed: two of 29 pairs differ.
TEXT = list(range(30))
EDITED = [*range(10), 99, *range(11, 30)]
OTHER = list(range(100, 130))


def numbers(texts: Sequence[Sequence[int]]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    ids = np.array([token for text in texts for token in text], np.int32)
    return ids, np.cumsum([0, *map(len, texts)])


def group(
    texts: Sequence[Sequence[int]], *, similarity: float = 0.8, permutations: int = 128, seed: int = 0
) -> list[int]:
    ids, offsets = numbers(texts)
    return find_near_duplicates(ids, offsets, similarity=similarity, permutations=permutations, seed=seed).tolist()


def shingles(text: Sequence[int]) -> set[tuple[int, ...]]:
    width = SHINGLE if len(text) >= SHINGLE else 1
    return set(zip(*(text[place:] for place in range(width)), strict=False))


def jaccard(left: Sequence[int], right: Sequence[int]) -> float:
    a, b = shingles(left), shingles(right)
    return len(a & b) / len(a | b) if a and b else 0.0


def group_naively(texts: Sequence[Sequence[int]], *, similarity: float) -> list[int]:
    """Compare all with all, and join until nothing changes."""
    groups = list(range(len(texts)))
    for right in range(len(texts)):
        for left in range(right):
            if jaccard(texts[left], texts[right]) >= similarity:
                old, new = sorted([groups[left], groups[right]], reverse=True)
                groups = [new if number == old else number for number in groups]
    return groups


def partition(groups: Sequence[int], names: Sequence[int]) -> set[frozenset[int]]:
    members: dict[int, set[int]] = {}
    for number, name in zip(groups, names, strict=True):
        members.setdefault(number, set()).add(name)
    return {frozenset(names) for names in members.values()}


def simulate(n: int, *, length: int, seed: int = 0) -> NDArray[np.int32]:
    """Unrelated texts over a vocabulary where few words are common and most are rare, shape (n, length)."""
    rng = np.random.default_rng(seed)
    frequency = 1 / np.arange(1, 5001)
    return rng.choice(5000, size=(n, length), p=frequency / frequency.sum()).astype(np.int32)


def scatter(n: int) -> NDArray[np.int32]:
    """A family whose similarities lie around 0.8, mostly below, shape (n, 60)."""
    rng = np.random.default_rng(1)
    texts = np.tile(simulate(1, length=60), (n, 1))
    for text in texts:
        text[rng.integers(60, size=3)] = rng.integers(5000, size=3)
    return texts


@st.composite
def families(draw: st.DrawFn) -> list[list[int]]:
    """Some texts, empty and short ones among them, and edited copies, in any order."""
    texts = draw(st.lists(st.lists(st.integers(-3, 12), max_size=25), min_size=1, max_size=6))
    for _ in range(draw(st.integers(0, 6))):
        copy = list(draw(st.sampled_from(texts)))
        if copy:
            copy[draw(st.integers(0, len(copy) - 1))] = draw(st.integers(-3, 12))
        texts.append(copy)
    return draw(st.permutations(texts))


class TestFindNearDuplicates:
    def test_groups_worked_out_by_hand(self) -> None:
        assert group([OTHER, TEXT, [], EDITED, [5], OTHER[:5], TEXT]) == [0, 1, 2, 1, 4, 5, 1]

    def test_the_similarity_is_that_of_the_sets_of_shingles(self) -> None:
        # 27 of 31 shingles are common to both.
        assert group([TEXT, EDITED], similarity=27 / 31) == [0, 0]
        assert group([TEXT, EDITED], similarity=np.nextafter(27 / 31, 1)) == [0, 1]

    def test_repeated_shingles_count_once(self) -> None:
        assert group([[1, 2] * 10, [1, 2] * 3], similarity=1) == [0, 0]

    def test_order_of_tokens_matters(self) -> None:
        assert group([TEXT, TEXT[::-1]], similarity=0.01) == [0, 1]

    def test_shingles_do_not_reach_across_texts(self) -> None:
        assert group([[1], [2, 3], [1, 2], [3]], similarity=0.01) == [0, 1, 2, 3]

    def test_groups_are_transitive(self) -> None:
        chain = [list(range(start, start + 40)) for start in range(0, 40, 4)]
        assert jaccard(chain[0], chain[1]) > 0.8
        assert jaccard(chain[0], chain[-1]) < 0.1
        assert group(chain) == [0] * len(chain)

    def test_empty_texts_are_duplicates_of_nothing(self) -> None:
        assert group([[], [1], [], [1], []]) == [0, 1, 2, 1, 4]
        assert group([[], []]) == [0, 1]
        assert group([]) == []

    @pytest.mark.parametrize("permutations", [1, 128])
    @given(texts=families(), seed=st.integers(0, 2**64 - 1))
    @settings(max_examples=30, deadline=None)
    def test_identical_texts_always_share_a_group(self, permutations, texts, seed) -> None:
        groups = group(texts, similarity=1, permutations=permutations, seed=seed)
        for left, text in enumerate(texts):
            for right in range(left):
                if text and text == texts[right]:
                    assert groups[left] == groups[right]

    @given(families(), st.sampled_from([0.3, 0.5, 0.8]))
    @settings(max_examples=100, deadline=None)
    def test_agrees_with_all_pairs_but_for_those_near_the_threshold(self, texts, similarity) -> None:
        groups = group(texts, similarity=similarity)
        true, sure = (group_naively(texts, similarity=least) for least in (similarity, min(similarity + 0.2, 1)))
        for left in range(len(texts)):
            for right in range(left):
                if sure[left] == sure[right]:
                    assert groups[left] == groups[right]
                if groups[left] == groups[right]:
                    assert true[left] == true[right]

    @given(families())
    @settings(max_examples=50, deadline=None)
    def test_groups_are_numbered_by_their_first_member(self, texts) -> None:
        groups = group(texts, similarity=0.4)
        assert all(groups.index(number) == number for number in groups)

    @given(families(), st.randoms(use_true_random=False))
    @settings(max_examples=50, deadline=None)
    def test_the_order_of_texts_does_not_matter(self, texts, random) -> None:
        order = random.sample(range(len(texts)), len(texts))
        groups, shuffled = group(texts, similarity=0.5), group([texts[row] for row in order], similarity=0.5)
        assert partition(shuffled, order) == partition(groups, range(len(texts)))

    def test_the_order_does_not_matter_even_where_a_bucket_has_more_texts_than_are_compared(self) -> None:
        # Two bands of one row: most of the family is one bucket, and some pairs are missed.
        texts = scatter(300)
        order = np.random.default_rng(1).permutation(300)
        groups = group(texts.tolist(), permutations=2)
        shuffled = group(texts[order].tolist(), permutations=2)
        assert partition(shuffled, order.tolist()) == partition(groups, range(300))
        assert len(set(group(texts.tolist()))) < len(set(groups)) < 300

    def test_agrees_with_all_pairs_where_a_large_bucket_holds_only_few_of_them(self) -> None:
        texts = scatter(150).tolist()
        groups = group(texts)
        assert groups == group_naively(texts, similarity=0.8)
        assert 130 < len(set(groups)) < 150

    @pytest.mark.parametrize("seed", range(5))
    def test_finds_planted_duplicates_and_nothing_else_across_blocks(self, seed) -> None:
        texts = simulate(5000, length=60)
        rng = np.random.default_rng(seed)
        original, copy = rng.permutation(5000)[:1000].reshape(2, 500)
        texts[copy] = texts[original]
        texts[copy, rng.integers(60, size=500)] = 5000  # no other text has this word
        expected = np.arange(5000)
        expected[np.maximum(original, copy)] = np.minimum(original, copy)
        assert group(texts.tolist(), seed=seed) == expected.tolist()

    @pytest.mark.parametrize("similarity", [0.3, 0.5, 0.7, 0.9, 0.99])
    def test_hardly_misses_a_pair_at_the_threshold(self, similarity) -> None:
        # Two texts of 1,000 distinct tokens are the same up to a point.
        length, pairs = 1000, 500
        common = round(2 * (length - 1) * similarity / (1 + similarity)) + 1
        texts = np.arange(2 * pairs * length).reshape(pairs, 2, length)
        texts[:, 1, :common] = texts[:, 0, :common]
        actual = jaccard(texts[0, 0].tolist(), texts[0, 1].tolist())
        offsets = np.arange(2 * pairs + 1) * length
        groups = find_near_duplicates(texts.ravel(), offsets, similarity=actual, seed=0)
        assert actual == pytest.approx(similarity, abs=0.002)
        assert (groups[1::2] == groups[::2]).mean() >= 0.97

    def test_is_deterministic_and_the_width_of_ids_does_not_matter(self) -> None:
        ids, offsets = numbers(scatter(300).tolist())
        groups = find_near_duplicates(ids, offsets, seed=3)
        assert groups.dtype == np.int64
        for again in (ids, ids.astype(np.int64), np.repeat(ids, 2)[::2]):
            assert (find_near_duplicates(again, offsets, seed=3) == groups).all()

    @pytest.mark.parametrize("edits", [0, 1], ids=["identical", "nearly identical"])
    def test_a_large_family_is_one_group(self, edits) -> None:
        """In a moment, and not in the minutes that it would take pair by pair."""
        texts = np.tile(simulate(1, length=150), (2000, 1))
        texts[:, :edits] = np.arange(2000)[:, np.newaxis]
        ids, offsets = numbers(texts.tolist())
        assert not find_near_duplicates(ids, offsets, seed=0).any()

    @pytest.mark.parametrize(
        ("ids", "offsets", "message"),
        [
            ([[1, 2]], [0, 2], "ids must be integers"),
            ([1.0, 2.0], [0, 2], "ids must be integers"),
            ([1, 2], [[0, 2]], "offsets must be signed integers"),
            ([1, 2], [0.0, 2.0], "offsets must be signed integers"),
            ([1, 2], np.array([], np.int64), "offsets must be signed integers"),
            ([1, 2], [1, 2], "ascend from 0 to the 2 tokens"),
            ([1, 2], [0, 1], "ascend from 0 to the 2 tokens"),
            ([1, 2], [0, 2, 1, 2], "ascend from 0 to the 2 tokens"),
        ],
    )
    def test_refuses_what_is_not_texts(self, ids, offsets, message) -> None:
        with pytest.raises(ValueError, match=message):
            find_near_duplicates(np.array(ids), np.array(offsets), seed=0)

    @pytest.mark.parametrize(
        "arguments",
        [{"similarity": 0}, {"similarity": 1.1}, {"permutations": 0}, {"seed": -1}, {"seed": 2**64}],
    )
    def test_refuses_arguments_out_of_range(self, arguments) -> None:
        with pytest.raises(ValueError, match=next(iter(arguments))):
            find_near_duplicates(*numbers([TEXT]), **{"seed": 0, **arguments})


class TestAcross:
    def test_only_texts_of_the_test_set_whose_group_has_both_sides(self) -> None:
        groups = np.array([0, 1, 0, 3, 3, 5, 5])
        is_test = [False, True, True, True, True, False, False]
        assert across(groups, is_test).tolist() == [False, False, True, False, False, False, False]

    def test_a_training_text_anywhere_in_the_group_is_enough(self) -> None:
        assert across(np.array([0, 0, 0]), [True, True, False]).tolist() == [True, True, False]

    @pytest.mark.parametrize("side", [True, False])
    def test_nothing_is_across_without_both_sides(self, side) -> None:
        assert not across(np.array([0, 0, 2]), [side] * 3).any()

    def test_no_texts(self) -> None:
        assert across(np.array([], np.int64), np.array([], bool)).tolist() == []

    @pytest.mark.parametrize("is_test", [[0, 1], [True], [[True, False]]])
    def test_refuses_anything_but_a_bool_per_text(self, is_test) -> None:
        with pytest.raises(ValueError, match="a bool per text"):
            across(np.array([0, 0]), is_test)
