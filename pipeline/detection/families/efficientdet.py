"""EfficientDet in PyTorch (effdet), exported with its own NMS.

Graph: one output of 1 x N x 6, as in the family `end-to-end`; the weights have the names of
EfficientDet's heads.
Preprocessing: scaled as Pillow does it, in the top left corner of the input; RGB. The padding
becomes 0 after normalisation. Models differ in mean and standard deviation, so that both must be
on the model card.
Decoding: as in the family `end-to-end`; class ids begin with 1. No NMS.

Sources:
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
# Biases of the two heads. For each anchor, the one has a value for each class, the other 4 values
# for the box.
_CLASS_HEAD, _BOX_HEAD = (rf"{net}_net\.predict\.conv(_pw)?\.bias$" for net in ("class", "box"))
_VALUES_PER_BOX = 4


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise one output of `1 x N x 6`, and the names of EfficientDet's heads."""
    class_head_width, box_head_width = map(graph.bias_width, (_CLASS_HEAD, _BOX_HEAD))
    match [tensor.shape for tensor in graph.outputs]:
        case [[_, _, 6]] if class_head_width is not None and box_head_width is not None:
            pass
        case _:
            return None
    image_input = graph.image_input
    return DecodeSpec(
        why=f"'{graph.outputs[0]}' has one row for each object, and the heads are EfficientDet's",
        preprocess=Preprocess(
            resize="top-left",
            width=image_input.width or _USUAL_SIZE,
            height=image_input.height or _USUAL_SIZE,
            filter="antialias",
            padding=None,
        ),
        outputs=(graph.outputs[0].name,),
        decode=decode_rows,
        needs_nms=False,
        class_count=class_head_width * _VALUES_PER_BOX // box_head_width,
        first_class_id=1,
        required_card_keys=("mean", "std"),
    )


FAMILY = Family(
    name="efficientdet",
    expects="an output of 1 x N x 6, and EfficientDet's heads, such as effdet exports",
    recognise=recognise,
)
