//! From bits to the quantized coefficients of a few MCUs.

use crate::bits::Bits;
use crate::huffman::{END_OF_BLOCK, Entry, Table};

/// MCUs that are decoded at a time: enough that the coefficients of a block have reached the cache
/// before its transform loads them, few enough that all of them stay in its first level.
pub(crate) const CHUNK: usize = 8;
/// Blocks of an MCU, at most.
pub(crate) const MCU_BLOCKS: usize = 6;

/// From the position in the stream to the position in the block, row by row.
///
/// What lies beyond the block goes to its end: there only the zero of an end of block comes, before
/// anything else, and the value of a block that is too long, which is an error.
pub(crate) const NATURAL: [u8; 256] = {
    let mut natural = [63; 256];
    let (mut x, mut y, mut k) = (0_u8, 0_u8, 0);
    while k < 64 {
        natural[k] = 8 * y + x;
        let up = (x + y).is_multiple_of(2);
        if up && x == 7 || !up && y < 7 {
            y += 1;
            x -= if up || x == 0 { 0 } else { 1 };
        } else {
            x += 1;
            y -= if !up || y == 0 { 0 } else { 1 };
        }
        k += 1;
    }
    natural
};

/// The coefficients of 8 × 8 samples, row by row.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Block(pub(crate) [i16; 64]);

/// Where a block of an MCU goes, and what decodes it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Step {
    pub(crate) component: usize,
    /// Number of the block of the chunk's first MCU.
    pub(crate) first: usize,
    /// How far the block of the next MCU lies from it.
    pub(crate) stride: usize,
    pub(crate) dc: usize,
    pub(crate) ac: usize,
}

/// The codes and the order of blocks of a scan.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) dc: [Table; 4],
    pub(crate) ac: [Table; 4],
    pub(crate) steps: [Step; MCU_BLOCKS],
    pub(crate) n_steps: usize,
}

/// The coefficients of [`CHUNK`] MCUs.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) blocks: [Block; CHUNK * MCU_BLOCKS],
    /// For each block the number of coefficients up to the last that is not zero, at least 1.
    pub(crate) lengths: [u8; CHUNK * MCU_BLOCKS],
}

/// What is wrong with the bits, where the reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    BadCode,
    LongBlock,
    /// More bits were read than there are.
    End,
}

/// Where the reader of a stretch stands.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    pub(crate) bits: Bits<'a>,
    /// The last DC coefficient of each component.
    pub(crate) last: [i16; 3],
    /// The end of the stretch, in bits.
    pub(crate) end: usize,
}

/// Decodes `n` MCUs into the chunk.
pub(crate) type DecodeMcus = fn(&mut Cursor<'_>, &Plan, n: usize, &mut Chunk) -> Result<(), Fault>;

/// [`DecodeMcus`], to be compiled for several processors.
#[inline(always)]
pub(crate) fn decode_mcus(
    cursor: &mut Cursor<'_>,
    plan: &Plan,
    n: usize,
    chunk: &mut Chunk,
) -> Result<(), Fault> {
    // A copy, so that the reader lives in registers.
    let mut bits = cursor.bits;
    let mut result = Ok(());
    'mcus: for mcu in 0..n {
        for step in &plan.steps[..plan.n_steps] {
            let index = step.first + mcu * step.stride;
            let block = &mut chunk.blocks[index].0;
            let last = &mut cursor.last[step.component];
            match decode_block(&mut bits, &plan.dc[step.dc], &plan.ac[step.ac], last, block) {
                Ok(length) => chunk.lengths[index] = length,
                Err(fault) => {
                    result = Err(fault);
                    break 'mcus;
                }
            }
        }
        if bits.position() > cursor.end {
            result = Err(Fault::End);
            break;
        }
    }
    cursor.bits = bits;
    result.map_err(|fault| if bits.position() > cursor.end { Fault::End } else { fault })
}

