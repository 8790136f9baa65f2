"""The page that shows a result from all sides: pictures, spectra, numbers, what was assumed.

* ``subject``: what is looked at, window by window, in memory or in files of any size; ``volumes``:
  which slice of a volume.
* ``findings``: an overview, the regions that changed most, and what is measured of them.
* ``figures``: pictures and plots, as text that stands in the page itself.
* ``page``: the page, one file without any outside link.
"""

from gisr.pipelines.report.page import write_report
from gisr.pipelines.report.views import ArraySubject, SceneSubject, Subject
from gisr.pipelines.report.volume_view import volume_subject

__all__ = ["ArraySubject", "SceneSubject", "Subject", "volume_subject", "write_report"]
