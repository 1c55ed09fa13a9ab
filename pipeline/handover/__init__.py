"""Hand results over to the server of a labelling tool: images and objects, ready to be corrected.

One module for each tool. Only `cvat` imports CVAT's SDK, which is an optional package.
"""
