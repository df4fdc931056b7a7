"""What the resident agent remembers of its machine: samples of figures in a ring on disk, from before anybody asks.

`sampling` reads them, `ring` keeps them, `recorder` does so every ten seconds, `series` reads them back, thinned.
"""
