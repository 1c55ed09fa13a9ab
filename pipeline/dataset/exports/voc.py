"""Pascal VOC: an XML file for each image, a list of the images, and a list of the classes.

As in the VOC development kit, the first pixel is 1, so xmin and ymin are one more than the left and
the upper side, and xmax and ymax are the right and the lower side. They have 2 decimals, because
whole pixels would move boxes. Scores are attributes, as CVAT writes them.
http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from pipeline.dataset.exports.form import Format
from pipeline.dataset.exports.xml_file import add, xml_bytes
from pipeline.errors import InputFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.dataset.exports.export_set import ExportBox, ExportImage, ExportSet
    from pipeline.dataset.exports.form import Options

_FIRST_PIXEL = 1


def _files(exported: ExportSet, _options: Options) -> Iterator[tuple[str, bytes]]:
    for image in exported.images:
        yield f"Annotations/{image.stem}.xml", _annotation(image, exported.labels)
    names = (f"{image.stem}\n" for image in exported.images)
    yield "ImageSets/Main/default.txt", "".join(names).encode()
    yield "labelmap.txt", _labelmap(exported.labels)


def _labelmap(labels: Sequence[str]) -> bytes:
    """Return the list of classes. Without it, CVAT and Datumaro know the 20 of VOC only.

    Raises:
        InputFileError: the list cannot have the name of a class.
    """
    for label in labels:
        if ":" in label or "\n" in label or label.startswith("#"):
            raise InputFileError(
                f"The class {label!r} cannot be in labelmap.txt of Pascal VOC, where ':' and '#' "
                "have a meaning. Give it another name with output.class_names."
            )
    rows = ["# label:color_rgb:parts:actions", "background:::", *(f"{each}:::" for each in labels)]
    return "".join(f"{row}\n" for row in rows).encode()


def _annotation(image: ExportImage, labels: Sequence[str]) -> bytes:
    root = ET.Element("annotation")
    add(root, "folder", "JPEGImages")
    add(root, "filename", image.name)
    size = ET.SubElement(root, "size")
    for name, value in (("width", image.width), ("height", image.height), ("depth", 3)):
        add(size, name, str(value))
    add(root, "segmented", "0")
    for box in image.boxes:
        _add_object(root, box, labels[box.class_index])
    return xml_bytes(root)


def _add_object(root: ET.Element, box: ExportBox, label: str) -> None:
    element = ET.SubElement(root, "object")
    add(element, "name", label)
    for name in ("truncated", "difficult", "occluded"):
        add(element, name, "0")
    bounds = ET.SubElement(element, "bndbox")
    sides = {
        "xmin": box.x + _FIRST_PIXEL,
        "ymin": box.y + _FIRST_PIXEL,
        "xmax": box.right,
        "ymax": box.bottom,
    }
    for name, value in sides.items():
        add(bounds, name, f"{value:.2f}")
    attribute = ET.SubElement(ET.SubElement(element, "attributes"), "attribute")
    add(attribute, "name", "score")
    add(attribute, "value", f"{box.score:g}")


def _image_path(image: ExportImage) -> str:
    return f"JPEGImages/{image.name}"


FORMAT = Format("voc", "Pascal VOC", "all", _image_path, _files)
