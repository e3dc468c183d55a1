//! The orientation tag of an EXIF block, the one thing in it that concerns pixels.

/// What precedes the TIFF structure in an APP1 segment.
const NAME: &[u8] = b"Exif\0\0";
const ORIENTATION: u16 = 0x0112;
const SHORT: u16 = 3;

/// Returns the orientation, 1 to 8, of an APP1 segment that holds EXIF.
pub(crate) fn orientation(segment: &[u8]) -> Option<u8> {
    Tiff::of(segment.strip_prefix(NAME)?)?.orientation()
}

/// Returns whether an APP1 segment holds EXIF at all; the first that does counts.
pub(crate) fn is_exif(segment: &[u8]) -> bool {
    segment.starts_with(NAME)
}

struct Tiff<'a> {
    data: &'a [u8],
    little_endian: bool,
}

impl<'a> Tiff<'a> {
    fn of(data: &'a [u8]) -> Option<Self> {
        let little_endian = match data.get(..2)? {
            b"II" => true,
            b"MM" => false,
            _ => return None,
        };
        let tiff = Self { data, little_endian };
        (tiff.u16(2)? == 42).then_some(tiff)
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.data.get(at..)?.first_chunk()?;
        Some(if self.little_endian {
            u16::from_le_bytes(*bytes)
        } else {
            u16::from_be_bytes(*bytes)
        })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.data.get(at..)?.first_chunk()?;
        Some(if self.little_endian {
            u32::from_le_bytes(*bytes)
        } else {
            u32::from_be_bytes(*bytes)
        })
    }

    fn orientation(&self) -> Option<u8> {
        let directory = usize::try_from(self.u32(4)?).ok()?;
        let entries = usize::from(self.u16(directory)?);
        let first = directory + 2;
        for entry in self.data.get(first..)?.chunks_exact(12).take(entries).enumerate() {
            let at = first + 12 * entry.0;
            if self.u16(at)? == ORIENTATION {
                let value = self.u16(at + 8).filter(|value| (1..=8).contains(value))?;
                return (self.u16(at + 2)? == SHORT).then(|| u8::try_from(value).ok())?;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(order: &[u8; 2], kind: u16, value: u16) -> Vec<u8> {
        let u16 = |v: u16| if order == b"II" { v.to_le_bytes() } else { v.to_be_bytes() };
        let u32 = |v: u32| if order == b"II" { v.to_le_bytes() } else { v.to_be_bytes() };
        let mut out = [NAME, order, &u16(42), &u32(8), &u16(2)].concat();
        out.extend([&u16(0x0100)[..], &u16(SHORT), &u32(1), &u16(9), &u16(0)].concat());
        out.extend([&u16(ORIENTATION)[..], &u16(kind), &u32(1), &u16(value), &u16(0)].concat());
        out
    }

    #[test]
    fn the_tag_is_found_in_both_byte_orders() {
        for order in [b"II", b"MM"] {
            for value in 1..=8 {
                let found = orientation(&block(order, SHORT, value));
                assert_eq!(found.map(u16::from), Some(value));
            }
        }
    }

    #[test]
    fn what_is_no_orientation_is_none() {
        let whole = block(b"II", SHORT, 6);
        for len in 0..whole.len() - 2 {
            assert_eq!(orientation(&whole[..len]), None, "cut to {len}");
        }
        assert_eq!(orientation(&block(b"MM", SHORT, 0)), None);
        assert_eq!(orientation(&block(b"MM", SHORT, 9)), None);
        assert_eq!(orientation(&block(b"MM", 4, 6)), None);
        assert!(is_exif(&whole) && !is_exif(b"http://ns.adobe.com/xap/1.0/"));
    }
}
