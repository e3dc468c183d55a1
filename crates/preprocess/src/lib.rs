//! From the bytes of a picture to a normalised CHW tensor, equal to the framework that trained the model.

#![forbid(unsafe_code)]
