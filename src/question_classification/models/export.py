"""A fitted pipeline as plain data from which a page can score questions: JSON, without code.

The log-odds of a linear model are a sum, so an export is a list of blocks that each add a part of it, an intercept, and
a calibration that turns the sum into a probability. A block, by its `kind`:

- `terms`: TF-IDF weights of the terms in `fields` together; a count n is 1 + log(n) where `sublinear`, and the weights
  of a question are of length 1. `vocabulary` has the tokens, one a line, `unigrams` and `bigrams` which of them are
  terms; first the unigrams, then the bigrams. `idf` has for each term a place in `idf_values`. What the field counts
  for, and the log-count ratios, are multiplied into the `coefficients`.
- `columns`: numeric columns; a null is `fill`, then `mean` is subtracted, and `scale` divides.
- `keyword`: for each of `columns` 1 if it contains `words` (lower case), else 0; see `features.ContainsWords`.

Arrays are strings: base64 of zlib's format. Whole numbers in them are LEB128 (https://dwarfstd.org, section 7.6), of
`unigrams` the differences. `bigrams` are pairs in ascending order: the first token less that of the pair before; then
the second one, less that of the pair before if the first is the same. `coefficients` are little-endian floating-point
numbers as in `type`; or whole multiples of `step`, those below 0 as odd numbers: 0, -1, 1, -2 as 0, 1, 2, 3.
"""

import base64
import itertools
import json
import sys
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import FeatureUnion, Pipeline

from question_classification.models.calibration import (
    _SIGMOID_SHARE,
    CalibratedClassifier,
    IsotonicCalibrator,
    SigmoidCalibrator,
    decision_values,
)
from question_classification.models.features import Columns, ContainsWords, LogCountRatio, Tfidf
from question_classification.models.fitting import _share
from question_classification.models.questions import Tokenize
from question_classification.text.tokenized import TokenizedQuestions

EXACT = 5e-7
"""An export is exact if no probability can differ by more."""

Precision: TypeAlias = Literal["float32", "float64"] | float
"""Of coefficients: a type, or the step of which they are multiples."""

_STEPS = (1e-8, 10.0)  # in log-odds: within these a step is looked for, small ones for a calibration that is steep
_HALVINGS = 16  # of the range of their logarithms


class ModelTooLargeError(ValueError):
    """No export is small enough."""


def export_model(
    fitted: Pipeline, questions: TokenizedQuestions, *, max_bytes: int, max_error: float
) -> dict[str, Any]:
    """Return the export of a pipeline: an exact one or, where that is too large, the smallest within an error.

    The smaller one has its coefficients rounded to the largest step that keeps the probability of every question given
    within the error. No term is left out: one whose coefficient is rounded to 0 says nothing but still counts in the
    length of a question's weights. Measured on Stack Overflow: without a tenth of the terms, chosen so that no question
    of the training set errs by more than 0.003, others err by up to 0.2; rounding errs as much on either.

    Args:
        fitted: A fitted pipeline of `estimators` that uses only what is known of a new question, calibrated or not.
        questions: n_samples questions on which the error is measured, at least one.
        max_bytes: How large an export may be, as JSON, in bytes.
        max_error: The error that is allowed in the probability of a question where the exact export is too large.

    Returns:
        `formulas`, as in `split_body`; `blocks`; `intercept`; `calibration`: `share` is that of a sigmoid with `slope`
        and `intercept`, the rest is linear between `decisions` and their `probabilities`; `unicode`: the `version` of
        Unicode by which texts were read, and the lengths of the runs of code points that are, and are not, `assigned`
        in it, in turn; `precision`: of the `coefficients`, and the `largest_error` in a probability on so many
        `questions`, rounded up; of an exact export as if they all lay where the calibration is steepest.

    Raises:
        ValueError: The pipeline uses what is not known of a new question, or is not one of `estimators`.
        ModelTooLargeError: No export within the error is small enough.
    """
    model = _read(fitted)
    steps, X = _share(fitted, questions)
    weights = steps[:-1].transform(X) if model.parts and len(steps) > 1 else X
    log_odds = decision_values(steps[-1], weights)

    def error(precision: Precision) -> float:
        if not model.parts:
            return 0.0
        shift = np.asarray(weights @ model.relative_change(precision), np.float64)
        if isinstance(precision, str):  # what it would be where the calibration is steepest
            return float(np.abs(shift).max()) * _steepest(model.calibrator)
        before, after = (model.calibrator.predict(decision) for decision in (log_odds, log_odds + shift))
        return float(np.abs(after - before).max())

    def encode(precision: Precision) -> dict[str, Any]:
        largest = min(_round_up(error(precision)), EXACT if isinstance(precision, str) else max_error)
        measured = {"coefficients": precision, "largest_error": largest, "questions": len(questions)}
        return {**model.encode(precision), "precision": measured}

    exact: tuple[Precision, ...] = ("float32", "float64")
    for precision in exact:
        if error(precision) <= EXACT and _size(export := encode(precision)) <= max_bytes:
            return export
    low, high = np.log(_STEPS)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if error(float(np.exp(middle))) <= max_error else (low, middle)
    step = float(np.exp(low))
    export = encode(step)
    if error(step) > max_error or _size(export) > max_bytes:
        raise ModelTooLargeError(
            f"the model needs {_size(export):,} bytes with errors of up to {_round_up(error(step))}; "
            f"{max_bytes:,} bytes and errors of {max_error} are allowed"
        )
    return export


