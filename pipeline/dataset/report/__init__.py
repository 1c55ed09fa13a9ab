"""The report of a run: figures come in from the dataset and the run log, Markdown and HTML go out.

`figures` computes each figure once, and both reports and `logs.csv` show it. `statistics`,
`timeline` and `sheet` compute, `charts` draws, `markdown` and `html` write.
"""
