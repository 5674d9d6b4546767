"""What Kedro-Viz shows of the nodes, as Mermaid flowcharts."""

from kedro.pipeline.preview_contract import MermaidPreview


def draw_split() -> MermaidPreview:
    """Draw how `split_train_test` comes by its sides."""
    return MermaidPreview("""\
flowchart TD
  rows[features and labels] --> random[stratified: at random, with<br>the same share of targets]
  rows --> time[temporal: the last questions<br>are the test set, after a gap]
  near[(near_duplicates)] --> keep{kept together?}
  random --> keep
  time --> keep
  keep -- the kind asked for --> sets[(train_set and test_set)]
  keep -- the other kind --> other[(other_split)]
""")
