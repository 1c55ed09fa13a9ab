"""A deployment, as the command line sees it: what its stack says, and its function.

May import `storage` and `decoding`. Only `clients` imports boto3.
"""
