//! The first bytes of a plan.

use std::fmt;

use calibrant_tensorrt::Product;

/// What a plan says in its first bytes, to a reader without the library.
///
/// The tag and the place of the version are those that `trtexec --getPlanVersionOnly` reads; plans of TensorRT-RTX 1.7
/// have another tag and the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanHeader {
    /// Which product the plan is for.
    pub product: Product,
    /// The version that built it: major, minor, patch, build.
    pub version: [u8; 4],
}

/// How each product's plans begin.
const TAGS: [(&[u8; 4], Product); 2] =
    [(b"ftrt", Product::TensorRt), (b"vtrt", Product::TensorRtRtx)];

/// Where the version of the plan's layout stands; the one that is known is 0.
const LAYOUT: std::ops::Range<usize> = 4..8;

/// Where the version of the library stands.
const VERSION: std::ops::Range<usize> = 24..28;

impl PlanHeader {
    /// The header of a plan; `None` for anything else, and for plans of a layout that is not known.
    pub fn read(plan: &[u8]) -> Option<Self> {
        let (_, product) = TAGS.into_iter().find(|(tag, _)| plan.starts_with(*tag))?;
        let known_layout = plan.get(LAYOUT)? == [0; 4];
        let version = plan.get(VERSION)?.try_into().ok()?;
        known_layout.then_some(Self { product, version })
    }

    /// Whether these bytes begin as a plan does, of whatever layout.
    pub fn is_plan(start: &[u8]) -> bool {
        TAGS.iter().any(|(tag, _)| start.starts_with(*tag))
    }
}

impl fmt::Display for PlanHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch, build] = self.version;
        write!(f, "{} {major}.{minor}.{patch}.{build}", self.product)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(tag: &[u8; 4]) -> Vec<u8> {
        let mut plan = vec![0; 64];
        plan[..4].copy_from_slice(tag);
        plan[VERSION].copy_from_slice(&[1, 7, 1, 116]);
        plan
    }

    #[test]
    fn the_version_stands_in_the_first_bytes() {
        let version = |tag| PlanHeader::read(&plan(tag)).map(|header| header.to_string());
        assert_eq!(version(b"vtrt").as_deref(), Some("TensorRT-RTX 1.7.1.116"));
        assert_eq!(version(b"ftrt").as_deref(), Some("TensorRT 1.7.1.116"));
        assert_eq!(version(b"onnx"), None);
    }

    #[test]
    fn what_is_cut_off_or_of_another_layout_is_not_read() {
        let whole = plan(b"ftrt");
        for length in 0..VERSION.end {
            assert_eq!(PlanHeader::read(&whole[..length]), None, "{length}");
        }
        let mut newer = whole;
        newer[LAYOUT.start] = 1;
        assert_eq!(PlanHeader::read(&newer), None);
        assert!(PlanHeader::is_plan(&newer));
    }
}
