"""The Lambda function that checks a new version of pretag with the sample clip.

The folder above is deployed alone, so this package imports nothing of pretag: only the standard
library and boto3, which Lambda's Python has. Its imports are relative, as its name differs there.
"""
