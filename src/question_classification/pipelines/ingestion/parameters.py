"""Parameters of the ingestion."""

from pydantic import Field

from question_classification.pipelines.parameters import Parameters


class IngestionParameters(Parameters):
    """See conf/base/parameters_ingestion.yml."""

    max_quarantined_share: float = Field(ge=0, le=1)
