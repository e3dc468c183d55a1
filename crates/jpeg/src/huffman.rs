//! Huffman codes in tables wide enough that nearly every symbol takes one look-up.
//!
//! An entry tells how many bits the code and the value behind it take together, so that the next
//! look-up need not wait for the value.

/// Bits that index the table. More find more pairs of symbols, and were measured slower: the tables
/// crowd the first-level cache.
const WIDTH: u32 = 10;
/// The longest code of JPEG.
const LONGEST: usize = 16;
/// What an end of block advances by: more than any run, so that it shows in the position.
pub(crate) const END_OF_BLOCK: usize = 128;

/// A code as a DHT segment spells it: 16 counts by length, then the symbols.
pub(crate) type Spelling<'a> = &'a [u8];

/// Which symbols a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Sizes of differences.
    Dc,
    /// Runs of zeros and sizes of coefficients.
    Ac,
}

/// What the next bits mean, in one word.
///
/// From the lowest bit, so that what is waited for most comes out first:
///
/// * 8: the bits of all codes and values together;
/// * 16: what has to be added to the first code and value, read as one number, to leave the value
///   (the index holds the value's first bit, which is its sign);
/// * 8: 64 minus the bits of the first code and value;
/// * 16: the second value, 0 without one;
/// * 8: how far the first symbol advances the position;
/// * 8: how far all symbols do.
///
/// What is not in the table has 0 altogether.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry(u64);

#[expect(clippy::cast_possible_truncation, reason = "fields are cut out of the word")]
impl Entry {
    pub(crate) const NONE: Self = Self(0);

    /// Returns the meaning of a symbol whose code and value begin `word`.
    fn new(class: Class, symbol: u8, code_bits: usize, word: u64) -> Self {
        let (run, size) = match class {
            Class::Dc => (0, symbol),
            Class::Ac => (symbol >> 4, symbol & 15),
        };
        let advance = match (class, run, size) {
            // libjpeg takes runs without a value, which no encoder writes, for the end as well.
            (Class::Ac, ..15, 0) => END_OF_BLOCK as u64,
            _ => u64::from(run) + 1,
        };
        let bits = code_bits as u64 + u64::from(size);
        let code = word >> (64 - code_bits) << size;
        let is_negative = (word << code_bits).leading_zeros() > 0;
        let below = if is_negative { (1 << size) - 1 } else { 0 };
        let correction = 0_u64.wrapping_sub(code + below) & 0xffff;
        Self(bits | correction << 8 | (64 - bits) << 24 | advance << 48 | advance << 56)
    }

    /// Returns the entry with a second symbol, which is read from `word` behind the first.
    fn with(self, second: Self, word: u64) -> Self {
        let value = second.first_value(word << self.bits()).cast_unsigned();
        let advance = second.advance() as u64;
        let counts = self.0 + (advance << 56) + u64::from(second.bits());
        Self(counts | (u64::from(value) << 32))
    }

    /// Returns the bits of all codes and values.
    #[inline(always)]
    pub(crate) fn bits(self) -> u8 {
        self.0 as u8
    }

    /// Returns the bits of the first code and value.
    pub(crate) fn first_bits(self) -> u8 {
        64 - (self.0 >> 24) as u8
    }

    /// Returns the first value; `word` is what the entry was found by.
    #[inline(always)]
    pub(crate) fn first_value(self, word: u64) -> i16 {
        let code_and_value = word.wrapping_shr((self.0 >> 24) as u32);
        code_and_value.wrapping_add(self.0 >> 8) as i16
    }

    /// Returns the second value, 0 without one.
    #[inline(always)]
    pub(crate) fn second_value(self) -> i16 {
        (self.0 >> 32) as i16
    }

    /// Returns how far the first symbol advances the position.
    #[inline(always)]
    pub(crate) fn first_advance(self) -> u8 {
        (self.0 >> 48) as u8
    }

    /// Returns how far all symbols advance the position.
    #[inline(always)]
    pub(crate) fn advance(self) -> usize {
        (self.0 >> 56) as usize
    }
}

