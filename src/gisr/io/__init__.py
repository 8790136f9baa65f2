"""Files in, files out: GeoTIFF, NIfTI, depth maps and colour pictures.

Sizes are checked before pixels are read, placement is read from georeference or affine, and outputs
appear whole or not at all. Nothing heavy is imported here: rasterio, nibabel and Pillow are loaded
by the function that needs them.
"""
