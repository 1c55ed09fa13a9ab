"""Send uploads at a rate, and measure how long each takes until its manifest is there."""
