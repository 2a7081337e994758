//! `banto config`: what the policy, `banto.toml`, says to other programs.

pub mod export;
#[cfg(test)]
mod tests;
pub mod values;
