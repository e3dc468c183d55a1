//! The segments before the entropy-coded data.
//!
//! Whatever is not of the common kind is refused here, before any pixel; a general decoder judges
//! those files. The rules for colour are those of `default_decompress_parms` in libjpeg's
//! `jdapimin.c`.

use crate::entropy::NATURAL;
use crate::error::Error;
use crate::exif;
use crate::huffman::{self, Class, Spelling};

/// How the samples of a picture tell its colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Coding {
    /// One component of luma.
    Gray,
    /// Luma and two differences.
    YCbCr,
    /// Red, green and blue.
    Rgb,
}

/// What the header of a picture says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// Width in pixels, at least 1.
    pub width: u32,
    /// Height in pixels, at least 1.
    pub height: u32,
    /// How the samples tell colours.
    pub coding: Coding,
    /// Pixels across and down that share one sample of the two differences: 1 or 2 each.
    pub subsampling: (u8, u8),
    /// The EXIF orientation, 1 to 8; 1 where the file tells none.
    pub orientation: u8,
}

/// One component of the scan.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Component {
    id: u8,
    sampling: (u8, u8),
    pub(crate) quantization: usize,
    pub(crate) dc: usize,
    pub(crate) ac: usize,
}

/// Everything before the entropy-coded data.
#[derive(Debug)]
pub(crate) struct Segments<'d> {
    pub(crate) header: Header,
    pub(crate) components: [Component; 3],
    pub(crate) n_components: usize,
    /// Steps of quantization, row by row.
    pub(crate) quantization: [Option<[u16; 64]>; 4],
    pub(crate) dc: [Option<Spelling<'d>>; 4],
    pub(crate) ac: [Option<Spelling<'d>>; 4],
    /// MCUs between restart markers, 0 for none.
    pub(crate) restart_interval: usize,
    /// The first byte of the entropy-coded data.
    pub(crate) scan: usize,
}

/// Reads the segments up to the first scan.
pub(crate) fn read(encoded: &[u8]) -> Result<Segments<'_>, Error> {
    if encoded.get(..2) != Some(&[0xff, 0xd8]) {
        return Err(Error::Header { what: "no start of an image", offset: 0 });
    }
    let mut reader = Reader::new(encoded);
    loop {
        let (marker, body) = reader.segment()?;
        match marker {
            0xc0 | 0xc1 => reader.frame(body)?,
            0xc4 => reader.huffman(body)?,
            0xdb => reader.quantization(body)?,
            0xdd => reader.restarts(body)?,
            0xda => return reader.scan(body),
            0xe0 if body.len() >= 14 && body.starts_with(b"JFIF\0") => reader.jfif = true,
            0xe1 if exif::is_exif(body) && !reader.exif => {
                reader.exif = true;
                reader.orientation = exif::orientation(body).unwrap_or(1);
            }
            0xee if body.len() >= 12 && body.starts_with(b"Adobe") => {
                reader.adobe_transform = Some(body[11]);
            }
            0xe0..=0xef | 0xfe => {}
            0xc2 | 0xc6 | 0xca | 0xce => return Err(reader.unsupported("several passes")),
            0xc3..=0xcf => return Err(reader.unsupported("another coding than baseline")),
            _ => return Err(reader.unsupported("unusual segments")),
        }
    }
}

