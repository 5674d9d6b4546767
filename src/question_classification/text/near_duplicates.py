"""Near-duplicates among texts: who says nearly the same, and which of them stand on both sides of a split.

Two texts are as similar as the sets of their shingles, the runs of `SHINGLE` consecutive tokens, are by Jaccard: the
number of common shingles over that of all. A text shorter than a shingle counts by its single tokens.

Throughout, texts are numbers: text i has the tokens `ids[offsets[i]:offsets[i + 1]]`, in order.

Sources: Broder, On the resemblance and containment of documents (1997), for shingles and MinHash; Leskovec, Rajaraman &
Ullman, Mining of Massive Datasets (2014), section 3.4, for bands; the signatures are those of
https://github.com/beowolx/rensa.
"""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import ArrayLike, NDArray
from rensa import RMinHash
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

SHINGLE = 2
"""Tokens per shingle. A changed word changes two pairs but three triples, so pairs forgive more edits; and yet two real
questions, drawn at random, reach a similarity of 0.1 only once in 100,000 draws."""

# A pair exactly as similar as asked for may have no band in common with at most this probability.
_MISSED = 0.01

# A text is compared with this many of those before and after it in its bucket: all, if there are no more.
_NEIGHBOURS = 32

# Texts are signed in blocks, so that memory stays bounded.
_TEXTS_PER_BLOCK = 4096


def find_near_duplicates(
    ids: NDArray[np.integer], offsets: NDArray[np.int64], *, similarity: float = 0.8, permutations: int = 128, seed: int
) -> NDArray[np.int64]:
    """Group texts: near-duplicates share a group, and so do their near-duplicates in turn.

    Identical texts always share a group, and every other link stands on the true similarity of two texts: nothing is
    grouped because a signature says so. The order of the texts does not matter. Empty texts are duplicates of nothing.

    What can be missed: candidates are texts whose MinHash signatures agree in a whole band. A pair exactly as similar
    as asked for has no such band with a probability of 1 % at most (from a similarity of 0.04 up, with 128
    permutations), a more similar pair hardly ever. And of the distinct texts that agree in a band, ordered by the next
    band, each is compared with the 32 on either side of it only, so that the cost grows with their number and not with
    its square. A family of thousands hangs together by its closest members all the same; it may fall apart where all
    are only just as similar as asked for.

    Args:
        ids: Numbers of the tokens, shape (n_tokens,).
        offsets: Where each text starts, and the end, shape (n_texts + 1,).
        similarity: Jaccard similarity from which on two texts are near-duplicates, within (0, 1].
        permutations: Length of a MinHash signature, at least 1; a longer one parts similar texts
            from others more sharply, and takes longer.
        seed: Seed of the signatures, within [0, 2**64).

    Returns:
        The group of each text, shape (n_texts,): the index of the first text in it; of a text alone, its own.

    Raises:
        ValueError: `offsets` does not part `ids` into texts, or another argument is out of range.
    """
    if not 0 < similarity <= 1:
        raise ValueError(f"similarity must lie within (0, 1], not {similarity}")
    if permutations < 1:
        raise ValueError(f"permutations must be at least 1, not {permutations}")
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed must lie within [0, 2**64), not {seed}")
    tokens = _check(ids, offsets)

    texts = np.flatnonzero(np.diff(offsets))
    first, text = _collapse(tokens, offsets, texts)
    bands, rows = _bands(similarity, permutations)
    keys = _band_keys(tokens, offsets, first, bands=bands, rows=rows, seed=seed)
    label = np.arange(len(first))
    mated = _mated(keys)
    label[mated] = mated[_link(keys[mated], _shingle_sets(tokens, offsets, first[mated]), similarity)]

    groups = np.arange(len(offsets) - 1)
    groups[texts] = texts[_first_of_equals(label[text])]
    return groups


def across(groups: NDArray[np.int64], is_test: ArrayLike) -> NDArray[np.bool_]:
    """Tell which texts of the test set have a near-duplicate in the training set.

    Args:
        groups: The group of each text, as `find_near_duplicates` returns it, shape (n_texts,).
        is_test: Whether a text is in the test set rather than the training set, bool, shape (n_texts,).

    Returns:
        True for a text of the test set whose group reaches into the training set, shape (n_texts,).

    Raises:
        ValueError: `is_test` is not one bool per text.
    """
    test = np.asarray(is_test)
    if test.dtype != np.bool_ or test.shape != groups.shape:
        raise ValueError(f"is_test must hold a bool per text, {groups.shape}, not {test.dtype} {test.shape}")
    trained = np.zeros(len(groups), bool)
    trained[groups[~test]] = True
    return test & trained[groups]


