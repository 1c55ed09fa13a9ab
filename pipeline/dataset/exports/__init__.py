"""Export results to the forms that other tools read, one module for each form.

Each module defines `FORMAT`, and `registry` lists them all. A format gets an `ExportSet`, which
`reading` makes of finished results, and returns the files beside the images. It reads and writes
nothing itself. docs/tools/ has a page for each tool.
"""
