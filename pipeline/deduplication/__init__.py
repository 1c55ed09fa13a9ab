"""Select the frames worth labelling: sampled frames come in, kept or duplicate records go out.

Compares fingerprints of frames, and knows nothing of decoding or detection. May import `config`,
`frame` and the other modules on top of `pipeline`.
"""
