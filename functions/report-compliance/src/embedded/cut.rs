//! Cuts the configuration items out of a document of AWS Config, and holds one of them at a time.

use super::json::{Malformed, Member, Members, Value, object_end, token, value_end, value_start};

/// Longest item that is read. AWS Config itself tells of items above 256 kB only by a note of where
/// they lie (AWS Config developer guide, "Example Oversized Configuration Item Change
/// Notification"), and the buffer that holds an item bounds the memory of the whole reader.
pub(super) const MOST_ITEM_BYTES: usize = 4 << 20;

/// Bytes of an unfinished item from which it is only looked at again once it has doubled, so that
/// one that comes in many pieces isn't looked at once for each.
const DOUBLING_FROM: usize = 64 << 10;

/// Takes what a [`Cutter`] cuts.
pub(super) trait Items {
    /// Takes an item.
    fn item(&mut self, item: Members<'_>);

    /// Takes note of an item of which no more is known.
    fn odd(&mut self, what: Odd);
}

/// An item that can't be read, though the items around it can; in words that end a sentence on
/// items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub(super) enum Odd {
    #[error("above 4 MB")]
    Oversized,
    #[error("that are no JSON objects")]
    NoObject,
}

/// The place in the document at which the next token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the document.
    Start,
    /// Before a key, or if nothing came before, the end of the document.
    Key { is_first: bool },
    /// Before a value that nobody needs.
    Value,
    /// Behind a value.
    AfterValue,
    /// Before an item, or if none came before, the end of them all.
    Item { is_first: bool },
    /// Behind an item.
    AfterItem,
    /// Behind the document.
    End,
}

/// Cuts a document that comes in pieces.
#[derive(Debug)]
pub(super) struct Cutter<I> {
    items: I,
    /// Bytes that have come and are not understood yet.
    buffer: Vec<u8>,
    /// The length of the buffer from which looking at it is worth it.
    enough: usize,
    place: Place,
    has_items: bool,
    /// A value that is too long for the buffer and only followed to its end.
    skipped: Option<Value>,
    /// The members of the last item, kept for its memory.
    members: Vec<Member>,
}

impl<I: Items> Cutter<I> {
    pub(super) fn new(items: I) -> Self {
        Self {
            items,
            buffer: Vec::new(),
            enough: 0,
            place: Place::Start,
            has_items: false,
            skipped: None,
            members: Vec::new(),
        }
    }

    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Malformed> {
        let piece = match self.skip(piece)? {
            Some(rest) => rest,
            None => return Ok(()),
        };
        self.buffer.extend_from_slice(piece);
        if self.buffer.len() < self.enough {
            return Ok(());
        }
        let mut at = 0;
        while let Some(next) = self.step(at)? {
            at = next;
        }
        self.buffer.drain(..at);
        self.enough = match self.buffer.len() {
            short if short < DOUBLING_FROM => 0,
            long => (2 * long).min(MOST_ITEM_BYTES + 1),
        };
        if self.buffer.len() > MOST_ITEM_BYTES {
            return self.skip_rest();
        }
        Ok(())
    }

    /// Returns the items' taker after the last piece.
    pub(super) fn finish(mut self) -> Result<I, Malformed> {
        // What came since the last look, if it was not enough.
        self.enough = 0;
        self.push(&[])?;
        match self.place {
            Place::End if self.has_items => Ok(self.items),
            Place::End => Err(Malformed::NoItems),
            _ => Err(Malformed::Truncated),
        }
    }

