"""Decode videos: bytes come in, sampled frames with index and presentation time go out.

Reads bytes through `storage.source.ByteStream` only. Knows neither detection nor datasets.
May import `storage.source`, `config` and the modules on top of `pipeline`.
"""
