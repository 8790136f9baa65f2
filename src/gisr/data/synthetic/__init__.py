"""Generated training data: drawn by a program from a random generator, never stored.

What is drawn is a function of the generator's state alone, so a sample of a seeded mixture is the
same in every process and after every resumption. Nothing of it was taken from any data set: it may
be used by anyone for anything (CC0). Benchmarks and validation never see it.
"""

GENERATED = "generated"
"""Name of the data set, in recipes."""
