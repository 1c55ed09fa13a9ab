"""What several families share: types, grids of cells, DETR queries, distance distributions."""