    /// Follows the value that is being skipped, and returns what comes behind it.
    fn skip<'p>(&mut self, piece: &'p [u8]) -> Result<Option<&'p [u8]>, Malformed> {
        let Some(value) = &mut self.skipped else {
            return Ok(Some(piece));
        };
        let Some(end) = value.end(piece)? else {
            return Ok(None);
        };
        self.skipped = None;
        Ok(piece.get(end..))
    }

    /// Gives up to hold the value that fills the buffer, and only follows it to its end.
    fn skip_rest(&mut self) -> Result<(), Malformed> {
        if let Some((at, first)) = token(&self.buffer, 0) {
            let is_item = matches!(self.place, Place::Item { .. });
            // Nothing else is ever that long: no key, no number.
            if !matches!(first, b'"' | b'{' | b'[') || !(is_item || self.place == Place::Value) {
                return Err(Malformed::NotJson);
            }
            let mut value = Value::default();
            value.end(self.buffer.get(at..).unwrap_or_default())?;
            self.skipped = Some(value);
            if is_item {
                self.items.odd(Odd::Oversized);
                self.place = Place::AfterItem;
            } else {
                self.place = Place::AfterValue;
            }
        }
        self.buffer.clear();
        self.enough = 0;
        Ok(())
    }

    /// Understands what is at a place in the buffer, and returns the place behind it; `None` if
    /// there is too little of it.
    fn step(&mut self, at: usize) -> Result<Option<usize>, Malformed> {
        let at = match self.place {
            // A byte order mark, which no JSON may have and some tools write.
            Place::Start if self.buffer.starts_with(b"\xef\xbb\xbf") => at.max(3),
            _ => at,
        };
        let Some((at, byte)) = token(&self.buffer, at) else {
            return Ok(None);
        };
        match (self.place, byte) {
            (Place::Start, b'{') => Ok(self.go_on(Place::Key { is_first: true }, at + 1)),
            (Place::Key { is_first: true }, b'}') => Ok(self.go_on(Place::End, at + 1)),
            (Place::Key { .. }, b'"') => self.key(at),
            (Place::Value, _) => {
                Ok(value_end(&self.buffer, at)?.and_then(|end| self.go_on(Place::AfterValue, end)))
            }
            (Place::AfterValue, b',') => Ok(self.go_on(Place::Key { is_first: false }, at + 1)),
            (Place::AfterValue, b'}') => Ok(self.go_on(Place::End, at + 1)),
            (Place::Item { is_first: true }, b']') => Ok(self.go_on(Place::AfterValue, at + 1)),
            (Place::Item { .. }, b'{') => self.object(at),
            (Place::Item { .. }, _) => self.other_item(at),
            (Place::AfterItem, b',') => Ok(self.go_on(Place::Item { is_first: false }, at + 1)),
            (Place::AfterItem, b']') => Ok(self.go_on(Place::AfterValue, at + 1)),
            (Place::End, _) => Err(Malformed::Trailing),
            (Place::Start | Place::Key { .. } | Place::AfterValue | Place::AfterItem, _) => {
                Err(Malformed::NotJson)
            }
        }
    }

    fn go_on(&mut self, place: Place, at: usize) -> Option<usize> {
        self.place = place;
        Some(at)
    }

    /// Understands a key, with its colon and the bracket behind it.
    fn key(&mut self, at: usize) -> Result<Option<usize>, Malformed> {
        let Some(end) = value_end(&self.buffer, at)? else {
            return Ok(None);
        };
        let Some(value_at) = value_start(&self.buffer, end)? else {
            return Ok(None);
        };
        if self.buffer.get(at..end) != Some(b"\"configurationItems\"") {
            return Ok(self.go_on(Place::Value, value_at));
        }
        if self.buffer.get(value_at) != Some(&b'[') {
            return Err(Malformed::ItemsAreNoArray);
        }
        if self.has_items {
            return Err(Malformed::ItemsTwice);
        }
        self.has_items = true;
        Ok(self.go_on(Place::Item { is_first: true }, value_at + 1))
    }

    fn object(&mut self, at: usize) -> Result<Option<usize>, Malformed> {
        let Some(end) = object_end(&self.buffer, at, &mut self.members)? else {
            return Ok(None);
        };
        // Longer ones arrive in one piece at times, and must not count at some and not at others.
        if end - at > MOST_ITEM_BYTES {
            self.items.odd(Odd::Oversized);
        } else {
            self.items.item(Members::new(&self.buffer, &self.members));
        }
        Ok(self.go_on(Place::AfterItem, end))
    }

    fn other_item(&mut self, at: usize) -> Result<Option<usize>, Malformed> {
        let Some(end) = value_end(&self.buffer, at)? else {
            return Ok(None);
        };
        self.items.odd(Odd::NoObject);
        Ok(self.go_on(Place::AfterItem, end))
    }
}
