"""Code that several families share.

`base` defines `Family` and `DecodeSpec`. The other modules hold what related families have in
common: grids of cells, DETR queries, distance distributions, and Ultralytics' exporter.
"""
