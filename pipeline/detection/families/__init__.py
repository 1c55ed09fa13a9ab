"""Model families: by what a graph is known as one, and how its outputs become boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.detection.families import ultralytics

if TYPE_CHECKING:
    from pipeline.detection.families.family import Family

# In the order in which they are asked; those that ask for more come first.
FAMILIES: tuple[Family, ...] = (ultralytics.FAMILY,)