/// A code ready to decode, kept from picture to picture as long as the spelling is the same.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    short: [Entry; 1 << WIDTH],
    /// For each length the first 16-bit word that is beyond its codes.
    beyond: [u32; LONGEST + 1],
    /// For each length what is added to a code, modulo 2^64, to find its symbol.
    offset: [usize; LONGEST + 1],
    symbols: [u8; 256],
    class: Class,
    spelling: [u8; 272],
    spelling_len: usize,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            short: [Entry::NONE; 1 << WIDTH],
            beyond: [0; LONGEST + 1],
            offset: [0; LONGEST + 1],
            symbols: [0; 256],
            class: Class::Dc,
            spelling: [0; 272],
            spelling_len: 0,
        }
    }

    /// Takes over a code; cheap when it is the one already there.
    ///
    /// The spelling has been [checked](check).
    pub(crate) fn set(&mut self, class: Class, spelling: Spelling<'_>) {
        if self.class == class && self.spelling[..self.spelling_len] == *spelling {
            return;
        }
        self.class = class;
        self.spelling_len = spelling.len();
        self.spelling[..spelling.len()].copy_from_slice(spelling);
        let (counts, symbols) = spelling.split_at(LONGEST);
        self.symbols[..symbols.len()].copy_from_slice(symbols);
        self.short = [Entry::NONE; 1 << WIDTH];
        let (mut code, mut index) = (0_u32, 0);
        for (length, &count) in (1..).zip(counts) {
            self.offset[length] = usize::wrapping_sub(index, code as usize);
            for &symbol in &symbols[index..index + usize::from(count)] {
                self.fill(symbol, code, length);
                code += 1;
            }
            index += usize::from(count);
            self.beyond[length] = code << (LONGEST - length);
            code <<= 1;
        }
        if class == Class::Ac {
            self.pair();
        }
    }

    /// Puts a symbol wherever its code and the sign of its value are the first bits of the index.
    fn fill(&mut self, symbol: u8, code: u32, length: usize) {
        let size = if self.class == Class::Dc { symbol } else { symbol & 15 };
        let n_signs = if size == 0 { 1 } else { 2 };
        for sign in 0..n_signs {
            let bits = length + n_signs - 1;
            let Some(spare) = (WIDTH as usize).checked_sub(bits) else { return };
            let prefix = code as usize * n_signs + sign;
            let entry = Entry::new(self.class, symbol, length, (prefix as u64) << (64 - bits));
            self.short[prefix << spare..(prefix + 1) << spare].fill(entry);
        }
    }

    /// Adds second symbols where the index holds them whole.
    fn pair(&mut self) {
        let single = self.short;
        for (index, entry) in (0_u64..).zip(&mut self.short) {
            let word = index << (64 - WIDTH);
            let rest = single[(word << entry.bits() >> (64 - WIDTH)) as usize];
            let ends = entry.advance() == END_OF_BLOCK;
            let whole = rest != Entry::NONE && u32::from(entry.bits() + rest.bits()) <= WIDTH;
            if *entry != Entry::NONE && !ends && whole {
                *entry = entry.with(rest, word);
            }
        }
    }

    /// Returns what a word of bits begins with, [`Entry::NONE`] where the table does not tell.
    ///
    /// It takes up to 25 bits.
    #[inline(always)]
    pub(crate) fn entry(&self, word: u64) -> Entry {
        self.short[(word >> (64 - WIDTH)) as usize]
    }

    /// Returns what a code means that is too long for the table; `None` for bits that are no code.
    ///
    /// It takes up to 31 bits. It is given the word alone: a reader that is pointed to cannot live
    /// in registers.
    #[cold]
    #[inline(never)]
    pub(crate) fn long(&self, word: u64) -> Option<Entry> {
        let next = (word >> 48) as u32;
        let length = (WIDTH as usize..=LONGEST).find(|&l| next < self.beyond[l])?;
        let code = (next >> (LONGEST - length)) as usize;
        let symbol = code.wrapping_add(self.offset[length]);
        Some(Entry::new(self.class, self.symbols[symbol & 255], length, word))
    }
}

