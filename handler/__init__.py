"""The AWS edge: all that knows Lambda, S3 or CloudWatch, and nothing else."""
