"""Values to colours, once, and pages from templates.

* ``colours``: colour maps, the colour of unknown pixels, fonts.
* ``stretch``: the values that become black and white, for every picture the package draws.
* ``templates``: HTML in which every value is escaped.
"""
