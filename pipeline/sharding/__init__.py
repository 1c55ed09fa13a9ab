"""Divide one long video into shards, work on each apart, and merge the results to the same bytes.

A segment is the unit of deduplication; a shard is a run of segments that one worker processes. The
workers may be processes of one machine or functions elsewhere: nothing here knows which.
"""
