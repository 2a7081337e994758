//! Finds where JSON's values end, without building them.

use memchr::memchr2;

/// A text that is not the JSON of AWS Config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("it ends in the middle")]
    Truncated,
    #[error("it is not JSON")]
    NotJson,
    #[error("it is nested more than 127 deep")]
    TooDeep,
    #[error("it has no configurationItems")]
    NoItems,
    #[error("its configurationItems are no array")]
    ItemsAreNoArray,
    #[error("it has configurationItems twice")]
    ItemsTwice,
    #[error("something follows its end")]
    Trailing,
}

/// Brackets that may be open at once: as many as `serde_json` takes, and a bit of a `u128` each.
const MOST_BRACKETS: u32 = 127;

/// A string, an object or an array, followed to its end over any number of pieces.
#[derive(Debug, Default, Clone)]
pub(super) struct Value {
    /// A bit for each open bracket, the innermost lowest: 1 for an object.
    brackets: u128,
    depth: u32,
    in_string: bool,
    /// True after a backslash in a string.
    is_escaped: bool,
}

impl Value {
    /// Returns where the value ends in this piece; `None` if it goes on.
    pub(super) fn end(&mut self, piece: &[u8]) -> Result<Option<usize>, Malformed> {
        let mut at = 0;
        loop {
            if self.in_string {
                let Some(end) = self.end_of_string(piece, at) else {
                    return Ok(None);
                };
                at = end;
                if self.depth == 0 {
                    return Ok(Some(at));
                }
            }
            let Some(byte) = piece.get(at) else {
                return Ok(None);
            };
            at += 1;
            match byte {
                b'"' => self.in_string = true,
                b'{' => self.open(1)?,
                b'[' => self.open(0)?,
                b'}' => self.close(1)?,
                b']' => self.close(0)?,
                _ => continue,
            }
            if self.depth == 0 && !self.in_string {
                return Ok(Some(at));
            }
        }
    }

    fn end_of_string(&mut self, piece: &[u8], mut at: usize) -> Option<usize> {
        loop {
            if self.is_escaped {
                piece.get(at)?;
                at += 1;
                self.is_escaped = false;
            }
            let found = at + quote_or_backslash(piece.get(at..)?)?;
            at = found + 1;
            if piece.get(found) == Some(&b'"') {
                self.in_string = false;
                return Some(at);
            }
            self.is_escaped = true;
        }
    }

    fn open(&mut self, kind: u128) -> Result<(), Malformed> {
        if self.depth == MOST_BRACKETS {
            return Err(Malformed::TooDeep);
        }
        self.depth += 1;
        self.brackets = (self.brackets << 1) | kind;
        Ok(())
    }

    fn close(&mut self, kind: u128) -> Result<(), Malformed> {
        if self.depth == 0 || self.brackets & 1 != kind {
            return Err(Malformed::NotJson);
        }
        self.depth -= 1;
        self.brackets >>= 1;
        Ok(())
    }
}

/// Returns the first quote or backslash.
///
/// Most strings are shorter than a call of `memchr2` takes, so the first bytes are looked at eight
/// at a time. The trick is the classic one for a zero byte in a word: bytes above the first that it
/// finds may be wrong, the first one is right. (Henry S. Warren, "Hacker's Delight", 6-1.)
fn quote_or_backslash(text: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const QUOTES: u64 = ONES * 0x22;
    const BACKSLASHES: u64 = ONES * 0x5c;
    let mut rest = text;
    for word in 0..SHORT_WORDS {
        let Some((bytes, behind)) = rest.split_first_chunk::<8>() else {
            break;
        };
        let bytes = u64::from_le_bytes(*bytes);
        let (quotes, backslashes) = (bytes ^ QUOTES, bytes ^ BACKSLASHES);
        let quotes = quotes.wrapping_sub(ONES) & !quotes;
        let backslashes = backslashes.wrapping_sub(ONES) & !backslashes;
        let found = (quotes | backslashes) & (ONES << 7);
        if found != 0 {
            return Some(8 * word + found.trailing_zeros() as usize / 8);
        }
        rest = behind;
    }
    let before = text.len() - rest.len();
    Some(before + memchr2(b'"', b'\\', rest)?)
}

