"""Start a process that has neither credentials nor a network, for work on files of strangers.

The decoder and the trial of a model use it. Linux only, see `IS_SUPPORTED`.
"""
