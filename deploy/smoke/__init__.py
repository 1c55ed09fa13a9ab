"""Test a deployed stack from outside: uploads, results, metrics and failures, as a user has them.

Works against AWS, and against whatever AWS_ENDPOINT_URL names. See docs/operations.md.
"""
