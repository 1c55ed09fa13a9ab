"""What pretag is built from: the base image, the pinned packages, and the contents of the image."""
