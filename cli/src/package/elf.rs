//! What the header and the strings of a program for Linux say about where it runs.

use std::fmt;

use clap::ValueEnum;

/// The architectures of Lambda, by Lambda's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Architecture {
    /// What the modules choose unless they are told otherwise.
    Arm64,
    /// Intel's and AMD's.
    #[value(name = "x86_64")]
    X86_64,
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        })
    }
}

/// Returns a program's architecture, or what it is instead. (System V ABI, "ELF Header": the magic
/// number, `EI_CLASS` 2 for 64 bits, `EI_DATA` 1 for little-endian, and `e_machine` after 18 bytes.
/// Its numbers are those of `elf.h`.)
pub(super) fn architecture(program: &[u8]) -> Result<Architecture, String> {
    let Some([0x7f, b'E', b'L', b'F', 2, 1, .., low, high]) = program.first_chunk::<20>() else {
        return Err("is no 64-bit little-endian ELF file".to_owned());
    };
    match u16::from_le_bytes([*low, *high]) {
        183 => Ok(Architecture::Arm64),
        62 => Ok(Architecture::X86_64),
        other => Err(format!(
            "is for ELF machine {other}, and Lambda runs arm64 and x86_64"
        )),
    }
}

/// Returns the newest glibc that a program asks for, as the second number of its version.
///
/// Versions are NUL-terminated names like `GLIBC_2.34` among the strings of dynamic linking. Texts
/// of Rust have no NUL around them, so that no text in the program is taken for one.
pub(super) fn newest_glibc(program: &[u8]) -> Option<u32> {
    program
        .split(|byte| *byte == 0)
        .filter_map(|name| str::from_utf8(name.strip_prefix(b"GLIBC_2.")?).ok())
        .filter_map(|version| version.split('.').next()?.parse().ok())
        .max()
}
