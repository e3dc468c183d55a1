//! The segments of any JPEG, as strict as libjpeg-turbo's `jdmarker.c`.
//!
//! What that file gives up on with `ERREXIT`, a decoder that skips it makes a picture of, where
//! OpenCV and Pillow have none: a marker that nobody defines, a segment of another length than its
//! contents, a frame that comes twice. What it warns of (`WARNMS`) passes here too.

use crate::error::Error;

/// Walks from the first segment to the end of the image, or of the data, and says what libjpeg
/// would not pass; data that ends early is for the decoder to tell.
///
/// # Errors
///
/// [`Error::Header`] with the place.
pub fn check_markers(encoded: &[u8]) -> Result<(), Error> {
    let mut reader = Reader { encoded, at: 2, frame: None, is_complete: false };
    reader.walk().map_err(|(what, offset)| Error::Header { what, offset })
}

/// Walks on behind the samples of a picture that has one scan, from `at` to the end of the image.
///
/// # Errors
///
/// [`Error::Tail`] with the place.
pub(crate) fn check_tail(encoded: &[u8], at: usize) -> Result<(), Error> {
    let frame = Some(Frame { components: 0, is_progressive: false });
    let mut reader = Reader { encoded, at, frame, is_complete: true };
    reader.walk().map_err(|(what, offset)| Error::Tail { what, offset })
}

struct Reader<'d> {
    encoded: &'d [u8],
    at: usize,
    frame: Option<Frame>,
    /// Whether there was a scan that holds everything.
    is_complete: bool,
}

#[derive(Clone, Copy)]
struct Frame {
    components: u8,
    is_progressive: bool,
}

impl<'d> Reader<'d> {
    /// From here to the end; else what is wrong, and where.
    fn walk(&mut self) -> Result<(), (&'static str, usize)> {
        while let Some(marker) = self.marker() {
            let begin = self.at - 1;
            match marker {
                // The end of the image, whatever follows.
                0xd9 => break,
                0xd8 => return Err(("a second start of an image", begin)),
                0x01 | 0xd0..=0xd7 => {}
                0xc0..=0xcf | 0xda..=0xdd | 0xe0..=0xef | 0xfe => {
                    let Some(body) = self.body() else { break };
                    self.check(marker, body).map_err(|what| (what, begin))?;
                }
                _ => return Err(("a marker that is not defined", begin)),
            }
            if marker == 0xda {
                self.skip_data();
            }
        }
        Ok(())
    }

    /// The next marker, as `next_marker` finds it: bytes before it and stuffed zeros are passed over.
    fn marker(&mut self) -> Option<u8> {
        loop {
            let rest = self.encoded.get(self.at..)?;
            self.at += rest.iter().position(|&byte| byte == 0xff)?;
            let rest = &self.encoded[self.at..];
            let fill = rest.iter().take_while(|&&byte| byte == 0xff).count();
            let &marker = rest.get(fill)?;
            self.at += fill + 1;
            if marker != 0 {
                return Some(marker);
            }
        }
    }

