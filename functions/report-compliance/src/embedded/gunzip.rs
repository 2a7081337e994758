//! Unzips an object that comes in pieces. One that is not compressed passes as it is.

use flate2::{Decompress, FlushDecompress, Status};

/// Bytes that are unzipped at once: few enough to stay in the processor's nearer caches while the
/// cutter goes over them.
const UNZIPPED_BYTES: usize = 64 << 10;

/// The window of a gzip file, as a power of two. (RFC 1951, section 2: distances up to 32 kB.)
const WINDOW_BITS: u8 = 15;

/// The first byte of a gzip file. No JSON begins so. (RFC 1952, section 2.3.1.)
const MAGIC: u8 = 0x1f;

/// A gzip file that is not as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damaged {
    #[error("its gzip data is corrupt")]
    Corrupt,
    #[error("its gzip data ends in the middle")]
    Truncated,
}

/// Unzips the members of a gzip file, one after the other. (RFC 1952, section 2.2: a file may have
/// several.)
#[derive(Debug)]
pub(super) struct Gunzip {
    state: State,
    unzipped: Vec<u8>,
}

#[derive(Debug)]
enum State {
    Start,
    /// No gzip file at all.
    Plain,
    /// In a member.
    Member(Box<Decompress>),
    /// Behind a member.
    Between,
    /// Behind the last member, in what some tool left: gzip itself ignores that, too.
    Garbage,
}

impl Gunzip {
    pub(super) fn new() -> Self {
        Self {
            state: State::Start,
            unzipped: Vec::with_capacity(UNZIPPED_BYTES),
        }
    }

    /// Unzips the next piece, and hands on what comes out.
    pub(super) fn push<E: From<Damaged>>(
        &mut self,
        mut piece: &[u8],
        mut out: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(first) = piece.first() {
            match &mut self.state {
                State::Start | State::Between if *first == MAGIC => {
                    self.state = State::Member(Box::new(Decompress::new_gzip(WINDOW_BITS)));
                }
                State::Start => self.state = State::Plain,
                State::Between => self.state = State::Garbage,
                State::Plain => return out(piece),
                State::Garbage => return Ok(()),
                State::Member(member) => {
                    self.unzipped.clear();
                    let (status, rest) = unzip(member, piece, &mut self.unzipped)?;
                    out(&self.unzipped)?;
                    piece = rest;
                    if status == Status::StreamEnd {
                        self.state = State::Between;
                    }
                }
            }
        }
        Ok(())
    }

    /// Tells whether the file was whole.
    pub(super) fn finish(self) -> Result<(), Damaged> {
        match self.state {
            State::Member(_) => Err(Damaged::Truncated),
            State::Start | State::Plain | State::Between | State::Garbage => Ok(()),
        }
    }
}

/// Unzips as much of a piece as there is room for, and returns what is left of the piece.
fn unzip<'p>(
    member: &mut Decompress,
    piece: &'p [u8],
    unzipped: &mut Vec<u8>,
) -> Result<(Status, &'p [u8]), Damaged> {
    let before = member.total_in();
    let status = member
        .decompress_vec(piece, unzipped, FlushDecompress::None)
        .map_err(|_| Damaged::Corrupt)?;
    let taken = usize::try_from(member.total_in() - before).unwrap_or(usize::MAX);
    // Whoever neither takes nor gives anything would do so for ever.
    if taken == 0 && unzipped.is_empty() && status != Status::StreamEnd {
        return Err(Damaged::Corrupt);
    }
    Ok((status, piece.get(taken..).unwrap_or_default()))
}
