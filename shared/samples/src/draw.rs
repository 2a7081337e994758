//! Numbers that look drawn, and are the same for the same seed on every machine and in every
//! release.

/// The odd number that SplitMix64 steps by. (Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", 2014.)
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Draws numbers, by SplitMix64.
#[derive(Debug, Clone)]
pub(crate) struct Draw {
    state: u64,
}

impl Draw {
    /// The draws about something, which its parts name.
    pub(crate) fn of(seed: u64, parts: &[u64]) -> Self {
        let state = parts.iter().fold(mixed(seed), |state, part| {
            mixed(state ^ part.wrapping_mul(STEP))
        });
        Self { state }
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mixed(self.state)
    }

    /// A number below a limit; 0 if that is 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next().checked_rem(limit).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// One of a list.
    pub(crate) fn one_of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.below(list.len() as u64)).unwrap_or(0);
        list.get(at).copied().unwrap_or("")
    }

    /// Writes characters of an alphabet.
    pub(crate) fn write(&mut self, out: &mut String, alphabet: &[u8], characters: usize) {
        let mut bits = self.next();
        for written in 0..characters {
            // One number is enough for eight characters.
            if written % 8 == 7 {
                bits = self.next();
            }
            let at = usize::try_from(bits & 0xff).unwrap_or(0) % alphabet.len().max(1);
            out.push(char::from(alphabet.get(at).copied().unwrap_or(b'0')));
            bits >>= 8;
        }
    }

    /// Characters of an alphabet.
    pub(crate) fn text(&mut self, alphabet: &[u8], characters: usize) -> String {
        let mut text = String::with_capacity(characters);
        self.write(&mut text, alphabet, characters);
        text
    }

    /// Writes a UUID.
    pub(crate) fn write_uuid(&mut self, out: &mut String) {
        for (part, characters) in [8, 4, 4, 4, 12].into_iter().enumerate() {
            if part > 0 {
                out.push('-');
            }
            self.write(out, HEX, characters);
        }
    }
}

/// Hexadecimal digits.
pub(crate) const HEX: &[u8] = b"0123456789abcdef";

/// The characters of IAM's unique ids.
pub(crate) const CAPITALS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The characters of the ends that AWS Config puts behind names.
pub(crate) const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

fn mixed(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}
