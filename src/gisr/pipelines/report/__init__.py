"""The report: one HTML page about a result, with pictures, spectra, numbers and provenance.

* ``windowed_result``: a pair and its result, read window by window, in memory or in files of any
  size; ``volume_result``: the slice of a volume that is reported.
* ``measurements``: an overview, the regions with the largest changes, and what is measured there.
* ``figures``: pictures and plots, as addresses that hold their data.
* ``page``: the page, filled into ``templates/page.html``; it needs no network.
"""

from gisr.pipelines.report.page import write_report
from gisr.pipelines.report.volume_result import volume_result
from gisr.pipelines.report.windowed_result import ArrayResult, SceneResult, WindowedResult

__all__ = ["ArrayResult", "SceneResult", "WindowedResult", "volume_result", "write_report"]
