"""Measure seconds and dollars of the function for sizes of memory, and choose one."""
