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
    let mut reader = Reader { encoded, at: 2, components: None };
    while let Some(marker) = reader.marker() {
        let begin = reader.at - 1;
        let damaged = |what| Error::Header { what, offset: begin };
        match marker {
            // The end of the image, whatever follows.
            0xd9 => break,
            0xd8 => return Err(damaged("a second start of an image")),
            0x01 | 0xd0..=0xd7 => {}
            0xc4 | 0xcc | 0xdb | 0xdd | 0xdc | 0xe0..=0xef | 0xfe | 0xda | 0xc0..=0xcf => {
                let Some(body) = reader.body() else { break };
                reader.check(marker, body).map_err(damaged)?;
            }
            _ => return Err(damaged("a marker that is not defined")),
        }
        if marker == 0xda {
            if reader.components == Some(reader.encoded[begin + 3]) {
                // Of one scan that holds everything, nothing behind it reaches a pixel.
                break;
            }
            reader.skip_data();
        }
    }
    Ok(())
}

struct Reader<'d> {
    encoded: &'d [u8],
    at: usize,
    /// Of the frame, if that is not progressive.
    components: Option<u8>,
}

impl<'d> Reader<'d> {
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
            0xda => scan(body),
            0xc5..=0xc7 | 0xc8 | 0xcd..=0xcf => Err("a coding that is not supported"),
            0xc0..=0xcf => self.frame(marker, body),
            _ => Ok(()),
        }
    }

    fn frame(&mut self, marker: u8, body: &[u8]) -> Result<(), &'static str> {
        let &[_, h1, h0, w1, w0, n, ref components @ ..] = body else {
            return Err("a frame of a few bytes");
        };
        if self.components.is_some() {
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
        let is_progressive = matches!(marker, 0xc2 | 0xca);
        // No scan has as many components, so that every one of a progressive picture is followed.
        self.components = Some(if is_progressive { u8::MAX } else { n });
        Ok(())
    }
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

fn scan(body: &[u8]) -> Result<(), &'static str> {
    match body.split_first() {
        Some((&n @ 1..=4, rest)) if rest.len() == 2 * usize::from(n) + 3 => Ok(()),
        _ => Err("a scan of another length than its components'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOI: &[u8] = &[0xff, 0xd8];
    const FRAME: &[u8] = &[0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0];
    const SCAN: &[u8] = &[0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0];
    const EOI: &[u8] = &[0xff, 0xd9];

    fn checked(segments: &[&[u8]]) -> Result<(), String> {
        let encoded = [&[SOI], segments].concat().concat();
        check_markers(&encoded).map_err(|error| error.to_string())
    }

    #[test]
    fn what_libjpeg_gives_up_on_is_told_with_its_place() {
        let progressive: &[u8] = &[0xff, 0xc2, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0];
        let cases: [(&[&[u8]], &str); 17] = [
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
            (&[progressive, SCAN, &[1, 2, 3], &[0xff, 0x44, 0, 2]], "a marker that is not"),
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
            // Behind the only scan nothing reaches a pixel.
            &[FRAME, SCAN, &[1, 2, 3], &[0xff, 0x44]],
            &[progressive, SCAN, &[1, 0xff, 0, 0xff, 0xd0, 2, 0xff, 0xff, 0xd1], SCAN, EOI],
            &[progressive, SCAN, EOI, &[0xff, 0x44]],
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
