"""Drift: whether what a run found differs from what earlier runs found, by more than they differ.

Plain numbers in, plain numbers out: nothing is read or written here.
"""
