"""The code of small Lambda functions that belong to the stack, beside that of the image."""