def _check(ids: NDArray[np.integer], offsets: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the ids as the hashes take them, whatever their width was."""
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise ValueError(f"ids must be integers of shape (n_tokens,), not {ids.dtype} {ids.shape}")
    if offsets.ndim != 1 or offsets.dtype.kind != "i" or not offsets.size:
        raise ValueError(
            f"offsets must be signed integers of shape (n_texts + 1,), not {offsets.dtype} {offsets.shape}"
        )
    if offsets[0] != 0 or offsets[-1] != len(ids) or (offsets[1:] < offsets[:-1]).any():
        raise ValueError(f"offsets must ascend from 0 to the {len(ids)} tokens")
    return ids.astype(np.int64).view(np.uint64)


def _collapse(
    ids: NDArray[np.uint64], offsets: NDArray[np.int64], texts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each distinct text first occurs, in an order that their contents decide, and the number of each.

    Identical means that BLAKE2 is: a collision of 128 bits has to be sought, and nobody knows how.
    """
    bounds = np.column_stack([offsets[texts], offsets[texts + 1]]).tolist()
    contents = [blake2b(ids.data[start:end], digest_size=16).digest() for start, end in bounds]
    _, first, text = np.unique(np.array(contents, dtype="S16"), return_index=True, return_inverse=True)
    return texts[first], text


def _bands(similarity: float, permutations: int) -> tuple[int, int]:
    """Return how many bands of how many rows: those with the fewest candidates that miss hardly any pair.

    Two texts agree in a row with the probability of their similarity s, so they have no band in common with
    (1 - s ** rows) ** bands.
    """
    for rows in range(permutations, 1, -1):
        bands = permutations // rows
        if (1 - similarity**rows) ** bands <= _MISSED:
            return bands, rows
    return permutations, 1


def _band_keys(
    ids: NDArray[np.uint64], offsets: NDArray[np.int64], texts: NDArray[np.int64], *, bands: int, rows: int, seed: int
) -> NDArray[np.uint64]:
    """Return a hash of each band of the signature of each text, shape (len(texts), bands)."""
    keys = np.empty((len(texts), bands), np.uint64)
    for start in range(0, len(texts), _TEXTS_PER_BLOCK):
        block = slice(start, start + _TEXTS_PER_BLOCK)
        shingles, bounds = _shingles(ids, offsets, texts[block])
        signatures = RMinHash.digest_matrix_from_flat_token_hashes(shingles, bounds, bands * rows, seed)
        minima = np.array(signatures.to_rows(), dtype=np.uint64)
        keys[block] = _hash(minima[:, row::rows] for row in range(rows))
    return keys


def _mated(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the texts that have a band in common with any other text, ascending."""
    mated = np.zeros(len(keys), bool)
    for key in keys.T:
        order = np.argsort(key)
        same = key[order[:-1]] == key[order[1:]]
        mated[order[:-1][same]] = mated[order[1:][same]] = True
    return np.flatnonzero(mated)


def _link(keys: NDArray[np.uint64], sets: csr_array, similarity: float) -> NDArray[np.int64]:
    """Return a label per text, equal for texts that a chain of similar candidates joins.

    Within a band, buckets are runs of the order by its keys. Near neighbours go first: once a family hangs together,
    none of its further pairs is measured.

    Args:
        keys: A hash per band, shape (n_texts, bands).
        sets: The shingles of each text, shape (n_texts, any).
        similarity: The least similarity of a link.
    """
    texts, bands = keys.shape
    label = np.arange(texts)
    for band in range(bands):
        order = np.lexsort([keys[:, (band + 1) % bands], keys[:, band]])
        key = keys[order, band]
        for distance in range(1, _NEIGHBOURS + 1):
            same = np.flatnonzero(key[:-distance] == key[distance:])
            if not same.size:
                break
            left, right = order[same], order[same + distance]
            apart = label[left] != label[right]
            left, right = left[apart], right[apart]
            similar = _jaccard(sets, left, right) >= similarity
            label = _merge(label, left[similar], right[similar])
    return label


def _merge(label: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join the groups of each pair of texts."""
    if not left.size:
        return label
    links = coo_array((np.ones(len(left), bool), (label[left], label[right])), shape=(len(label), len(label)))
    _, component = connected_components(links, directed=False)
    return _first_of_equals(component[label])


def _first_of_equals(label: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return, for each element, the index of the first that equals it."""
    _, first, inverse = np.unique(label, return_index=True, return_inverse=True)
    firsts: NDArray[np.int64] = first[inverse]
    return firsts


def _jaccard(sets: csr_array, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the similarity of each pair of rows; none is empty."""
    sizes = np.diff(sets.indptr)
    common = np.diff(sets[left].multiply(sets[right]).indptr)
    similarity: NDArray[np.float64] = common / (sizes[left] + sizes[right] - common)
    return similarity


def _shingle_sets(ids: NDArray[np.uint64], offsets: NDArray[np.int64], texts: NDArray[np.int64]) -> csr_array:
    """Return the set of shingles of each text: a row of truths, with a column per possible hash of 62 bits.

    Columns cost nothing, as long as the indices of each row ascend: SciPy then merges rows.
    """
    shingles, bounds = _shingles(ids, offsets, texts)
    columns = (shingles >> np.uint64(2)).astype(np.int64)
    sets = csr_array((np.ones(len(columns), bool), columns, bounds), shape=(len(texts), 2**62))
    sets.sum_duplicates()
    return sets


def _shingles(
    ids: NDArray[np.uint64], offsets: NDArray[np.int64], texts: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the hashes of the shingles of each text, in order and with repetitions, and their offsets."""
    lengths = offsets[texts + 1] - offsets[texts]
    counts = np.where(lengths < SHINGLE, lengths, lengths - SHINGLE + 1)
    bounds = np.concatenate([[0], np.cumsum(counts)])
    start = np.arange(bounds[-1]) + np.repeat(offsets[texts] - bounds[:-1], counts)
    single = _hash([ids[start]])
    run = _hash(ids[np.minimum(start + place, len(ids) - 1)] for place in range(SHINGLE))
    return np.where(np.repeat(lengths < SHINGLE, counts), single, run), bounds


def _hash(columns: Iterable[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """Hash element by element across the columns, in order: each goes through the mixer of SplitMix64.

    Source: Steele, Lea & Flood, Fast splittable pseudorandom number generators (2014), and Vigna,
    https://prng.di.unimi.it/splitmix64.c.
    """
    state = np.zeros((), np.uint64)
    for column in columns:
        state = state + column + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state = state ^ (state >> np.uint64(31))
    return state
