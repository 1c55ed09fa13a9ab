"""Evaluation: COCO files come in, COCO metrics and counts of corrections go out.

A model's predictions, or the pre-annotations of a run, are compared with a ground truth that
labellers made, by video and frame. Imports nothing of `pipeline` but `detection.boxes`, `errors`,
`text`, the suffixes of videos and how `storage` reads a manifest. The packages
pycocotools and scipy are imported in functions, because no other command needs them.
"""
