"""Write XML with the standard library."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from pipeline.text import xml_text


def add(parent: ET.Element, name: str, text: str) -> None:
    """Add an element with a text."""
    ET.SubElement(parent, name).text = xml_text(text)


def xml_bytes(element: ET.Element) -> bytes:
    """Return an element as indented XML in UTF-8, with a newline at the end."""
    ET.indent(element, " ")
    return ET.tostring(element, encoding="unicode").encode() + b"\n"