    /// The body of the segment; `None` where the data ends first.
    ///
    /// A length below that of the length itself is taken for an empty body.
    fn body(&mut self) -> Option<&'d [u8]> {
        let rest = &self.encoded[self.at..];
        let (&[high, low], rest) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([high, low])).saturating_sub(2);
        let body = rest.get(..length)?;
        self.at += 2 + length;
        Some(body)
    }

    /// Past the entropy-coded data, to the next marker that is no restart.
    fn skip_data(&mut self) {
        while let Some(next) = self.encoded[self.at..].iter().position(|&byte| byte == 0xff) {
            self.at += next;
            match self.encoded[self.at..] {
                [_, 0x00 | 0xd0..=0xd7, ..] => self.at += 2,
                [_, 0xff, ..] => self.at += 1,
                _ => return,
            }
        }
        self.at = self.encoded.len();
    }

    fn check(&mut self, marker: u8, body: &[u8]) -> Result<(), &'static str> {
        match marker {
            0xc4 => huffman(body),
            0xcc => conditioning(body),
            0xdb => quantization(body),
            0xdd if body.len() != 2 => Err("a restart interval of another length"),
            0xda => self.scan(body),
            0xc5..=0xc7 | 0xc8 | 0xcd..=0xcf => Err("a coding that is not supported"),
            0xc0..=0xcf => self.frame(marker, body),
            _ => Ok(()),
        }
    }

    fn frame(&mut self, marker: u8, body: &[u8]) -> Result<(), &'static str> {
        let &[_, h1, h0, w1, w0, n, ref components @ ..] = body else {
            return Err("a frame of a few bytes");
        };
        if self.frame.is_some() {
            return Err("a second frame");
        }
        if [h1, h0] == [0, 0] || [w1, w0] == [0, 0] {
            return Err("a frame whose width or height is 0");
        }
        if n == 0 {
            return Err("a frame of no components");
        }
        if components.len() != 3 * usize::from(n) {
            return Err("a frame of another length than its components'");
        }
        self.frame = Some(Frame { components: n, is_progressive: matches!(marker, 0xc2 | 0xca) });
        Ok(())
    }

    fn scan(&mut self, body: &[u8]) -> Result<(), &'static str> {
        let &[n @ 1..=4, ref components @ .., first, last, bits] = body else {
            return Err("a scan of another length than its components'");
        };
        if components.len() != 2 * usize::from(n) {
            return Err("a scan of another length than its components'");
        }
        if self.is_complete {
            return Err("a second scan of everything");
        }
        match self.frame {
            Some(frame) if frame.is_progressive => progression(n, first, last, bits),
            Some(frame) => {
                self.is_complete = frame.components == n;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// What `start_pass_phuff_decoder` asks of a scan of a progressive picture.
fn progression(n: u8, first: u8, last: u8, bits: u8) -> Result<(), &'static str> {
    let (high, low) = (bits >> 4, bits & 15);
    let is_band = if first == 0 { last == 0 } else { first <= last && last < 64 && n == 1 };
    if is_band && (high == 0 || low + 1 == high) && low <= 13 {
        return Ok(());
    }
    Err("an impossible progression")
}

fn huffman(mut body: &[u8]) -> Result<(), &'static str> {
    while let Some((&kind, rest)) = body.split_first() {
        let counts = rest.get(..16).ok_or("a Huffman code cut short")?;
        let n_symbols: usize = counts.iter().map(|&count| usize::from(count)).sum();
        body = rest.get(16 + n_symbols..).ok_or("a Huffman code cut short")?;
        if n_symbols > 256 {
            return Err("a Huffman code of too many symbols");
        }
        if kind & !0x13 != 0 {
            return Err("an impossible Huffman table");
        }
    }
    Ok(())
}

fn conditioning(body: &[u8]) -> Result<(), &'static str> {
    let (pairs, rest) = body.as_chunks::<2>();
    if !rest.is_empty() {
        return Err("an arithmetic conditioning of another length");
    }
    for &[table, value] in pairs {
        match table {
            0x00..=0x0f if value & 15 > value >> 4 => {
                return Err("an impossible arithmetic conditioning");
            }
            0x00..=0x1f => {}
            _ => return Err("an impossible arithmetic table"),
        }
    }
    Ok(())
}