/// Returns what is wrong with a spelling, if anything.
///
/// libjpeg's rules: at most 256 symbols, no code that does not fit its length, no difference of
/// more than 15 bits.
pub(crate) fn check(class: Class, spelling: Spelling<'_>) -> Option<&'static str> {
    let (counts, symbols) = spelling.split_at_checked(LONGEST)?;
    let mut code = 0_u32;
    for (length, &count) in (1..).zip(counts) {
        code += u32::from(count);
        if code > 1 << length {
            return Some("a Huffman code with more words than fit");
        }
        code <<= 1;
    }
    let long = class == Class::Dc && symbols.iter().any(|&size| size > 15);
    long.then_some("a Huffman code for differences of more than 15 bits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a symbol bit by bit, as the standard's figures F.12 and F.16 do.
    fn naive(class: Class, spelling: Spelling<'_>, bits: &[u8]) -> Option<(i32, usize, usize)> {
        let (counts, symbols) = spelling.split_at(LONGEST);
        let (mut code, mut first, mut index) = (0, 0, 0);
        for length in 1..=LONGEST {
            code = code << 1 | i32::from(bits[length - 1]);
            let count = i32::from(counts[length - 1]);
            if code - first < count {
                let symbol = symbols[index + usize::try_from(code - first).ok()?];
                let size = usize::from(if class == Class::Dc { symbol } else { symbol & 15 });
                let run = usize::from(if class == Class::Dc { 0 } else { symbol >> 4 });
                let bits = &bits[length..length + size];
                let value = bits.iter().fold(0, |v, &bit| v << 1 | i32::from(bit));
                let negative = bits.first() == Some(&0);
                let value = if negative { value + 1 - (1 << size) } else { value };
                let end = class == Class::Ac && size == 0 && run < 15;
                return Some((value, if end { END_OF_BLOCK } else { run + 1 }, length + size));
            }
            index += usize::try_from(count).ok()?;
            first = (first + count) << 1;
        }
        None
    }

    /// A code whose lengths obey Kraft's inequality, with any symbols.
    fn spellings(class: Class) -> impl Strategy<Value = Vec<u8>> {
        let largest = if class == Class::Dc { 15_u8 } else { 255 };
        (prop::collection::vec(0..12_u8, 16), prop::collection::vec(0..=largest, 256)).prop_map(
            |(wanted, symbols)| {
                let (mut room, mut counts) = (1_usize, Vec::new());
                for wanted in wanted {
                    room *= 2;
                    let count = usize::from(wanted).min(room).min(256);
                    room -= count;
                    counts.push(u8::try_from(count).unwrap());
                }
                let total = counts.iter().map(|&c| usize::from(c)).sum();
                counts.extend(&symbols[..total]);
                counts
            },
        )
    }

    fn compare(class: Class, spelling: &[u8], data: [u8; 4]) {
        assert_eq!(check(class, spelling), None);
        let mut table = Table::new();
        table.set(class, spelling);
        let word = u64::from(u32::from_be_bytes(data)) << 32;
        let each: Vec<u8> = (0..32).map(|i| data[i / 8] >> (7 - i % 8) & 1).collect();
        let expected = naive(class, spelling, &each);
        let entry = Some(table.entry(word)).filter(|&entry| entry != Entry::NONE);
        let Some(entry) = entry.or_else(|| table.long(word)) else {
            return assert_eq!(expected, None);
        };
        let value = i32::from(entry.first_value(word));
        let (first_bits, advance) =
            (usize::from(entry.first_bits()), usize::from(entry.first_advance()));
        assert_eq!(Some((value, advance, first_bits)), expected);
        let second_bits = usize::from(entry.bits()) - first_bits;
        let second_advance = entry.advance() - advance;
        if second_bits > 0 {
            let expected = naive(class, spelling, &each[first_bits..]);
            let value = i32::from(entry.second_value());
            assert_eq!(Some((value, second_advance, second_bits)), expected);
        } else {
            assert_eq!((entry.second_value(), second_advance), (0, 0));
        }
    }

    proptest! {
        #[test]
        fn differences_match_naive(code in spellings(Class::Dc), data: [u8; 4]) {
            compare(Class::Dc, &code, data);
        }

        #[test]
        fn coefficients_match_naive(code in spellings(Class::Ac), data: [u8; 4]) {
            compare(Class::Ac, &code, data);
        }
    }

    #[test]
    fn impossible_codes_are_refused() {
        let mut spelling = vec![0; LONGEST];
        spelling[0] = 3;
        spelling.extend([1, 2, 3]);
        assert!(check(Class::Ac, &spelling).is_some(), "three codes of one bit");
        spelling[0] = 1;
        spelling.truncate(LONGEST);
        spelling.push(16);
        assert!(check(Class::Dc, &spelling).is_some(), "a difference of 16 bits");
        assert_eq!(check(Class::Ac, &spelling), None);
    }
}
