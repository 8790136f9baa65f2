"""Arrays of published data sets: MATLAB, HDF5 and npy files, checked before they are read."""
