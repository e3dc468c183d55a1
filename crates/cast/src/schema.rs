//! What ONNX says about an operator's element types, looked up in the generated table.

use super::options::FloatType;
use super::schemas::ROWS;

/// An operator, the opset from which the row holds, its inputs and its outputs, and the types behind their letters.
///
/// One character an input or output: a letter for a type that the node chooses, the same letter for the same type; `f`
/// for float32 in every case; `-` for what is never a float. A `*` behind the last one says that it repeats, a `+` that
/// it repeats with any types. The types stand in the order in which letters first appear.
#[derive(Debug)]
pub(super) struct Row(
    pub(super) &'static str,
    pub(super) i64,
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) &'static str,
);

/// An operator in one opset.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema {
    row: &'static Row,
}

/// What may stand at an input or output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Formal {
    /// Never a float, or nothing that is known.
    Other,
    /// Float32 in every case.
    Float32,
    /// The type that the node has for this letter.
    Letter(u8),
}

impl Schema {
    /// Returns the schema of `op` in `opset`, `None` when ONNX has no such operator.
    pub(super) fn of(op: &str, opset: i64) -> Option<Self> {
        let after = ROWS.partition_point(|row| (row.0, row.1) <= (op, opset));
        let row = &ROWS[after.checked_sub(1)?];
        (row.0 == op).then_some(Self { row })
    }

    pub(super) fn input(self, index: usize) -> Formal {
        formal(self.row.2, index)
    }

    pub(super) fn output(self, index: usize) -> Formal {
        formal(self.row.3, index)
    }

    /// Whether the type behind `letter` may be `float`.
    pub(super) fn allows(self, letter: u8, float: FloatType) -> bool {
        let mark = match float {
            FloatType::Fp32 => 'f',
            FloatType::Fp16 => 'h',
            FloatType::Bf16 => 'b',
        };
        let place = usize::from(letter.wrapping_sub(b'T'));
        self.row.4.split(' ').nth(place).is_some_and(|types| types.contains(mark))
    }

    /// Whether all types of floats of the operator may be `float`.
    pub(super) fn allows_everywhere(self, float: FloatType) -> bool {
        let letters = self.row.2.bytes().chain(self.row.3.bytes()).filter(u8::is_ascii_uppercase);
        letters.into_iter().all(|letter| self.allows(letter, float))
    }
}

fn formal(formals: &str, index: usize) -> Formal {
    let (formals, repeats) = match formals.strip_suffix('*') {
        Some(formals) => (formals, true),
        None => (formals.trim_end_matches('+'), false),
    };
    let last = if repeats { formals.len().saturating_sub(1) } else { index };
    match formals.as_bytes().get(index.min(last)) {
        Some(b'f') => Formal::Float32,
        Some(&letter) if letter.is_ascii_uppercase() => Formal::Letter(letter),
        _ => Formal::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::schemas::DRAWN_FROM;
    use super::*;

    #[test]
    fn the_table_is_that_of_the_onnx_that_the_fixtures_are_checked_with() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/requirements.txt");
        let requirements = std::fs::read_to_string(path).unwrap();
        assert!(requirements.contains(&format!("\nonnx=={DRAWN_FROM}\n")), "{DRAWN_FROM}");
    }

    #[test]
    fn the_table_is_sorted_and_every_letter_has_its_types() {
        assert!(ROWS.is_sorted_by_key(|row| (row.0, row.1)));
        for row in ROWS {
            let letters = row.2.bytes().chain(row.3.bytes()).filter(u8::is_ascii_uppercase);
            for letter in letters {
                assert!(Schema { row }.allows(letter, FloatType::Fp32), "{row:?}");
            }
        }
    }

    #[test]
    fn what_is_known_of_some_operators() {
        let conv = Schema::of("Conv", 17).unwrap();
        assert_eq!((conv.input(2), conv.output(0)), (Formal::Letter(b'T'), Formal::Letter(b'T')));
        assert!(conv.allows(b'T', FloatType::Fp16) && !conv.allows(b'T', FloatType::Bf16));
        assert!(Schema::of("Conv", 22).unwrap().allows(b'T', FloatType::Bf16));
        let resize = Schema::of("Resize", 18).unwrap();
        assert_eq!((resize.input(2), resize.input(3)), (Formal::Float32, Formal::Other));
        assert!(!resize.allows_everywhere(FloatType::Bf16));
        let concat = Schema::of("Concat", 13).unwrap();
        assert_eq!(concat.input(40), Formal::Letter(b'T'));
        assert_eq!(Schema::of("Relu", 13).unwrap().input(1), Formal::Other);
        assert!(Schema::of("Conv", 10).is_none() && Schema::of("NoSuchOperator", 17).is_none());
    }
}
