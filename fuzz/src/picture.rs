//! Pictures.

/// Decodes bytes as a picture of every format and under every rule; a picture that decodes is whole and within the limit.
///
/// # Panics
///
/// When it is not.
pub fn picture(bytes: &[u8]) {
    calibrant_preprocess::fuzz_decode(bytes);
}

#[cfg(test)]
mod tests {
    use super::picture;
    use crate::damage;

    #[test]
    fn odd_and_hostile_pictures_are_decoded_or_refused() {
        for seed in damage::files_in("fixtures/edge") {
            damage::run(picture, &seed, 20);
        }
    }
}