struct Reader<'d> {
    encoded: &'d [u8],
    /// The next segment.
    at: usize,
    /// The body of the segment that is being read.
    body_at: usize,
    jfif: bool,
    exif: bool,
    adobe_transform: Option<u8>,
    orientation: u8,
    size: Option<(u32, u32)>,
    components: [Component; 3],
    n_components: usize,
    quantization: [Option<[u16; 64]>; 4],
    dc: [Option<Spelling<'d>>; 4],
    ac: [Option<Spelling<'d>>; 4],
    restart_interval: usize,
}

impl<'d> Reader<'d> {
    fn new(encoded: &'d [u8]) -> Self {
        Self {
            encoded,
            at: 2,
            body_at: 2,
            jfif: false,
            exif: false,
            adobe_transform: None,
            orientation: 1,
            size: None,
            components: [Component::default(); 3],
            n_components: 0,
            quantization: [None; 4],
            dc: [None; 4],
            ac: [None; 4],
            restart_interval: 0,
        }
    }

    fn unsupported(&self, what: &'static str) -> Error {
        Error::Unsupported { what, offset: self.body_at }
    }

    fn damaged(&self, what: &'static str) -> Error {
        Error::Header { what, offset: self.body_at }
    }

    /// Returns the next marker and the body of its segment.
    fn segment(&mut self) -> Result<(u8, &'d [u8]), Error> {
        self.body_at = self.at;
        let end = || Error::Header { what: "end of data", offset: self.encoded.len() };
        let rest = &self.encoded[self.at..];
        let fill = rest.iter().take_while(|&&byte| byte == 0xff).count();
        let &[marker, high, low, ref rest @ ..] = rest.get(fill..).ok_or_else(end)? else {
            return Err(end());
        };
        if fill == 0 || marker == 0 {
            return Err(self.damaged("bytes that belong to no segment"));
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        let length = length.checked_sub(2).ok_or_else(|| self.damaged("an impossible length"))?;
        let body = rest.get(..length).ok_or_else(end)?;
        self.body_at = self.at + fill + 3;
        self.at = self.body_at + length;
        Ok((marker, body))
    }

    fn frame(&mut self, body: &[u8]) -> Result<(), Error> {
        let &[precision, h1, h0, w1, w0, n, ref components @ ..] = body else {
            return Err(self.damaged("a frame of a few bytes"));
        };
        if self.size.is_some() {
            return Err(self.damaged("two frames"));
        }
        if precision != 8 {
            return Err(self.unsupported("samples of other than 8 bits"));
        }
        let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        if width == 0 || height == 0 {
            return Err(self.unsupported("a width or height of 0"));
        }
        let n = usize::from(n);
        if n != 1 && n != 3 {
            return Err(self.unsupported("other than 1 or 3 components"));
        }
        if components.len() != 3 * n {
            return Err(self.damaged("a frame of another length than its components'"));
        }
        for (component, &[id, sampling, table]) in
            self.components.iter_mut().zip(components.as_chunks().0)
        {
            *component = Component {
                id,
                sampling: (sampling >> 4, sampling & 15),
                quantization: usize::from(table),
                ..Component::default()
            };
        }
        self.n_components = n;
        self.size = Some((u32::from(width), u32::from(height)));
        Ok(())
    }

    fn quantization(&mut self, mut body: &[u8]) -> Result<(), Error> {
        while let Some((&kind, rest)) = body.split_first() {
            let (bytes, table) = (1 + usize::from(kind >> 4), usize::from(kind & 15));
            if bytes > 2 || table > 3 {
                return Err(self.damaged("an impossible table of quantization"));
            }
            let Some((steps, rest)) = rest.split_at_checked(64 * bytes) else {
                return Err(self.damaged("a table of quantization that ends early"));
            };
            let mut natural = [0; 64];
            for (step, &place) in steps.chunks_exact(bytes).zip(&NATURAL) {
                natural[usize::from(place)] =
                    step.iter().fold(0, |value, &byte| value << 8 | u16::from(byte));
            }
            self.quantization[table] = Some(natural);
            body = rest;
        }
        Ok(())
    }

    fn huffman(&mut self, mut body: &'d [u8]) -> Result<(), Error> {
        while let Some((&kind, rest)) = body.split_first() {
            let counts = rest.get(..16).ok_or_else(|| self.damaged("a Huffman code cut short"))?;
            let n_symbols: usize = counts.iter().map(|&count| usize::from(count)).sum();
            let Some((spelling, rest)) =
                rest.split_at_checked(16 + n_symbols).filter(|_| n_symbols <= 256)
            else {
                return Err(self.damaged("a Huffman code cut short"));
            };
            let (class, tables) = match kind >> 4 {
                0 => (Class::Dc, &mut self.dc),
                _ => (Class::Ac, &mut self.ac),
            };
            if kind >> 4 > 1 || kind & 15 > 3 {
                return Err(self.damaged("an impossible Huffman table"));
            }
            tables[usize::from(kind & 3)] = Some(spelling);
            if let Some(what) = huffman::check(class, spelling) {
                return Err(self.damaged(what));
            }
            body = rest;
        }
        Ok(())
    }

    fn restarts(&mut self, body: &[u8]) -> Result<(), Error> {
        let &[high, low] = body else {
            return Err(self.damaged("an impossible restart interval"));
        };
        self.restart_interval = usize::from(u16::from_be_bytes([high, low]));
        Ok(())
    }

    fn scan(mut self, body: &[u8]) -> Result<Segments<'d>, Error> {
        let (width, height) = self.size.ok_or_else(|| self.damaged("a scan before its frame"))?;
        let n = self.n_components;
        let Some((&count, components)) = body.split_first() else {
            return Err(self.damaged("a scan of no bytes"));
        };
        if usize::from(count) != n {
            return Err(self.unsupported("several scans"));
        }
        if components.len() != 2 * n + 3 || components[2 * n..] != [0, 63, 0] {
            return Err(self.unsupported("a scan of part of the coefficients"));
        }
        let selectors = components.as_chunks::<2>().0;
        for (i, &[id, tables]) in selectors.iter().enumerate().take(n) {
            let repeated = self.components[..i].iter().any(|other| other.id == id);
            if id != self.components[i].id || repeated {
                return Err(self.unsupported("components in another order than in the frame"));
            }
            self.components[i].dc = usize::from(tables >> 4);
            self.components[i].ac = usize::from(tables & 15);
            self.tables_are_there(self.components[i])?;
        }
        let header = Header {
            width,
            height,
            coding: self.coding()?,
            subsampling: self.subsampling()?,
            orientation: self.orientation,
        };
        if header.coding == Coding::Rgb && header.subsampling != (1, 1) {
            return Err(self.unsupported("subsampled red, green or blue"));
        }
        Ok(Segments {
            header,
            components: self.components,
            n_components: n,
            quantization: self.quantization,
            dc: self.dc,
            ac: self.ac,
            restart_interval: self.restart_interval,
            scan: self.at,
        })
    }

    fn tables_are_there(&self, component: Component) -> Result<(), Error> {
        let Component { quantization, dc, ac, .. } = component;
        let there = self.quantization.get(quantization).is_some_and(Option::is_some)
            && self.dc.get(dc).is_some_and(Option::is_some)
            && self.ac.get(ac).is_some_and(Option::is_some);
        if there { Ok(()) } else { Err(self.unsupported("tables that the file does not hold")) }
    }

    fn coding(&self) -> Result<Coding, Error> {
        if self.n_components == 1 {
            return Ok(Coding::Gray);
        }
        let ids = self.components.map(|component| component.id);
        match self.adobe_transform {
            _ if self.jfif => Ok(Coding::YCbCr),
            Some(0) => Ok(Coding::Rgb),
            Some(1) => Ok(Coding::YCbCr),
            Some(_) => Err(self.unsupported("an unknown transform of colours")),
            None if ids == *b"RGB" => Ok(Coding::Rgb),
            None => Ok(Coding::YCbCr),
        }
    }

    fn subsampling(&self) -> Result<(u8, u8), Error> {
        let [luma, blue, red] = self.components.map(|component| component.sampling);
        let (across, down) = luma;
        match self.n_components {
            // The only component lies in rows of blocks, whatever factors it has.
            1 if (1..=4).contains(&across) && (1..=4).contains(&down) => Ok((1, 1)),
            3 if (blue, red) == ((1, 1), (1, 1))
                && (1..=2).contains(&across)
                && (1..=2).contains(&down) =>
            {
                Ok(luma)
            }
            _ => Err(self.unsupported("unusual subsampling")),
        }
    }
}
