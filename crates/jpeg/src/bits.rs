//! Bits of entropy-coded data, the stuffed zeros already taken out.

/// Bytes that must follow the last byte of the data in its buffer, so that a block which runs past
/// the end can be read to its own end before that is noticed.
///
/// An MCU of 6 blocks takes at most 6 · (64 · 31) bits.
pub(crate) const PADDING: usize = 2048;

/// Bytes that a block may take, and what a refill reads beyond its last: 64 · 31 bits are 248 bytes.
const WINDOW: usize = 256 + 7;

/// The bytes of the next block.
///
/// Its length is known to the compiler, so that a refill checks nothing.
pub(crate) type Window = [u8; WINDOW];

/// A reader over a buffer of data.
///
/// The word holds the next bits from its top; `count` of them, 56 to 63 after a refill, are
/// accounted for, and those below are the same bits that the next refill brings again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bits<'a> {
    data: &'a [u8],
    /// The byte of the buffer that the window begins with.
    start: usize,
    /// The byte of the window that the next refill begins with.
    at: usize,
    word: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    /// Reads `data` from byte `start`.
    pub(crate) fn new(data: &'a [u8], start: usize) -> Self {
        Self { data, start, at: 0, word: 0, count: 0 }
    }

    /// Returns the bytes of the next block; from here on that is what is refilled from.
    ///
    /// `None` at the end of the buffer, which no reader comes to that looks after its position
    /// every few blocks.
    #[inline(always)]
    pub(crate) fn window(&mut self) -> Option<&'a Window> {
        self.start += self.at;
        self.at = 0;
        self.data.get(self.start..)?.first_chunk()
    }

    /// Makes at least 56 bits ready.
    #[inline(always)]
    pub(crate) fn refill(&mut self, window: &Window) {
        let at = self.at & 255;
        let next = window[at..at + 8].first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        self.word |= next >> self.count;
        self.at += (63 - self.count as usize) >> 3;
        self.count |= 56;
    }

    /// Returns the next bits, the first of them on top.
    #[inline(always)]
    pub(crate) fn word(&self) -> u64 {
        self.word
    }

    /// Goes on by `n` bits, at most as many as are ready.
    #[inline(always)]
    pub(crate) fn skip(&mut self, n: u8) {
        self.word = self.word.wrapping_shl(n.into());
        self.count = self.count.wrapping_sub(n.into());
    }

    /// Returns how many bits have been read since the beginning of the buffer.
    #[inline(always)]
    pub(crate) fn position(&self) -> usize {
        8 * (self.start + self.at) - self.count as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_come_in_their_order(
            data in prop::collection::vec(any::<u8>(), 1..64),
            sizes in prop::collection::vec(0..=28_u8, 0..40),
        ) {
            let mut padded = data.clone();
            padded.resize(data.len() + PADDING, 0);
            let bit = |i: usize| u64::from(padded[i / 8] >> (7 - i % 8) & 1);
            let mut bits = Bits::new(&padded, 0);
            let mut position = 0;
            for (i, size) in sizes.into_iter().enumerate() {
                let window = bits.window().unwrap();
                bits.refill(window);
                if i % 2 == 0 {
                    bits.refill(window);
                }
                let expected = (0..usize::from(size)).fold(0, |v, i| v << 1 | bit(position + i));
                prop_assert_eq!((bits.word() >> 1) >> (63 - size), expected);
                bits.skip(size);
                position += usize::from(size);
                prop_assert_eq!(bits.position(), position);
            }
        }
    }
}
