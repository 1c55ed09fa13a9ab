"""Know the container of a file by its bytes, and what is wrong with a file that does not open.

Nothing is decoded here. Everything else about containers is known by FFmpeg.
"""
