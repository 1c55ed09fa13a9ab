"""Read the structure of a few containers, as far as pretag asks what FFmpeg does not tell.

Each module knows one container. Nothing is believed: sizes and counts of a file can be wrong.
"""