def _size(export: dict[str, Any]) -> int:
    return len(json.dumps(export))


def _round_up(error: float) -> float:
    """Round up to two digits, so that the last bits of sums do not tell one processor from another."""
    if error == 0:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(error)) - 1)
    return float(f"{np.ceil(error / unit) * unit:.2g}")


@dataclass(frozen=True)
class _Part:
    """A part of the features of a pipeline.

    Attributes:
        transformer: what makes them.
        factors: by which they are multiplied before the coefficients, shape (n_features,).
        coefficients: with these factors in them, shape (n_features,).
    """

    transformer: Tfidf | Pipeline | ContainsWords
    factors: NDArray[np.float64]
    coefficients: NDArray[np.float64]

    def rounded(self, precision: Precision) -> NDArray[np.float64]:
        if not isinstance(self.transformer, Tfidf):
            return self.coefficients
        if isinstance(precision, str):
            return np.asarray(self.coefficients.astype(precision), np.float64)
        return np.asarray(np.round(self.coefficients / precision) * precision, np.float64)

    def encode(self, precision: Precision) -> dict[str, Any]:
        if isinstance(self.transformer, Tfidf):
            return {**self.terms, **_encode_coefficients(self.coefficients, precision)}
        if isinstance(self.transformer, ContainsWords):
            return {
                "kind": "keyword",
                "words": [word.lower() for word in self.transformer.words],
                "columns": list(self.transformer.columns),
                "coefficients": self.coefficients.tolist(),
            }
        impute, scale = self.transformer.named_steps["impute"], self.transformer.named_steps["scale"]
        return {
            "kind": "columns",
            "columns": list(self.transformer[0].columns),
            "fill": impute.statistics_.tolist(),
            "mean": scale.mean_.tolist(),
            "scale": scale.scale_.tolist(),
            "coefficients": self.coefficients.tolist(),
        }

    @cached_property
    def terms(self) -> dict[str, Any]:
        """Return what is the same at every precision."""
        assert isinstance(self.transformer, Tfidf)
        return _encode_terms(self.transformer)


@dataclass(frozen=True)
class _LinearModel:
    """What there is to export of a pipeline."""

    formulas: str
    parts: list[_Part]
    intercept: float
    calibrator: SigmoidCalibrator | IsotonicCalibrator

    def relative_change(self, precision: Precision) -> NDArray[np.float64]:
        """Return by how much rounding changes the coefficient of each feature as the classifier takes it."""
        change = np.concatenate([part.rounded(precision) - part.coefficients for part in self.parts])
        factors = np.concatenate([part.factors for part in self.parts])
        relative: NDArray[np.float64] = np.divide(change, factors, out=np.zeros_like(change), where=factors != 0)
        return relative

    def encode(self, precision: Precision) -> dict[str, Any]:
        return {
            "formulas": self.formulas,
            "blocks": [part.encode(precision) for part in self.parts],
            "intercept": self.intercept,
            "calibration": _encode_calibrator(self.calibrator),
            "unicode": {"version": unicodedata.unidata_version, "assigned": _pack(_leb128(_assigned_runs()))},
        }


def _read(fitted: Pipeline) -> _LinearModel:
    classifier = fitted[-1]
    calibrator = _uncalibrated()
    if isinstance(classifier, CalibratedClassifier):
        classifier, calibrator = classifier.classifier, classifier.calibrator
    formulas = fitted[0].formulas if isinstance(fitted[0], Tokenize) else "keep"
    if isinstance(classifier, DummyClassifier):
        return _LinearModel(formulas, [], float(decision_values(classifier, np.zeros((1, 1)))[0]), calibrator)
    found = list(_find_transformers(fitted[:-1]))
    widths = [_width(transformer) for transformer, _ in found]
    factors = np.repeat([weight for _, weight in found], widths)
    for _, step in fitted.steps[:-1]:
        if isinstance(step, LogCountRatio):
            factors = factors * step.ratios_
    ends = np.cumsum(widths)[:-1]
    pieces = np.split(factors, ends), np.split(classifier.coef_[0] * factors, ends)
    parts = [_Part(transformer, *numbers) for (transformer, _), *numbers in zip(found, *pieces, strict=True)]
    return _LinearModel(formulas, parts, float(classifier.intercept_[0]), calibrator)


