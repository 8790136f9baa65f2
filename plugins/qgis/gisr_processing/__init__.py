"""The QGIS plugin of gisr: sharpening satellite images from the Processing toolbox.

QGIS brings its own Python, in which neither gisr nor torch is imported: gisr runs as a process of
its own. What does not need QGIS (``child``, ``program``, ``environment``, ``sensors``) does not
import it, and is tested without it.
"""


def classFactory(iface: object) -> object:
    """Return the plugin; QGIS calls this when it loads it.

    Args:
        iface: The window of QGIS; None in ``qgis_process``.
    """
    from .plugin import GisrPlugin

    return GisrPlugin()
