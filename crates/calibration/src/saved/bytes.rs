//! Numbers and texts in bytes, and a reader that never goes beyond the last.

use super::StatisticsError;

/// Appends a number in groups of seven bits, the lowest first; all but the last have the eighth bit set (LEB128).
pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = number.to_le_bytes()[0] & 0x7f;
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Appends bytes behind their number.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend(bytes);
}

/// Takes bytes apart from the front.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self::at(bytes, 0)
    }

    pub(super) fn at(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    /// What is wrong at the byte that comes next.
    pub(super) fn wrong(&self, what: &'static str) -> StatisticsError {
        StatisticsError::Malformed { at: self.at, what }
    }

    pub(super) fn take(&mut self, n_bytes: usize) -> Result<&'a [u8], StatisticsError> {
        let end = self.at.checked_add(n_bytes);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.wrong("it ends too early"))?;
        self.at += n_bytes;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], StatisticsError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// A number as [`put_number`] writes it, and in no longer way.
    pub(super) fn number(&mut self) -> Result<u64, StatisticsError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let low = u64::from(byte & 0x7f);
            let (is_last, shifted) = (byte < 0x80, low << shift);
            if shifted >> shift != low || (is_last && low == 0 && shift > 0) {
                return Err(self.wrong("a number is too large, or longer than need be"));
            }
            number |= shifted;
            if is_last {
                return Ok(number);
            }
        }
        Err(self.wrong("a number is too large"))
    }

    /// A number of things that take a byte each, or more.
    pub(super) fn length(&mut self) -> Result<usize, StatisticsError> {
        let length = self.number()?;
        let fits = usize::try_from(length).ok().filter(|length| *length <= self.left());
        fits.ok_or_else(|| self.wrong("it ends too early"))
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], StatisticsError> {
        let n_bytes = self.length()?;
        self.take(n_bytes)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, StatisticsError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| self.wrong("a name is not UTF-8"))
    }

    pub(super) fn float(&mut self) -> Result<f32, StatisticsError> {
        Ok(f32::from_le_bytes(self.array()?))
    }

    /// Makes sure that nothing is left.
    pub(super) fn end(&self) -> Result<(), StatisticsError> {
        if self.left() == 0 { Ok(()) } else { Err(self.wrong("something follows the last tensor")) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back_and_have_one_spelling(number: u64, shift in 0u32..64) {
            let number = number >> shift;
            let mut bytes = Vec::new();
            put_number(&mut bytes, number);
            prop_assert_eq!(Reader::new(&bytes).number().unwrap(), number);
            *bytes.last_mut().unwrap() |= 0x80;
            bytes.push(0);
            prop_assert!(Reader::new(&bytes).number().is_err());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            if let Ok(number) = reader.number() {
                let mut again = Vec::new();
                put_number(&mut again, number);
                prop_assert_eq!(&again[..], &bytes[..reader.position()]);
            }
            prop_assert!(Reader::new(&bytes).text().is_ok_and(|text| text.len() < bytes.len()) || Reader::new(&bytes).text().is_err());
        }
    }
}
