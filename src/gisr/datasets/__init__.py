"""Published data sets and own pairs: readers, prepared stores, and a look at them."""
