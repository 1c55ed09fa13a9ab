"""How good labels are: a model's predictions, or a run's pre-annotations, against the truth."""
