"""Model families, one module for each: how its graph is recognised and its outputs are decoded.

Each module defines `FAMILY`, and `pipeline.detection.registry` lists them all. Code that several
families share is in `common`; docs/add-a-family.md explains how to add one.
"""
