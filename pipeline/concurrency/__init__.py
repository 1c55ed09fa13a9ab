"""Run stages in parallel: iterators come in, iterators in the same order go out.

Knows nothing of videos. Imports nothing else of `pipeline`.
"""
