"""Run stages in parallel, where iterators come in and iterators in the same order go out.

Also runs a function for a limited time.

Knows nothing of videos. Imports nothing else of `pipeline`.
"""
