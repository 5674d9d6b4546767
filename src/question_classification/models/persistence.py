"""Models as bytes, in the skops format: safe to load, and the same bytes for the same model.

skops (https://skops.readthedocs.io/en/stable/persistence.html) writes a zip archive: `schema.json` describes the tree
of objects, the other members hold arrays. No code is stored, and only trusted types are loaded.
"""

import io
import json
import zipfile
from typing import Any

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

TRUSTED_TYPES = [
    "question_classification.models.calibration.CalibratedClassifier",
    "question_classification.models.calibration.IsotonicCalibrator",
    "question_classification.models.calibration.SigmoidCalibrator",
    "question_classification.models.features.Columns",
    "question_classification.models.features.ContainsWords",
    "question_classification.models.features.LogCountRatio",
    "question_classification.models.features.Tfidf",
    "question_classification.models.questions.Tokenize",
    "scipy.sparse._csr.csr_array",  # as the function of a FunctionTransformer
    "numpy.dtype",  # SimpleImputer remembers the dtype that it was fitted on
]
"""All types that a model may hold beyond those that skops trusts (scikit-learn's estimators, NumPy's arrays)."""

_SCHEMA = "schema.json"
_OLDEST_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_COMPRESSION_LEVEL = 1  # in half of the time of the usual 6, at 4 % more bytes


def dump_model(model: Any) -> bytes:
    """Write a model in the skops format, compressed.

    The same model gives the same bytes, whenever and in whichever process it was fitted. The model is not changed.

    Args:
        model: An estimator, fitted or not, whose parts skops can write.

    Raises:
        TypeError: skops cannot write a part of the model.
    """
    return _rewrite(skops.io.dumps(model))


def load_model(data: bytes) -> Any:
    """Read a model that `dump_model` wrote. Its predictions are those of the original to the last bit.

    Args:
        data: The bytes of the model. They need not be trusted: a type beyond `TRUSTED_TYPES` and skops's own is refused
            before anything is built from it.

    Raises:
        ValueError: The bytes are no complete model, or hold a type that is not trusted.
    """
    try:
        return skops.io.loads(data, trusted=TRUSTED_TYPES)
    except UntrustedTypesFoundException as error:
        raise ValueError(f"cannot load the model: {_first_line(error)}") from error
    # Broken bytes surface as whatever the zip, JSON, NumPy or skops reader stumbles over.
    except Exception as error:
        raise ValueError(
            f"cannot load the model: the file is broken, or not a skops model ({type(error).__name__}: "
            f"{_first_line(error)})"
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "no message")


def _rewrite(archive: bytes) -> bytes:
    """Rewrite a skops archive without object ids and times: its members are named and ordered as the schema does."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(buffer, "w") as target:
        schema = json.loads(source.read(_SCHEMA))
        members = _renumber(schema)
        _write_member(target, _SCHEMA, json.dumps(schema).encode())
        for name, new_name in members.items():
            _write_member(target, new_name, source.read(name))
    return buffer.getvalue()


def _renumber(schema: dict[str, Any]) -> dict[str, str]:
    """Number objects and members from 1 in the order in which the schema names them, in place.

    Returns:
        The new name of each member by its old one, in order.
    """
    ids: dict[int, int] = {}
    members: dict[str, str] = {}

    def visit(value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                visit(item)
        elif isinstance(value, dict):
            # The description of an object, not a mapping whose key happens to be "__loader__", as a term may be.
            if isinstance(value.get("__loader__"), str):
                renumber(value)
            for item in value.values():
                visit(item)

    def renumber(node: dict[str, Any]) -> None:
        if node["__loader__"] == "JsonNode":
            # Numbers and strings: whether two equal ones are one object is an accident of the process.
            node.pop("__id__", None)
        elif "__id__" in node:
            node["__id__"] = ids.setdefault(node["__id__"], len(ids) + 1)
        if "file" in node:
            _, dot, extension = node["file"].rpartition(".")
            node["file"] = members.setdefault(node["file"], f"{len(members) + 1}{dot}{extension}")

    visit(schema)
    return members


def _write_member(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    member = zipfile.ZipInfo(name, date_time=_OLDEST_ZIP_DATE)
    member.create_system = 3  # Unix, on every system
    archive.writestr(member, data, compress_type=zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION_LEVEL)
