"""Read videos and models from S3, and write results to S3."""
