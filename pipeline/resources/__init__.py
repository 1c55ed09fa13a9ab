"""The time and the memory that a run has, and what it used.

The deadline and the function's capacity come in; a rejection for lack of time goes out. Imports
nothing of `pipeline` but `errors`.
"""
