//! The dictionary in an npy header: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
//!
//! It is a Python literal, of which only what NumPy itself writes for plain arrays is understood,
//! old spellings included.

use crate::npy::Header;
use crate::{LayoutError, NpyError};

/// Reads the dictionary, padding and line feed behind it included.
pub(crate) fn parse(text: &[u8]) -> Result<Header<'_>, NpyError> {
    let mut cursor = Cursor { text, at: 0 };
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    cursor.expect(b'{', "`{`")?;
    while !cursor.eat(b'}') {
        let offset = cursor.at;
        let key = cursor.string()?;
        cursor.expect(b':', "`:`")?;
        match key {
            "descr" => descr = Some(cursor.descr()?),
            "fortran_order" => fortran_order = Some(cursor.boolean()?),
            "shape" => shape = Some(cursor.shape()?),
            _ => return Err(header(offset, "`descr`, `fortran_order` or `shape`")),
        }
        if !cursor.eat(b',') && cursor.peek() != Some(b'}') {
            return Err(cursor.expected("`,` or `}`"));
        }
    }
    if cursor.peek().is_some() {
        return Err(cursor.expected("nothing but blanks after `}`"));
    }
    match (descr, fortran_order, shape) {
        (Some(descr), Some(fortran_order), Some(shape)) => {
            Ok(Header { descr, fortran_order, shape })
        }
        _ => Err(cursor.expected("all of `descr`, `fortran_order` and `shape`")),
    }
}

struct Cursor<'text> {
    text: &'text [u8],
    at: usize,
}

impl<'text> Cursor<'text> {
    /// The next byte that is no blank, which is skipped to.
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.text[self.at..];
        self.at += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), NpyError> {
        if self.eat(byte) { Ok(()) } else { Err(self.expected(expected)) }
    }

    fn expected(&self, expected: &'static str) -> NpyError {
        header(self.at, expected)
    }

    /// A quoted text without escapes, which no key and no plain type needs.
    fn string(&mut self) -> Result<&'text str, NpyError> {
        let quote = match self.peek() {
            Some(quote @ (b'\'' | b'"')) => quote,
            _ => return Err(self.expected("a quoted text")),
        };
        let rest = &self.text[self.at + 1..];
        let length = rest.iter().position(|&byte| byte == quote || byte == b'\\');
        match length.map(|length| (&rest[..length], rest[length])) {
            Some((text, end)) if end == quote => {
                let text = str::from_utf8(text).map_err(|_| self.expected("a text in UTF-8"))?;
                self.at += text.len() + 2;
                Ok(text)
            }
            _ => Err(self.expected("a quoted text without escapes")),
        }
    }

    /// The type: a text, or a list of fields, which is refused in its own words.
    fn descr(&mut self) -> Result<&'text str, NpyError> {
        if matches!(self.peek(), Some(b'[' | b'(')) {
            let rest = String::from_utf8_lossy(&self.text[self.at..]);
            let fields = rest.split_inclusive(']').next().unwrap_or_default();
            return Err(LayoutError::Type { descr: fields.chars().take(80).collect() }.into());
        }
        self.string()
    }

    fn boolean(&mut self) -> Result<bool, NpyError> {
        self.peek();
        for (word, value) in [("False", false), ("True", true)] {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.expected("`True` or `False`"))
    }

    /// A tuple of lengths. Python 2 wrote some with an `L` behind.
    fn shape(&mut self) -> Result<Vec<usize>, NpyError> {
        let mut shape = Vec::new();
        self.expect(b'(', "`(`")?;
        while !self.eat(b')') {
            shape.push(self.length()?);
            self.eat(b'L');
            if !self.eat(b',') && self.peek() != Some(b')') {
                return Err(self.expected("`,` or `)`"));
            }
        }
        Ok(shape)
    }

    fn length(&mut self) -> Result<usize, NpyError> {
        self.peek();
        let rest = &self.text[self.at..];
        let n_digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let digits = str::from_utf8(&rest[..n_digits]).ok();
        let length = digits.and_then(|it| it.parse().ok());
        let length = length.ok_or_else(|| self.expected("a length that fits in memory"))?;
        self.at += n_digits;
        Ok(length)
    }
}

fn header(offset: usize, expected: &'static str) -> NpyError {
    NpyError::Header { offset, expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_numpy_writes() {
        let cases: [(&str, &str, bool, &[usize]); 6] = [
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }  \n",
                "<f4",
                false,
                &[3, 4],
            ),
            ("{'descr': '|u1', 'fortran_order': True, 'shape': (7,), }", "|u1", true, &[7]),
            ("{'descr': '<i8', 'fortran_order': False, 'shape': (), }\n", "<i8", false, &[]),
            (
                "{'shape': (10L, 2L), 'fortran_order': False, 'descr': '>f8'}",
                ">f8",
                false,
                &[10, 2],
            ),
            (
                "{ \"descr\" : \"<f2\" , \"fortran_order\" : False , \"shape\" : ( 1 , ) }",
                "<f2",
                false,
                &[1],
            ),
            ("{'descr':'<c8','fortran_order':False,'shape':(1,2,3)}", "<c8", false, &[1, 2, 3]),
        ];
        for (text, descr, fortran_order, shape) in cases {
            let expected = Header { descr, fortran_order, shape: shape.to_vec() };
            assert_eq!(parse(text.as_bytes()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_it_does_not() {
        let cases: [(&str, usize, &str); 14] = [
            ("", 0, "`{`"),
            ("{", 1, "a quoted text"),
            ("{}", 2, "all of `descr`, `fortran_order` and `shape`"),
            ("{'descr': '<f4'}", 16, "all of `descr`, `fortran_order` and `shape`"),
            ("{'descr' '<f4'}", 9, "`:`"),
            ("{'descr': 4}", 10, "a quoted text"),
            ("{'descr': '<f4", 10, "a quoted text without escapes"),
            ("{'descr': '\\x3cf4'}", 10, "a quoted text without escapes"),
            ("{'fortran_order': 0}", 18, "`True` or `False`"),
            ("{'shape': [1]}", 10, "`(`"),
            ("{'shape': (-1,)}", 11, "a length that fits in memory"),
            ("{'shape': (99999999999999999999,)}", 11, "a length that fits in memory"),
            ("{'shape': (1 2)}", 13, "`,` or `)`"),
            ("{'more': 1}", 1, "`descr`, `fortran_order` or `shape`"),
        ];
        for (text, offset, expected) in cases {
            assert_eq!(parse(text.as_bytes()), Err(header(offset, expected)), "{text}");
        }
        let structured = b"{'descr': [('a', '<f4'), ('b', '<i4')], 'shape': (1,)}";
        let descr = "[('a', '<f4'), ('b', '<i4')]".to_owned();
        assert_eq!(parse(structured), Err(LayoutError::Type { descr }.into()));
    }
}
