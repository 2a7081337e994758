//! An object of the archive, from its bytes to its items.

use super::cut::{Cutter, Items};
use super::gunzip::{Damaged, Gunzip};
use super::json::Malformed;

/// An object that can't be read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error(transparent)]
    Damaged(#[from] Damaged),
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("it is empty")]
    Empty,
    #[error("it is gone")]
    Gone,
    #[error("S3 refuses it: it is archived, or permission is lacking for it or its key")]
    Refused,
}

/// Unzips and cuts an object that comes in pieces of whatever length.
#[derive(Debug)]
pub(super) struct Document<I> {
    gunzip: Gunzip,
    cutter: Cutter<I>,
    is_empty: bool,
}

impl<I: Items> Document<I> {
    pub(super) fn new(items: I) -> Self {
        Self {
            gunzip: Gunzip::new(),
            cutter: Cutter::new(items),
            is_empty: true,
        }
    }

    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Unreadable> {
        self.is_empty &= piece.is_empty();
        let cutter = &mut self.cutter;
        self.gunzip
            .push(piece, |unzipped| Ok(cutter.push(unzipped)?))
    }

    pub(super) fn finish(self) -> Result<I, Unreadable> {
        if self.is_empty {
            return Err(Unreadable::Empty);
        }
        self.gunzip.finish()?;
        Ok(self.cutter.finish()?)
    }
}