/// Words of eight bytes that a short string has at most.
const SHORT_WORDS: usize = 4;

/// Returns the first place from another on that is no white space; `None` if there is none yet.
pub(super) fn token(text: &[u8], from: usize) -> Option<(usize, u8)> {
    let rest = text.get(from..)?;
    let is_token = |byte: &u8| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    let length = rest.iter().position(is_token)?;
    Some((from + length, *rest.get(length)?))
}

/// Returns where the value ends that begins at a place; `None` if it goes on behind the text.
pub(super) fn value_end(text: &[u8], from: usize) -> Result<Option<usize>, Malformed> {
    let rest = text.get(from..).unwrap_or_default();
    let length = match rest.first() {
        Some(b'"' | b'{' | b'[') => Value::default().end(rest)?,
        Some(_) => scalar_length(rest)?,
        None => None,
    };
    Ok(length.map(|length| from + length))
}

/// Returns the length of a number, of `true`, `false` or `null`, which only what follows ends.
fn scalar_length(rest: &[u8]) -> Result<Option<usize>, Malformed> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    match rest.iter().position(|byte| !is_part(byte)) {
        Some(0) => Err(Malformed::NotJson),
        length => Ok(length),
    }
}

/// A member of an object: its key with the quotes around it, and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    key: (usize, usize),
    value: (usize, usize),
}

/// An object whose end is known, and its members.
#[derive(Debug, Clone, Copy)]
pub(super) struct Members<'a> {
    text: &'a [u8],
    members: &'a [Member],
}

impl<'a> Members<'a> {
    pub(super) fn new(text: &'a [u8], members: &'a [Member]) -> Self {
        Self { text, members }
    }

    /// Returns each key, without the quotes around it, and its value, as it is written.
    pub(super) fn iter(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.members.iter().filter_map(move |member| {
            let (key, value) = (member.key, member.value);
            let key = self.text.get(key.0 + 1..key.1 - 1)?;
            Some((key, self.text.get(value.0..value.1)?))
        })
    }
}

/// Fills in the members of the object that begins at a place, and returns where it ends; `None` if
/// it goes on behind the text.
pub(super) fn object_end(
    text: &[u8],
    from: usize,
    members: &mut Vec<Member>,
) -> Result<Option<usize>, Malformed> {
    members.clear();
    // Behind the opening bracket, and later behind each comma.
    let mut at = from + 1;
    loop {
        let (start, separator) = match token(text, at) {
            None => return Ok(None),
            Some((place, b'}')) if members.is_empty() => return Ok(Some(place + 1)),
            Some((place, b'"')) => match member_at(text, place)? {
                Some(member) => {
                    members.push(member);
                    match token(text, member.value.1) {
                        Some(next) => next,
                        None => return Ok(None),
                    }
                }
                None => return Ok(None),
            },
            Some(_) => return Err(Malformed::NotJson),
        };
        at = start + 1;
        match separator {
            b',' => {}
            b'}' => return Ok(Some(at)),
            _ => return Err(Malformed::NotJson),
        }
    }
}

/// Returns the member whose key begins at a place.
fn member_at(text: &[u8], start: usize) -> Result<Option<Member>, Malformed> {
    let Some(end) = value_end(text, start)? else {
        return Ok(None);
    };
    let Some(value_start) = value_start(text, end)? else {
        return Ok(None);
    };
    let value_end = value_end(text, value_start)?;
    Ok(value_end.map(|value_end| Member {
        key: (start, end),
        value: (value_start, value_end),
    }))
}

/// Returns where the value begins whose key ends at a place.
pub(super) fn value_start(text: &[u8], key_end: usize) -> Result<Option<usize>, Malformed> {
    match token(text, key_end) {
        None => Ok(None),
        Some((colon, b':')) => Ok(token(text, colon + 1).map(|(place, _)| place)),
        Some(_) => Err(Malformed::NotJson),
    }
}