fn quantization(mut body: &[u8]) -> Result<(), &'static str> {
    while let Some((&kind, rest)) = body.split_first() {
        if kind & 15 > 3 {
            return Err("an impossible table of quantization");
        }
        let n_bytes = if kind >> 4 == 0 { 64 } else { 128 };
        body = rest.get(n_bytes..).ok_or("a table of quantization that ends early")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOI: &[u8] = &[0xff, 0xd8];
    const FRAME: &[u8] = &[0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0];
    const SCAN: &[u8] = &[0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0];
    const DC_SCAN: &[u8] = &[0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0];
    const EOI: &[u8] = &[0xff, 0xd9];

    fn checked(segments: &[&[u8]]) -> Result<(), String> {
        let encoded = [&[SOI], segments].concat().concat();
        check_markers(&encoded).map_err(|error| error.to_string())
    }

    #[test]
    fn what_libjpeg_gives_up_on_is_told_with_its_place() {
        let progressive: &[u8] = &[0xff, 0xc2, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0];
        let cases: [(&[&[u8]], &str); 21] = [
            (&[&[0xff, 0x44, 0, 4, 1, 2], FRAME, SCAN], "a marker that is not defined at byte 3"),
            (&[&[0xff, 0xf0, 0, 2], FRAME], "a marker that is not defined at byte 3"),
            (&[SOI], "a second start of an image at byte 3"),
            (&[FRAME, FRAME], "a second frame at byte 16"),
            (
                &[&[0xff, 0xc0, 0, 16, 8, 0, 8, 0, 8, 1, 1, 0x11, 0, 0, 0, 0, 0, 0]],
                "components' at",
            ),
            (
                &[&[0xff, 0xc0, 0, 11, 8, 0, 0, 0, 8, 1, 1, 0x11, 0]],
                "a frame whose width or height is 0",
            ),
            (&[&[0xff, 0xc5, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0]], "a coding that is not"),
            (&[FRAME, &[0xff, 0xda, 0, 9, 1, 1, 0, 0, 63, 0, 0]], "a scan of another length"),
            (&[&[0xff, 0xdd, 0, 5, 0, 1, 0]], "a restart interval of another length"),
            (&[&[0xff, 0xc4, 0, 4, 0, 0]], "a Huffman code cut short"),
            (
                &[&[&[0xff, 0xc4, 0, 19, 0x20][..], &[0; 16]].concat()],
                "an impossible Huffman table",
            ),
            (&[&[0xff, 0xdb, 0, 5, 0, 0, 0]], "a table of quantization that ends early"),
            (&[&[&[0xff, 0xdb, 0, 67, 4][..], &[1; 64]].concat()], "an impossible table of"),
            (&[&[0xff, 0xcc, 0, 5, 0, 1, 0]], "an arithmetic conditioning of another length"),
            (&[&[0xff, 0xcc, 0, 4, 0x20, 1]], "an impossible arithmetic table"),
            (&[&[0xff, 0xcc, 0, 4, 0, 0x01]], "an impossible arithmetic conditioning"),
            (&[progressive, DC_SCAN, &[1, 2, 3], &[0xff, 0x44, 0, 2]], "a marker that is not"),
            (&[progressive, SCAN], "an impossible progression"),
            (
                &[progressive, &[0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0x31]],
                "an impossible progression",
            ),
            (&[FRAME, SCAN, &[1, 2, 3], &[0xff, 0x44]], "a marker that is not defined"),
            (&[FRAME, SCAN, &[1, 2, 3], SCAN], "a second scan of everything"),
        ];
        for (segments, words) in cases {
            let error = checked(segments).expect_err(words);
            assert!(error.contains(words), "{error}, not {words}");
        }
    }

    #[test]
    fn what_libjpeg_passes_passes() {
        let progressive: &[u8] = &[0xff, 0xc2, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0];
        let cases: [&[&[u8]]; 8] = [
            &[FRAME, SCAN, EOI],
            &[&[0xff, 0xff, 0xff, 0xe0, 0, 2], FRAME, SCAN],
            &[&[1, 2, 0xff, 0], FRAME, SCAN],
            &[&[0xff, 0xe1, 0, 0], FRAME, SCAN],
            &[&[0xff, 0xd3, 0xff, 0x01], FRAME, SCAN],
            &[FRAME, SCAN, &[1, 2, 3], EOI, &[0xff, 0x44]],
            &[progressive, DC_SCAN, &[1, 0xff, 0, 0xff, 0xd0, 2, 0xff, 0xff, 0xd1], DC_SCAN, EOI],
            &[progressive, DC_SCAN, EOI, &[0xff, 0x44]],
        ];
        for segments in cases {
            assert_eq!(checked(segments), Ok(()), "{segments:?}");
        }
    }

    #[test]
    fn data_that_ends_anywhere_is_not_judged() {
        let whole = [SOI, FRAME, SCAN, &[1, 2, 3], EOI].concat();
        for len in 0..whole.len() {
            assert_eq!(check_markers(&whole[..len]), Ok(()), "{len}");
        }
    }
}
