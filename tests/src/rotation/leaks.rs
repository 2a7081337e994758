//! The secret is nowhere but inside the ciphertext.
