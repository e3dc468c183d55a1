//! The letters of an `Einsum`.

use std::collections::{BTreeMap, BTreeSet};

use calibrant_onnx::proto::NodeProto;

/// The equation of `node` in small letters, `None` when it has no capital ones or there are not enough small ones.
///
/// A letter that is not taken stays the same letter.
pub(super) fn in_small_letters(node: &NodeProto) -> Option<String> {
    let equation = node.attr_s("equation").filter(|_| node.is("Einsum"))?;
    let capitals: BTreeSet<char> = equation.chars().filter(char::is_ascii_uppercase).collect();
    if capitals.is_empty() {
        return None;
    }
    let mut taken: BTreeSet<char> = equation.chars().filter(char::is_ascii_lowercase).collect();
    let mut letters: BTreeMap<char, char> = BTreeMap::new();
    let (own, others): (Vec<char>, Vec<char>) =
        capitals.into_iter().partition(|capital| !taken.contains(&capital.to_ascii_lowercase()));
    for capital in own {
        taken.insert(capital.to_ascii_lowercase());
        letters.insert(capital, capital.to_ascii_lowercase());
    }
    for capital in others {
        let free = ('a'..='z').find(|letter| !taken.contains(letter))?;
        taken.insert(free);
        letters.insert(capital, free);
    }
    Some(equation.chars().map(|it| letters.get(&it).copied().unwrap_or(it)).collect())
}

#[cfg(test)]
mod tests {
    use calibrant_onnx::proto::AttributeProto;

    use super::*;

    #[test]
    fn capital_letters_become_small_ones_that_are_free() {
        let small = |equation: &str| {
            let node = NodeProto::new("Einsum", "", &["x", "y"], &["z"]);
            in_small_letters(&node.with_attr(AttributeProto::string("equation", equation)))
        };
        assert_eq!(small("bij,bjk->bik"), None);
        assert_eq!(small("BIJ,BJK->BIK").as_deref(), Some("bij,bjk->bik"));
        assert_eq!(small("bB,Bi->bi").as_deref(), Some("ba,ai->bi"));
        assert_eq!(small("...aA, A -> ...a").as_deref(), Some("...ab, b -> ...a"));
        assert_eq!(small("abcdefghijklmnopqrstuvwxyzA->A"), None);
    }
}
