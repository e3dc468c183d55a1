//! Where networks are deployed to, and the TensorRT that is there: a table, each row with its source.
//!
//! `docs/targets.md` holds the same rows for people.

use std::fmt;

use super::version::{FIRST_WITHOUT_CACHES, tensorrt_version};

/// A system or container with a TensorRT in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Its name, as `jetpack-6.1`.
    pub name: &'static str,
    /// Major, minor and patch of its TensorRT.
    pub tensorrt: [u32; 3],
    /// Where that is written.
    pub source: &'static str,
}

/// How a target takes int8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetWay {
    /// By a calibration cache beside the float model: TensorRT up to 10.
    Cache,
    /// By Q/DQ nodes in the model: TensorRT since 11.
    Qdq,
}

/// Why a text names no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// No row has the name.
    #[error("no target is called `{name}`")]
    Unknown {
        /// The text as given.
        name: String,
    },
    /// The name is the beginning of several, whose versions differ.
    #[error("`{name}` may be {}, whose versions of TensorRT differ", .names.join(" or "))]
    Several {
        /// The text as given.
        name: String,
        /// The names that begin so.
        names: Vec<&'static str>,
    },
}

impl Target {
    /// Every target.
    #[must_use]
    pub fn all() -> &'static [Self] {
        TARGETS
    }

    /// Returns the target of this name. A name may leave out the end of a version, where that decides nothing:
    /// `tensorrt-10.3` is `tensorrt-10.3.0`.
    ///
    /// # Errors
    ///
    /// When there is none, or the versions of several that begin so differ.
    pub fn named(name: &str) -> Result<&'static Self, TargetError> {
        let lower = name.to_ascii_lowercase();
        if let Some(exact) = TARGETS.iter().find(|target| target.name == lower) {
            return Ok(exact);
        }
        let begins_so = |target: &&Self| {
            target.name.strip_prefix(&lower).is_some_and(|rest| rest.starts_with('.'))
        };
        let found: Vec<&Self> = TARGETS.iter().filter(begins_so).collect();
        match found[..] {
            [] => Err(TargetError::Unknown { name: name.to_owned() }),
            [first, ..] if found.iter().all(|target| target.tensorrt == first.tensorrt) => {
                Ok(first)
            }
            _ => {
                let names = found.iter().map(|target| target.name).collect();
                Err(TargetError::Several { name: name.to_owned(), names })
            }
        }
    }

    /// The number of its TensorRT, as a calibration cache begins with it.
    #[must_use]
    pub fn version(&self) -> u32 {
        let [major, minor, patch] = self.tensorrt;
        tensorrt_version(major, minor, patch).unwrap_or_default()
    }

    /// How it takes int8.
    #[must_use]
    pub fn way(&self) -> TargetWay {
        if self.version() < FIRST_WITHOUT_CACHES { TargetWay::Cache } else { TargetWay::Qdq }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.tensorrt;
        write!(f, "{} (TensorRT {major}.{minor}.{patch})", self.name)
    }
}

const fn row(name: &'static str, tensorrt: [u32; 3], source: &'static str) -> Target {
    Target { name, tensorrt, source }
}

const TENSORRT: &str = "https://github.com/NVIDIA/TensorRT/blob/main/CHANGELOG.md";
const TENSORRT_11_4: &str =
    "https://docs.nvidia.com/deeplearning/tensorrt/11.4.0/api/migration-guide.html";
const JETPACK_5_0_2: &str = "https://developer.nvidia.com/embedded/jetpack-sdk-502";
const JETPACK_5_1: &str = "https://developer.nvidia.com/embedded/jetpack-sdk-51";
const JETPACK_5_1_1: &str = "https://developer.nvidia.com/embedded/jetpack-sdk-511";
const JETPACK_5_1_2: &str = "https://developer.nvidia.com/embedded/jetpack-sdk-512";
const META_TEGRA: &str = "https://github.com/OE4T/meta-tegra";
const DEEPSTREAM_YOLO: &str = "https://github.com/marcoslucianops/DeepStream-Yolo#requirements";
const NVIDIA_SKILLS: &str = "https://www.skills.sh/nvidia/skills/deepstream-dev";
const DEEPSTREAM_6_1_1: &str = "https://docs.nvidia.com/metropolis/deepstream/6.1.1/dev-guide/_sources/text/DS_Quickstart.rst.txt";
const DEEPSTREAM_7_0: &str =
    "https://docs.nvidia.com/metropolis/deepstream/7.0/text/DS_Installation.html";
const DEEPSTREAM_7_1: &str =
    "https://docs.nvidia.com/metropolis/deepstream/7.1/text/DS_Installation.html";
const DEEPSTREAM_9_1: &str =
    "https://docs.nvidia.com/metropolis/deepstream/9.1/text/DS_Installation.html";
const DRIVE_6_0_6: &str = "https://developer.nvidia.com/docs/drive/drive-os/6.0.6/public/drive-os-tensorrt/release-notes/index.html";
const DRIVE_6_0_7: &str =
    "https://developer.nvidia.com/docs/drive/drive-os/6.0.7/public/drive-os-tensorrt/index.html";
