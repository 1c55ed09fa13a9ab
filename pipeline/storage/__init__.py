"""Read videos and write results: where bytes come from and where they go.

`source` and `publisher` define the interfaces; `local` implements them for folders, `s3` for S3.
Only `storage.s3` and `handler` may import boto3 or botocore.
"""
