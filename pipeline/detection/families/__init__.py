"""Model families, one file each: how a family's graph is recognised and its outputs decoded.

A graph comes in, a `DecodeSpec` goes out. Code that several families share is in `common`.
`detection.registry` lists the families.
"""
