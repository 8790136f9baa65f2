"""Types of arrays that several packages pass on: (H, W) is the guide's grid, (h, w) any other."""

import numpy as np
from jaxtyping import Bool, Float

ImageArray = Float[np.ndarray, "H W bands"]
"""An image on the guide's grid, or a window of it."""
Values = Float[np.ndarray, "h w bands"]
"""An image of any size with all its bands, for example thinned for display."""
Map = Float[np.ndarray, "h w"]
"""One value a pixel."""
Known = Bool[np.ndarray, "h w"]
"""Which pixels are known."""
Voxels = Float[np.ndarray, "X Y Z"]
"""A volume, or its part."""
