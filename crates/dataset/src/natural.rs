//! The order of samples: as people number files, and the same on every platform.

use std::cmp::Ordering;

/// Compares two names with `/` between their parts so that `img2` comes before `img10`.
///
/// Names are compared part by part, so that a folder's files stay together. Within a part, runs of
/// the digits 0 to 9 compare by the number they write, however long, and all else byte by byte:
/// capitals before small letters, ASCII before all other letters. Names that are equal but for
/// leading zeros compare byte by byte (`01` before `1`). The order is total and knows no locale.
pub fn natural_order(left: &str, right: &str) -> Ordering {
    let mut lefts = left.split('/');
    let mut rights = right.split('/');
    loop {
        let order = match (lefts.next(), rights.next()) {
            (Some(left), Some(right)) => tokens(left).cmp(tokens(right)),
            (None, None) => return left.cmp(right),
            (left, right) => left.is_some().cmp(&right.is_some()),
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn tokens(part: &str) -> Tokens<'_> {
    Tokens(part.as_bytes())
}

/// What is left of a part, yielding numbers and single bytes.
struct Tokens<'name>(&'name [u8]);

/// Numbers come before or after other bytes as their digits do, so that the order of tokens is
/// total.
#[derive(PartialEq, Eq)]
enum Token<'name> {
    /// Digits without leading zeros; none for zero.
    Number(&'name [u8]),
    Byte(u8),
}

impl<'name> Iterator for Tokens<'name> {
    type Item = Token<'name>;

    fn next(&mut self) -> Option<Token<'name>> {
        let n_digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (head, rest) = self.0.split_at_checked(n_digits.max(1))?;
        self.0 = rest;
        if n_digits == 0 {
            return Some(Token::Byte(head[0]));
        }
        let n_zeros = head.iter().take_while(|&&byte| byte == b'0').count();
        Some(Token::Number(&head[n_zeros..]))
    }
}

impl Ord for Token<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => {
                left.len().cmp(&right.len()).then_with(|| left.cmp(right))
            }
            (Self::Byte(left), Self::Byte(right)) => left.cmp(right),
            // No byte token is a digit, so any digit will do.
            (Self::Number(_), Self::Byte(right)) => b'0'.cmp(right),
            (Self::Byte(left), Self::Number(_)) => left.cmp(&b'0'),
        }
    }
}

impl PartialOrd for Token<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_orders() {
        let sorted = [
            "0.jpg",
            "1.jpg",
            "02.jpg",
            "2.jpg",
            "10.jpg",
            "99999999999999999999998.jpg",
            "99999999999999999999999.jpg",
            "B.jpg",
            "a/b10.jpg",
            "a-1/b1.jpg",
            "a.jpg",
            "img",
            "img/2/z.jpg",
            "img/10/a.jpg",
            "img1.jpg",
            "img2a.jpg",
            "img2b.jpg",
            "img10.jpg",
            "img10b1.jpg",
            "img10b02.jpg",
            "x\u{e9}.jpg",
            "写真1.jpg",
            "写真2.jpg",
        ];
        let mut names = sorted;
        names.reverse();
        names.sort_by(|left, right| natural_order(left, right));
        assert_eq!(names, sorted);
    }

    proptest! {
        #[test]
        fn the_order_is_total(names in prop::collection::vec("[0-2a/ .\u{e9}]{0,6}", 3)) {
            let [a, b, c] = [&*names[0], &*names[1], &*names[2]];
            prop_assert_eq!(natural_order(a, b), natural_order(b, a).reverse());
            prop_assert_eq!(natural_order(a, b).is_eq(), a == b);
            if natural_order(a, b).is_le() && natural_order(b, c).is_le() {
                prop_assert!(natural_order(a, c).is_le());
            }
        }

        #[test]
        fn numbers_compare_as_numbers(left: u128, right: u128) {
            let order = natural_order(&format!("a{left}.b"), &format!("a{right}.b"));
            prop_assert_eq!(order, left.cmp(&right));
        }
    }
}
