"""Decode in a process of its own, which has neither credentials nor a network.

The parent reads the video's bytes, from a disk or S3, and hands them to the child through a socket.
The child decodes and hands back frames in shared memory. A crash of the decoder ends the child.
"""