def _find_transformers(step: Any, weight: float = 1.0) -> Iterator[tuple[Tfidf | Pipeline | ContainsWords, float]]:
    """Yield what makes the features, in their order, and what they are multiplied by."""
    if isinstance(step, Tfidf | ContainsWords) or (isinstance(step, Pipeline) and isinstance(step[0], Columns)):
        yield step, weight
    elif isinstance(step, FeatureUnion):
        for name, part in step.transformer_list:
            yield from _find_transformers(part, (step.transformer_weights or {}).get(name, 1.0))
    elif isinstance(step, Pipeline):
        for _, part in step.steps:
            yield from _find_transformers(part, weight)
    elif not isinstance(step, Tokenize | LogCountRatio):
        raise ValueError(f"a pipeline with {type(step).__name__} cannot be exported")


def _width(transformer: Tfidf | Pipeline | ContainsWords) -> int:
    if isinstance(transformer, Tfidf):
        return len(transformer.idf_)
    return len((transformer[0] if isinstance(transformer, Pipeline) else transformer).columns)


def _encode_terms(tfidf: Tfidf) -> dict[str, Any]:
    unigrams = tfidf.terms_[0][:, 0]
    bigrams = tfidf.terms_[1] if tfidf.bigrams else np.empty((0, 2), np.int64)
    values, places = np.unique(tfidf.idf_, return_inverse=True)
    return {
        "kind": "terms",
        "fields": list(tfidf.fields),
        "sublinear": tfidf.sublinear,
        "vocabulary": _pack("\n".join(tfidf.vocabulary_).encode()),
        "unigrams": _pack(_leb128(np.diff(unigrams, prepend=0))),
        "bigrams": _pack(_leb128(_pair_differences(bigrams))),
        "idf_values": values.tolist(),
        "idf": _pack(_leb128(places)),
    }


def _encode_coefficients(coefficients: NDArray[np.float64], precision: Precision) -> dict[str, Any]:
    if isinstance(precision, str):
        data = coefficients.astype(np.dtype(precision).newbyteorder("<")).tobytes()
        return {"type": precision, "step": None, "coefficients": _pack(data)}
    multiples = np.round(coefficients / precision).astype(np.int64)
    data = _leb128(np.where(multiples < 0, -2 * multiples - 1, 2 * multiples))
    return {"type": "multiples", "step": precision, "coefficients": _pack(data)}


def _pair_differences(pairs: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the differences of all first numbers, then those of the second ones, as the module says."""
    differences = np.diff(pairs, axis=0, prepend=np.zeros((1, 2), np.int64))
    differences[:, 1] = np.where(differences[:, 0] == 0, differences[:, 1], pairs[:, 1])
    return differences.T.ravel()


def _encode_calibrator(calibrator: SigmoidCalibrator | IsotonicCalibrator) -> dict[str, Any]:
    if isinstance(calibrator, IsotonicCalibrator):
        steps = calibrator.isotonic_
        return {
            **_encode_calibrator(calibrator.sigmoid_),
            "share": _SIGMOID_SHARE,
            "decisions": steps.X_thresholds_.tolist(),
            "probabilities": steps.y_thresholds_.tolist(),
        }
    line = {"slope": float(calibrator.slope_), "intercept": float(calibrator.intercept_)}
    return {"share": 1.0, **line, "decisions": [], "probabilities": []}


def _uncalibrated() -> SigmoidCalibrator:
    """Return the sigmoid by which log-odds are taken at their word."""
    calibrator = SigmoidCalibrator()
    calibrator.slope_, calibrator.intercept_ = 1.0, 0.0
    return calibrator


def _steepest(calibrator: SigmoidCalibrator | IsotonicCalibrator) -> float:
    """Return by how much a probability changes at most, per unit of the decision value."""
    encoded = _encode_calibrator(calibrator)
    steepest: float = encoded["share"] * encoded["slope"] / 4
    if len(encoded["decisions"]) > 1:
        slopes = np.diff(encoded["probabilities"]) / np.diff(encoded["decisions"])
        steepest += (1 - encoded["share"]) * float(slopes.max())
    return steepest


@cache
def _assigned_runs() -> NDArray[np.int64]:
    """Return the lengths of runs of code points: at first those that are assigned, then not, and so on."""
    assigned = [unicodedata.category(chr(code)) != "Cn" for code in range(sys.maxunicode + 1)]
    return np.array([len(list(run)) for _, run in itertools.groupby(assigned)])


def _leb128(numbers: NDArray[np.integer]) -> bytes:
    """Write whole numbers of at least 0 in groups of seven bits, the lowest first; the eighth bit: more follow."""
    groups = max(1, -(-int(numbers.max(initial=0)).bit_length() // 7))
    rest = numbers.astype(np.int64)[:, np.newaxis] >> (7 * np.arange(groups))
    is_there = (rest > 0) | (np.arange(groups) == 0)
    more = np.column_stack([is_there[:, 1:], np.zeros(len(numbers), bool)])
    return bytes(((rest & 127) | (more * 128)).astype(np.uint8)[is_there])


def _pack(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()
