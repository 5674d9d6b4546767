"""What Kedro-Viz shows of the nodes, as Mermaid flowcharts."""

from kedro.pipeline.preview_contract import MermaidPreview


def draw_policies() -> MermaidPreview:
    """Draw what `choose_threshold` chooses among."""
    return MermaidPreview("""\
flowchart TD
  scores[(selected.out_of_fold_scores)] --> f1[max_f1: the best balance of<br>precision and recall]
  scores --> precision[precision_at_least:<br>the most recall with it]
  scores --> recall[recall_at_least:<br>the most precision with it]
  scores --> cost[least_cost: what errors cost]
  f1 --> policy{the policy of<br>the parameters}
  precision --> policy
  recall --> policy
  cost --> policy
  policy --> threshold[(threshold)]
""")
