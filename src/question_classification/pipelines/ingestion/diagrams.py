"""What Kedro-Viz shows of the nodes, as Mermaid flowcharts."""

from kedro.pipeline.preview_contract import MermaidPreview


def draw_validation() -> MermaidPreview:
    """Draw which way a row goes in `validate_questions`."""
    return MermaidPreview("""\
flowchart TD
  row[a row of the raw layer] --> read{id, text and date<br>can be read?}
  read -- no --> bad[(quarantined_questions,<br>with the reason)]
  read -- yes --> checks{passes the checks<br>of the schema?}
  checks -- no --> bad
  checks -- yes --> twice{its id comes<br>again later?}
  twice -- yes --> counted[counted as duplicate]
  twice -- no --> good[(questions)]
""")
