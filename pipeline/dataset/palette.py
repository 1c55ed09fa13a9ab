"""The colours of boxes: those of Okabe and Ito, which colour-blind people can tell apart.

https://jfly.uni-koeln.de/color/
"""

COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
"""A class has the colour at its class id, modulo their number."""
