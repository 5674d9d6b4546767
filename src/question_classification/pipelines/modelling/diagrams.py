"""What Kedro-Viz shows of the nodes, as Mermaid flowcharts."""

from kedro.pipeline.preview_contract import MermaidPreview


def draw_fit() -> MermaidPreview:
    """Draw what `fit_and_cross_validate_candidate` fits to which questions."""
    return MermaidPreview("""\
flowchart TD
  train[(tokenized_train_set)] --> all[fit to all of it]
  train --> folds[part it in folds]
  all --> model[(model and train_scores)]
  folds --> others[for each fold: fit to the others]
  others --> decide[decision values of the fold,<br>which this fit has not seen]
  decide --> out[(out_of_fold)]
""")


def draw_calibration() -> MermaidPreview:
    """Draw how `calibrate_selected` makes probabilities of decision values."""
    return MermaidPreview("""\
flowchart TD
  selection[(selection)] --> pick[model and out_of_fold<br>of the selected candidate]
  pick --> sigmoid[sigmoid]
  pick --> isotonic[isotonic]
  sigmoid --> choose{which has the smaller<br>log loss across folds?}
  isotonic --> choose
  choose --> calibration[(calibration)]
  choose --> model[(selected.model: the fitted one,<br>followed by the calibrator)]
""")
