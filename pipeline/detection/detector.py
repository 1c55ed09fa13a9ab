"""From a picture to its objects: fit, run, read, suppress, map back."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from pipeline.detection import ultralytics
from pipeline.detection.letterbox import Letterbox
from pipeline.detection.nms import suppress
from pipeline.errors import ConfigError
from pipeline.frame import Detections

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.config import Detector as DetectorConfig
    from pipeline.detection.model import Model
    from pipeline.frame import Image

# A box thinner than this rounds to nothing in the dataset's 2 decimals.
_SMALLEST_SIDE_PIXELS = 0.01


class Detector:
    """A model with the thresholds and classes of one configuration, for one run; cheap to make."""

    def __init__(self, model: Model, config: DetectorConfig) -> None:
        """Bind a loaded model to a configuration.

        Raises:
            ConfigError: the class allow-list names a class that the model does not know.
        """
        self.model = model
        self._score_threshold = config.score_threshold
        self._iou_threshold = config.iou_threshold
        self._allowed = _class_ids(config.classes, model)
        self._run_options = onnxruntime.RunOptions()

    def detect(self, image: Image) -> Detections:
        """Find the objects in a picture.

        Args:
            image: H x W x 3 uint8 BGR, in displayed pixels.

        Returns:
            Boxes in the picture's own pixels, by descending score.
        """
        model = self.model
        height, width = image.shape[:2]
        box = Letterbox.fit(width, height, model.input_width, model.input_height)
        fitted = box.apply(image, model.input_width, model.input_height)
        tensor = {model.input_name: _tensor(fitted)}
        output = model.session.run(None, tensor, self._run_options)[0][0]
        candidates = ultralytics.decode(output, self._score_threshold, self._allowed)
        found = suppress(candidates, self._iou_threshold)
        return without_slivers(Detections(box.undo(found.boxes), found.scores, found.class_ids))

    def stop(self) -> None:
        """Make what runs, in any thread, fail at once; it cannot be used again."""
        self._run_options.terminate = True


def _tensor(fitted: Image) -> NDArray[np.float32]:
    """Return 1 x 3 x H x W RGB from 0 to 1."""
    rgb = fitted[:, :, ::-1].transpose(2, 0, 1)[np.newaxis]
    return np.ascontiguousarray(rgb, dtype=np.float32) / np.float32(255)


def without_slivers(found: Detections) -> Detections:
    """Return the boxes that are more than nothing once rounded to the dataset's 2 decimals."""
    sides = found.boxes[:, 2:] - found.boxes[:, :2]
    real = np.flatnonzero((sides >= _SMALLEST_SIDE_PIXELS).all(axis=1))
    return Detections(found.boxes[real], found.scores[real], found.class_ids[real])


def _class_ids(classes: tuple[str, ...] | None, model: Model) -> NDArray[np.int64] | None:
    if classes is None:
        return None
    for name in classes:
        if name not in model.labels:
            close = difflib.get_close_matches(name, model.labels, n=1)
            hint = (
                f"did you mean '{close[0]}'?" if close else f"it knows {', '.join(model.labels)}."
            )
            raise ConfigError(
                f"Config key 'detector.classes' names '{name}', which model {model.name} "
                f"does not know: {hint}"
            )
    return np.array(sorted({model.labels.index(name) for name in classes}), dtype=np.int64)
