"""Configuration: a file, the environment and an event come in, one frozen `Config` goes out.

Imports nothing of `pipeline` but `digest` and `errors`. It needs pydantic, so code on the cold
start's path imports it late or for types only.
"""
