"""Write the dataset: frame records and the run log come in, file contents go out.

Returns bytes and text, and writes no files itself: the publisher of `storage` does. May import
`frame`, `runlog` and the other modules on top of `pipeline`.
"""
