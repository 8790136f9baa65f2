"""MR volumes: NIfTI in and out, DICOM series in, and how two of them lie together."""