const DRIVE_6_0_9_1: &str = "https://developer.nvidia.com/docs/drive/drive-os/6.0.9.1/public/drive-os-tensorrt/release-notes/index.html";
const DRIVE_7_0_3: &str = "https://developer.nvidia.com/docs/drive/drive-os/7.0.3/public/drive-os-tensorrt-release-notes/index.html";
const TRITON: &str = "https://github.com/triton-inference-server/server/blob/main/docs/introduction/compatibility.md";

const TARGETS: &[Target] = &[
    row("tensorrt-8.5.1", [8, 5, 1], TENSORRT),
    row("tensorrt-8.5.2", [8, 5, 2], TENSORRT),
    row("tensorrt-8.5.3", [8, 5, 3], TENSORRT),
    row("tensorrt-8.6.1", [8, 6, 1], TENSORRT),
    row("tensorrt-9.0.1", [9, 0, 1], TENSORRT),
    row("tensorrt-9.1.0", [9, 1, 0], TENSORRT),
    row("tensorrt-9.2.0", [9, 2, 0], TENSORRT),
    row("tensorrt-10.0.1", [10, 0, 1], TENSORRT),
    row("tensorrt-10.1.0", [10, 1, 0], TENSORRT),
    row("tensorrt-10.2.0", [10, 2, 0], TENSORRT),
    row("tensorrt-10.3.0", [10, 3, 0], TENSORRT),
    row("tensorrt-10.4.0", [10, 4, 0], TENSORRT),
    row("tensorrt-10.5.0", [10, 5, 0], TENSORRT),
    row("tensorrt-10.6.0", [10, 6, 0], TENSORRT),
    row("tensorrt-10.7.0", [10, 7, 0], TENSORRT),
    row("tensorrt-10.8.0", [10, 8, 0], TENSORRT),
    row("tensorrt-10.9.0", [10, 9, 0], TENSORRT),
    row("tensorrt-10.10.0", [10, 10, 0], TENSORRT),
    row("tensorrt-10.11.0", [10, 11, 0], TENSORRT),
    row("tensorrt-10.12.0", [10, 12, 0], TENSORRT),
    row("tensorrt-10.13.0", [10, 13, 0], TENSORRT),
    row("tensorrt-10.13.2", [10, 13, 2], TENSORRT),
    row("tensorrt-10.13.3", [10, 13, 3], TENSORRT),
    row("tensorrt-10.14.1", [10, 14, 1], TENSORRT),
    row("tensorrt-10.15.1", [10, 15, 1], TENSORRT),
    row("tensorrt-10.16.0", [10, 16, 0], TENSORRT),
    row("tensorrt-10.16.1", [10, 16, 1], TENSORRT),
    row("tensorrt-11.0.0", [11, 0, 0], TENSORRT),
    row("tensorrt-11.1.0", [11, 1, 0], TENSORRT),
    row("tensorrt-11.4.0", [11, 4, 0], TENSORRT_11_4),
    row("jetpack-5.0.2", [8, 4, 1], JETPACK_5_0_2),
    row("jetpack-5.1", [8, 5, 2], JETPACK_5_1),
    row("jetpack-5.1.1", [8, 5, 2], JETPACK_5_1_1),
    row("jetpack-5.1.2", [8, 5, 2], JETPACK_5_1_2),
    row("jetpack-5.1.3", [8, 5, 2], META_TEGRA),
    row("jetpack-5.1.4", [8, 5, 2], META_TEGRA),
    row("jetpack-5.1.5", [8, 5, 2], META_TEGRA),
    row("jetpack-5.1.6", [8, 5, 2], META_TEGRA),
    row("jetpack-6.0", [8, 6, 2], META_TEGRA),
    row("jetpack-6.1", [10, 3, 0], META_TEGRA),
    row("jetpack-6.2", [10, 3, 0], META_TEGRA),
    row("jetpack-6.2.1", [10, 3, 0], META_TEGRA),
    row("jetpack-6.2.2", [10, 3, 0], META_TEGRA),
    row("jetpack-7.0", [10, 13, 3], META_TEGRA),
    row("jetpack-7.1", [10, 13, 3], META_TEGRA),
    row("jetpack-7.2", [10, 16, 2], META_TEGRA),
    row("deepstream-6.0", [8, 0, 1], DEEPSTREAM_YOLO),
    row("deepstream-6.0.1", [8, 0, 1], DEEPSTREAM_YOLO),
    row("deepstream-6.1", [8, 2, 5], DEEPSTREAM_YOLO),
    row("deepstream-6.1.1", [8, 4, 1], DEEPSTREAM_YOLO),
    row("deepstream-6.2", [8, 5, 2], DEEPSTREAM_YOLO),
    row("deepstream-6.3", [8, 5, 3], DEEPSTREAM_YOLO),
    row("deepstream-6.4", [8, 6, 1], DEEPSTREAM_YOLO),
    row("deepstream-7.0", [8, 6, 1], DEEPSTREAM_YOLO),
    row("deepstream-7.1", [10, 3, 0], DEEPSTREAM_YOLO),
    row("deepstream-9.0", [10, 14, 1], NVIDIA_SKILLS),
    row("deepstream-6.1.1-jetson", [8, 4, 1], DEEPSTREAM_6_1_1),
    row("deepstream-6.2-jetson", [8, 5, 2], DEEPSTREAM_YOLO),
    row("deepstream-6.3-jetson", [8, 5, 2], DEEPSTREAM_YOLO),
    row("deepstream-7.0-jetson", [8, 6, 2], DEEPSTREAM_7_0),
    row("deepstream-7.1-jetson", [10, 3, 0], DEEPSTREAM_7_1),
    row("deepstream-9.1-jetson", [10, 16, 2], DEEPSTREAM_9_1),
    row("drive-os-6.0.6", [8, 5, 10], DRIVE_6_0_6),
    row("drive-os-6.0.7", [8, 6, 10], DRIVE_6_0_7),
    row("drive-os-6.0.9.1", [8, 6, 12], DRIVE_6_0_9_1),
    row("drive-os-7.0.3", [10, 10, 10], DRIVE_7_0_3),
    row("triton-24.05-trtllm", [10, 0, 1], TRITON),
    row("triton-24.06-trtllm", [10, 0, 1], TRITON),
    row("triton-24.07-trtllm", [10, 1, 0], TRITON),
    row("triton-24.08-trtllm", [10, 3, 0], TRITON),
    row("triton-24.09-trtllm", [10, 4, 0], TRITON),
    row("triton-24.10-trtllm", [10, 4, 0], TRITON),
    row("triton-24.11-trtllm", [10, 6, 0], TRITON),
    row("triton-24.12-trtllm", [10, 7, 0], TRITON),
    row("triton-25.01-trtllm", [10, 8, 0], TRITON),
    row("triton-25.02-trtllm", [10, 8, 0], TRITON),
    row("triton-25.03-trtllm", [10, 9, 0], TRITON),
    row("triton-25.04-trtllm", [10, 9, 0], TRITON),
    row("triton-25.05-trtllm", [10, 9, 0], TRITON),
    row("triton-25.06-trtllm", [10, 10, 0], TRITON),
    row("triton-25.07-trtllm", [10, 10, 0], TRITON),
    row("triton-25.08-trtllm", [10, 11, 0], TRITON),
    row("triton-25.09-trtllm", [10, 11, 0], TRITON),
    row("triton-25.10-trtllm", [10, 11, 0], TRITON),
    row("triton-25.11-trtllm", [10, 13, 3], TRITON),
    row("triton-25.12-trtllm", [10, 13, 3], TRITON),
    row("triton-26.01-trtllm", [10, 13, 3], TRITON),
    row("triton-26.02-trtllm", [10, 13, 3], TRITON),
    row("triton-26.03-trtllm", [10, 14, 1], TRITON),
    row("triton-26.04-trtllm", [10, 14, 1], TRITON),
    row("triton-26.05-trtllm", [10, 14, 1], TRITON),
    row("triton-26.06-trtllm", [10, 14, 1], TRITON),
    row("triton-26.07-trtllm", [10, 14, 1], TRITON),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_version_that_caches_can_name_and_a_source() {
        for target in Target::all() {
            let [major, minor, patch] = target.tensorrt;
            assert_eq!(Some(target.version()), tensorrt_version(major, minor, patch), "{target}");
            assert!(target.source.starts_with("https://"), "{target}");
            assert_eq!(Target::named(target.name), Ok(target));
            let qdq = target.tensorrt[0] >= 11;
            assert_eq!(target.way() == TargetWay::Qdq, qdq, "{target}");
        }
        let mut names: Vec<_> = Target::all().iter().map(|target| target.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Target::all().len());
    }

    #[test]
    fn the_end_of_a_version_may_be_left_out_where_it_decides_nothing() {
        let named = |name| Target::named(name).map(|target| (target.name, target.version()));
        assert_eq!(named("tensorrt-10.3"), Ok(("tensorrt-10.3.0", 100_300)));
        assert_eq!(named("JetPack-6.1"), Ok(("jetpack-6.1", 100_300)));
        assert_eq!(named("deepstream-7.0"), Ok(("deepstream-7.0", 8601)));
        assert_eq!(named("deepstream-7.0-jetson"), Ok(("deepstream-7.0-jetson", 8602)));
        assert_eq!(named("drive-os-6.0.7"), Ok(("drive-os-6.0.7", 8610)));
        let text = |name| named(name).unwrap_err().to_string();
        assert_eq!(
            text("tensorrt-10.16"),
            "`tensorrt-10.16` may be tensorrt-10.16.0 or tensorrt-10.16.1, whose versions of TensorRT differ"
        );
        for name in ["jetpack", "jetpack-6.", "jetpack-9", "", "tensorrt-1", "10.3.0"] {
            assert_eq!(text(name), format!("no target is called `{name}`"));
        }
    }
}
