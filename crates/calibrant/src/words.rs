//! What flags say in words and numbers: read with the nearest name at hand when a word is none.

use std::error::Error as StdError;
use std::fmt::Display;
use std::str::FromStr;

use calibrant_calibration::{
    FIRST_WITHOUT_CACHES, Target, TargetError, TargetWay, parse_tensorrt_version, tensorrt_release,
};
use calibrant_engine::{Int8Via, parse_int8_via};
use calibrant_job::Precision;
use calibrant_preprocess::RecipeError;

use crate::args::MethodArg;
use crate::error::meant;

/// The methods, as they are spelled.
const METHODS: &[&str] = &[
    "minmax",
    "entropy",
    "percentile:99.99",
    "percentile:99.999",
    "mse",
    "tensorrt-faithful",
    "entropy-v1",
    "legacy",
];

/// How alike two words are at least when one may be meant by the other, from 0 to 1.
const ALIKE: f64 = 0.75;

/// How many targets an error names.
const TARGETS_SHOWN: usize = 5;

/// The known word that `text` most likely means, if any is near enough.
pub(crate) fn nearest<'w>(text: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let text = text.to_ascii_lowercase();
    let alike = known.into_iter().map(|word| (strsim::jaro_winkler(&text, word), word));
    let best = alike.filter(|(alike, _)| *alike >= ALIKE).max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(best.1)
}

/// `error`, with the word that is nearest to `text` behind it.
pub(crate) fn did_you_mean<'w>(
    error: impl Display,
    text: &str,
    known: impl IntoIterator<Item = &'w str>,
) -> String {
    format!("{error}{}", meant(nearest(text, known)))
}

/// Reads a word by `parse`; where it is none, the error ends with the nearest of `known`.
pub(crate) fn word<T, E: StdError>(
    text: &str,
    parse: impl Fn(&str) -> Result<T, E>,
    known: &[&str],
) -> Result<T, String> {
    parse(text).map_err(|error| did_you_mean(error, text, known.iter().copied()))
}

/// Reads a word of a preprocessing.
pub(crate) fn recipe_word<T: FromStr<Err = RecipeError>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| match &error {
        RecipeError::UnknownWord { known, .. } => did_you_mean(&error, text, known.iter().copied()),
        _ => error.to_string(),
    })
}

/// A method of ours, or one of TensorRT's calibrators.
pub(crate) fn method(text: &str) -> Result<MethodArg, String> {
    word(text, MethodArg::from_str, METHODS)
}

/// Reads a precision, such as `int8+fp16`.
pub(crate) fn precision(text: &str) -> Result<Precision, String> {
    let known: Vec<String> = Precision::usual().map(|precision| precision.to_string()).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    word(text, Precision::from_str, &known)
}

/// A way for ranges to the builder.
pub(crate) fn int8_via(text: &str) -> Result<Int8Via, String> {
    word(text, parse_int8_via, &["cache", "ranges", "qdq"])
}

/// A number of things, of which there has to be one at least.
pub(crate) fn at_least_one<N: FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("`{text}` is no whole number from 1 on"))
}

/// The number of a TensorRT that reads calibration caches.
pub(crate) fn cache_version(text: &str) -> Result<u32, String> {
    let version = parse_tensorrt_version(text).map_err(|error| error.to_string())?;
    match tensorrt_release(version) {
        Some([major, minor, patch]) if version >= FIRST_WITHOUT_CACHES => Err(format!(
            "TensorRT {major}.{minor}.{patch} reads no calibration cache, as none does since 11; it takes int8 from the \
             model with Q/DQ nodes"
        )),
        _ => Ok(version),
    }
}

/// A deployment target by its name.
pub(crate) fn target(text: &str) -> Result<&'static Target, String> {
    Target::named(text).map_err(|error| match error {
        TargetError::Unknown { .. } => {
            let near = near_targets(text);
            format!(
                "{error}; the nearest are {}, and docs/targets.md lists all (--cache-version X.Y.Z takes any version)",
                near.join(", ")
            )
        }
        error => error.to_string(),
    })
}

/// A deployment target whose TensorRT reads calibration caches.
pub(crate) fn target_with_caches(text: &str) -> Result<&'static Target, String> {
    let target = target(text)?;
    match target.way() {
        TargetWay::Cache => Ok(target),
        TargetWay::Qdq => Err(format!(
            "{target} reads no calibration cache; it takes int8 from the model with Q/DQ nodes"
        )),
    }
}

/// The names most like `text`, the likest first.
fn near_targets(text: &str) -> Vec<&'static str> {
    let text = text.to_ascii_lowercase();
    let alike = |name: &str| strsim::jaro_winkler(&text, name);
    let mut names: Vec<_> =
        Target::all().iter().map(|target| (alike(target.name), target.name)).collect();
    // Of names that are as much alike, the first in the table comes first.
    names.sort_by(|a, b| b.0.total_cmp(&a.0));
    names.into_iter().take(TARGETS_SHOWN).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    #[test]
    fn the_nearest_word_is_the_one_that_is_meant() {
        let presets = ["imagenet", "torchvision", "torchvision-v2", "timm", "ultralytics"];
        for (text, word) in [
            ("imagnet", Some("imagenet")),
            ("torchvison", Some("torchvision")),
            ("Ultralitics", Some("ultralytics")),
            ("zzz", None),
            ("", None),
        ] {
            assert_eq!(nearest(text, presets), word, "{text}");
        }
        assert_eq!(did_you_mean("no", "tim", presets), "no (did you mean `timm`?)");
        assert_eq!(did_you_mean("no", "xyz", presets), "no");
    }

    #[test]
    fn a_number_of_things_is_one_at_least() {
        assert_eq!(at_least_one::<NonZeroUsize>("3").map(NonZeroUsize::get), Ok(3));
        for text in ["0", "-1", "", "x", "1.5"] {
            let expected = format!("`{text}` is no whole number from 1 on");
            assert_eq!(at_least_one::<NonZeroUsize>(text), Err(expected));
        }
    }

    #[test]
    fn versions_without_caches_are_refused_in_headers() {
        assert_eq!(cache_version("10.3.0"), Ok(100_300));
        assert_eq!(cache_version("101601"), Ok(101_601));
        assert!(cache_version("11.1.0").unwrap_err().contains("reads no calibration cache"));
        assert!(cache_version("ten").unwrap_err().contains("write it as 8.6.1"));
    }

    #[test]
    fn a_wrong_target_lists_the_nearest() {
        assert_eq!(target("jetpack-6.1").map(|it| it.name), Ok("jetpack-6.1"));
        let error = target("jetpak-6.1").unwrap_err();
        assert!(error.contains("the nearest are jetpack-6.1,"), "{error}");
        let error = target("deepstream-7").unwrap_err();
        assert!(error.contains("deepstream-7.0 or deepstream-7.1"), "{error}");
    }
}
