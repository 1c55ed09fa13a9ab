"""The Lambda function: events come in, processed videos and metrics go out.

Knows Lambda's events, environment, metrics and tracing. S3 itself is in `pipeline.storage.s3`. May
import all of `pipeline`, which never imports `handler`.
"""
