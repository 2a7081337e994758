//! Stories of whole rotations.
