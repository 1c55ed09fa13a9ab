"""EfficientDet in PyTorch, with its own suppression: a row an object, classes from 1.

https://github.com/rwightman/efficientdet-pytorch/blob/master/effdet/bench.py
https://github.com/rwightman/efficientdet-pytorch/blob/master/effdet/data/transforms.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.detection.families.common.base import DecodeSpec, Family
from pipeline.detection.families.end_to_end import decode_rows
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from pipeline.detection.graph import Graph

_USUAL_SIZE = 512
# Its heads score each class of each anchor, and give 4 numbers for the box.
_CLASS_HEAD, _BOX_HEAD = (rf"{net}_net\.predict\.conv(_pw)?\.bias$" for net in ("class", "box"))


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know `1 x N x 6` and the names of its heads."""
    of_anchors, sides = map(graph.bias_width, (_CLASS_HEAD, _BOX_HEAD))
    match [port.shape for port in graph.outputs]:
        case [[_, _, 6]] if of_anchors is not None and sides is not None:
            pass
        case _:
            return None
    image = graph.image
    return DecodeSpec(
        why=f"'{graph.outputs[0]}' has a row an object, and the heads are EfficientDet's",
        preprocess=Preprocess(
            resize="top-left",
            width=image.width or _USUAL_SIZE,
            height=image.height or _USUAL_SIZE,
            filter="antialias",
            padding=None,
        ),
        outputs=(graph.outputs[0].name,),
        decode=decode_rows,
        needs_nms=False,
        class_count=of_anchors * 4 // sides,
        first_class_id=1,
        required_card_keys=("mean", "std"),
    )


FAMILY = Family(
    name="efficientdet",
    expects="an output of 1 x N x 6, and EfficientDet's heads, such as effdet exports",
    recognise=recognise,
)
