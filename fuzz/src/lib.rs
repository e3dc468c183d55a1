//! Fuzz targets for every parser of outside bytes.
