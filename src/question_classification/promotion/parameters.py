"""Parameters of the promotion."""

from pathlib import Path
from typing import Literal

from kedro.config import AbstractConfigLoader
from pydantic import BaseModel, ConfigDict, ValidationError

from question_classification.models.promotion import GateParameters
from question_classification.stackexchange.errors import InputError

Mode = Literal["enabled", "dry_run", "disabled"]


class PromotionParameters(BaseModel):
    """See conf/base/promotion.yml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode
    gate: GateParameters


def load_parameters(loader: AbstractConfigLoader) -> PromotionParameters:
    """Return the parameters that the project's configuration has.

    Raises:
        InputError: they are not as they should be.
    """
    try:
        return PromotionParameters.model_validate(loader["promotion"])
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']} (got {problem['input']!r})"
            for problem in error.errors()
        ]
        file = Path(loader.conf_source).name + "/*/promotion.yml"
        raise InputError(f"{file}: {'; '.join(problems)}") from error
