//! The entropy-coded data, freed of stuffed zeros and cut at its restart markers.

use crate::bits::PADDING;
use crate::error::Error;
use crate::kernels::CopyClean;
use crate::markers;

/// Bytes that are copied at a time; a copy may write as many beyond its end.
pub(crate) const STEP: usize = 32;

/// The data between two restart markers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    /// Its first byte in the buffer.
    pub(crate) start: usize,
    /// The end of its bytes in the buffer.
    pub(crate) end: usize,
    /// Its first byte in the file.
    source: usize,
}

/// The data of one picture; its memory stays for the next.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    data: Vec<u8>,
    stretches: Vec<Stretch>,
}

impl Scan {
    /// Takes the data that begins at `start`, in as many stretches as the picture has.
    ///
    /// Of what follows the last of them the markers are looked at; nothing there reaches a pixel.
    pub(crate) fn read(
        &mut self,
        encoded: &[u8],
        start: usize,
        n_stretches: usize,
        copy_clean: CopyClean,
    ) -> Result<(), Error> {
        let room = encoded.len() - start + STEP + PADDING;
        if self.data.len() < room {
            // What was there is of no use: do not copy it into a larger place.
            self.data = Vec::new();
            self.data.resize(room, 0);
        }
        self.stretches.clear();
        let (mut at, mut to) = (start, 0);
        loop {
            let (source, from) = (at, to);
            let marker = self.copy(encoded, &mut at, &mut to, copy_clean);
            let n = self.stretches.len();
            self.stretches.push(Stretch { start: from, end: to, source });
            if n + 1 == n_stretches {
                break;
            }
            let expected = u8::try_from(n % 8).unwrap_or(0);
            match marker {
                Some(found @ 0xd0..=0xd7) if found & 7 == expected => at += 2,
                Some(found @ 0xd0..=0xd7) => {
                    return Err(Error::RestartMarker { expected, found: found & 7, offset: at });
                }
                _ => return Err(Error::Truncated { offset: at }),
            }
        }
        self.data[to..to + PADDING].fill(0);
        markers::check_tail(encoded, at)
    }

    /// Copies up to the next marker, which it returns, or to the end.
    ///
    /// `at` is then the marker's 0xff.
    fn copy(
        &mut self,
        encoded: &[u8],
        at: &mut usize,
        to: &mut usize,
        copy_clean: CopyClean,
    ) -> Option<u8> {
        loop {
            let clean = copy_clean(&encoded[*at..], &mut self.data[*to..]);
            *to += clean;
            *at += clean;
            match encoded[*at..] {
                [0xff, 0, ..] => {
                    self.data[*to] = 0xff;
                    *to += 1;
                    *at += 2;
                }
                // Any number of 0xff may stand before a marker, and libjpeg allows them anywhere.
                [0xff, 0xff, ..] => *at += 1,
                [0xff, marker, ..] => return Some(marker),
                [] | [0xff] => return None,
                [byte, ..] => {
                    self.data[*to] = byte;
                    *to += 1;
                    *at += 1;
                }
            }
        }
    }

    pub(crate) fn data(&self) -> &[u8] {
        &self.data
    }

    pub(crate) fn stretch(&self, index: usize) -> Stretch {
        self.stretches[index]
    }

    /// Returns the byte of the file that holds a byte of the buffer.
    pub(crate) fn offset(&self, encoded: &[u8], index: usize, at: usize) -> usize {
        let Stretch { start, end, mut source } = self.stretches[index];
        for _ in start..at.min(end) {
            match encoded[source..] {
                [0xff, 0, ..] => source += 2,
                [0xff, 0xff, ..] => {
                    let fill = encoded[source..].iter().take_while(|&&byte| byte == 0xff).count();
                    source += fill + 1;
                }
                _ => source += 1,
            }
        }
        source
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::scalar;
    use proptest::prelude::*;

    fn read(encoded: &[u8], n_stretches: usize) -> Result<Scan, Error> {
        let mut scan = Scan::default();
        scan.read(encoded, 0, n_stretches, scalar::copy_clean)?;
        Ok(scan)
    }

    fn bytes(scan: &Scan, index: usize) -> &[u8] {
        &scan.data[scan.stretches[index].start..scan.stretches[index].end]
    }

    proptest! {
        #[test]
        fn stuffing_is_undone(
            plain in prop::collection::vec(
                prop_oneof![3 => any::<u8>(), 1 => Just(0xff_u8)], 0..300,
            ),
            cut in 0..300_usize,
        ) {
            let stuffed = |plain: &[u8]| -> Vec<u8> {
                plain.iter().flat_map(|&b| [b, 0].into_iter().take(1 + usize::from(b == 255))).collect()
            };
            let (first, second) = plain.split_at(cut.min(plain.len()));
            let encoded = [&stuffed(first)[..], &[255, 255, 0xd0], &stuffed(second), &[255, 0xd9]].concat();
            let scan = read(&encoded, 2).unwrap();
            prop_assert_eq!(bytes(&scan, 0), first);
            prop_assert_eq!(bytes(&scan, 1), second);
            for (index, part) in [first, second].into_iter().enumerate() {
                for (i, byte) in part.iter().enumerate() {
                    let at = scan.stretches[index].start + i;
                    prop_assert_eq!(encoded[scan.offset(&encoded, index, at)], *byte);
                }
            }
        }
    }

    #[test]
    fn markers_out_of_turn_and_missing_ones_are_told() {
        let error = Error::RestartMarker { expected: 1, found: 2, offset: 6 };
        let encoded = [1, 255, 0xd0, 2, 255, 0, 255, 0xd2, 3];
        assert!(matches!(read(&encoded, 3), Err(found) if found == error));
        let encoded = [1, 255, 0xd0, 2, 255, 0xd9];
        assert!(matches!(read(&encoded, 3), Err(Error::Truncated { offset: 4 })));
        assert!(matches!(read(&encoded[..4], 3), Err(Error::Truncated { offset: 4 })));
        assert!(read(&encoded, 2).is_ok());
    }
}