/// Decodes one block; returns the number of coefficients up to the last that is not zero.
#[inline(always)]
fn decode_block(
    bits: &mut Bits<'_>,
    dc: &Table,
    ac: &Table,
    last: &mut i16,
    block: &mut [i16; 64],
) -> Result<u8, Fault> {
    *block = [0; 64];
    let window = bits.window().ok_or(Fault::End)?;
    bits.refill(window);
    let mut entry = dc.entry(bits.word());
    if entry == Entry::NONE {
        entry = dc.long(bits.word()).ok_or(Fault::BadCode)?;
    }
    *last = last.wrapping_add(entry.first_value(bits.word()));
    bits.skip(entry.bits());
    block[0] = *last;
    let mut position = 1;
    let (before, last_entry) = loop {
        bits.refill(window);
        let mut entry = ac.entry(bits.word());
        if entry == Entry::NONE {
            entry = ac.long(bits.word()).ok_or(Fault::BadCode)?;
        }
        let before = position;
        position = put(block, position, entry, bits);
        if position > 63 {
            break (before, entry);
        }
        // At least 25 bits are left, enough for what the table tells.
        let entry = ac.entry(bits.word());
        if entry == Entry::NONE {
            continue;
        }
        let before = position;
        position = put(block, position, entry, bits);
        if position > 63 {
            break (before, entry);
        }
    };
    let first = before + usize::from(last_entry.first_advance());
    // The second symbol may be the next block's. Without short circuit: the parts are hard to
    // predict, both at once are rare.
    if (first > 63) & (first < position) {
        bits.skip(last_entry.first_bits());
        return length(first, block);
    }
    bits.skip(last_entry.bits());
    length(position, block)
}

/// Puts one or two coefficients into their places; returns the position behind them.
///
/// Their bits are skipped unless they end the block.
#[inline(always)]
fn put(block: &mut [i16; 64], position: usize, entry: Entry, bits: &mut Bits<'_>) -> usize {
    let first = position + usize::from(entry.first_advance());
    let next = position + entry.advance();
    // In this order: without a second symbol both go to the same place.
    block[usize::from(BEFORE[next & 255] & 63)] = entry.second_value();
    block[usize::from(BEFORE[first & 255] & 63)] = entry.first_value(bits.word());
    if next <= 63 {
        bits.skip(entry.bits());
    }
    next
}

/// The place of the coefficient before each position in the stream.
static BEFORE: [u8; 256] = {
    let mut before = [63; 256];
    let mut k = 0;
    while k < 64 {
        before[k + 1] = NATURAL[k];
        k += 1;
    }
    before
};

/// Returns the length of a block that ended at this position.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "at most 64")]
fn length(position: usize, block: &[i16; 64]) -> Result<u8, Fault> {
    match position {
        64 => Ok(64),
        END_OF_BLOCK.. => {
            let length = position - END_OF_BLOCK;
            // A run of 16 zeros before the end of a block is lawful and pointless.
            match block[usize::from(NATURAL[length - 1] & 63)] {
                0 if length > 1 => Ok(trimmed(length, block)),
                _ => Ok(length as u8),
            }
        }
        _ => Err(Fault::LongBlock),
    }
}

#[cold]
#[expect(clippy::cast_possible_truncation, reason = "at most 64")]
fn trimmed(length: usize, block: &[i16; 64]) -> u8 {
    let is_zero = |&k: &usize| block[usize::from(NATURAL[k - 1] & 63)] == 0;
    (2..=length).rev().find(|k| !is_zero(k)).unwrap_or(1) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_the_standard_s() {
        // Figure A.6, its first and last positions.
        let start = [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5];
        let end = [58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63];
        assert_eq!(NATURAL[..16], start);
        assert_eq!(NATURAL[48..64], end);
        let mut all = NATURAL[..64].to_vec();
        all.sort_unstable();
        assert!(all.iter().copied().eq(0..64));
    }

    #[test]
    fn trailing_zeros_do_not_count() {
        let mut block = [0; 64];
        block[1] = 5;
        assert_eq!(trimmed(17, &block), 2);
        assert_eq!(length(END_OF_BLOCK + 17, &block), Ok(2));
        assert_eq!(length(END_OF_BLOCK + 2, &block), Ok(2));
        assert_eq!(length(END_OF_BLOCK + 1, &[0; 64]), Ok(1));
        assert_eq!(length(END_OF_BLOCK + 33, &[0; 64]), Ok(1));
        assert_eq!(length(64, &block), Ok(64));
        assert_eq!(length(65, &block), Err(Fault::LongBlock));
    }
}
