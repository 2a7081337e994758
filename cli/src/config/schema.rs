//! `banto config schema`: the JSON Schema of banto.toml.

use clap::Args;

use super::keys::SCHEMA;
use crate::output;

/// The schema that is asked for.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  banto config schema >banto.schema.json
  banto config schema | jq .properties.rotation

An editor that knows Taplo (Even Better TOML for VS Code, taplo lsp for others)
checks banto.toml as you type, if this is its first line:
  #:schema ./banto.schema.json")]
pub struct Options {}

/// Prints it.
pub fn run() {
    output::line(SCHEMA.trim_end());
}
