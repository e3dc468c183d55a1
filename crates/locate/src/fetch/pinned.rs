//! What is fetched: one wheel a machine, by version and hash.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use zip::ZipArchive;

use super::sha256_of;
use crate::error::FetchError;
use crate::product::Product;

/// What the user accepts by fetching TensorRT-RTX.
const NVIDIAS: &str = "TensorRT-RTX is NVIDIA's, under the NVIDIA Software License Agreement for TensorRT: \
     by fetching it you accept those terms (LICENSE.txt beside the libraries)";

/// What the user accepts by fetching ONNX Runtime.
const MICROSOFTS: &str =
    "ONNX Runtime is Microsoft's, under the MIT License (LICENSE beside the library)";

/// A wheel and what of it is unpacked.
#[derive(Debug)]
pub(super) struct Wheel {
    /// What it holds.
    pub(super) product: Product,
    /// The package, as pip knows it.
    pub(super) package: &'static str,
    /// What the user accepts by fetching it.
    pub(super) licence: &'static str,
    /// The licence's file name.
    pub(super) licence_file: &'static str,
    /// Its file name.
    pub(super) file: &'static str,
    /// The platform tag to ask pip for.
    pub(super) platform: &'static str,
    /// The version of Python to ask pip for, such as 312, where the wheel is for one; what is unpacked needs none.
    pub(super) python: Option<&'static str>,
    /// The package's version.
    pub(super) version: &'static str,
    /// The file's SHA-256.
    pub(super) sha256: &'static str,
    /// The file's size.
    pub(super) bytes: u64,
    /// The shared libraries in it.
    pub(super) members: &'static [Member],
}

/// A file in a wheel.
#[derive(Debug)]
pub(super) struct Member {
    /// Its path in the wheel.
    pub(super) path: &'static str,
    /// Its unpacked size.
    pub(super) bytes: u64,
    /// The SHA-256 of its unpacked bytes.
    pub(super) sha256: &'static str,
}

/// What is pinned for a machine.
struct Pinned {
    tensorrt_rtx: Wheel,
    onnxruntime: Wheel,
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
const PINNED: Option<Pinned> = Some(Pinned {
    tensorrt_rtx: Wheel {
        product: Product::TensorRt,
        package: "tensorrt-rtx-cu13-libs",
        licence: NVIDIAS,
        licence_file: "LICENSE.txt",
        file: "tensorrt_rtx_cu13_libs-1.7.1.116-py3-none-manylinux_2_28_x86_64.whl",
        platform: "manylinux_2_28_x86_64",
        python: None,
        version: "1.7.1.116",
        sha256: "e3fd45fed001240d63304e77a2d4006319b839994237cb294b6e7ad72acaabcd",
        bytes: 95_153_708,
        members: &[
            Member {
                path: "tensorrt_rtx_libs/libtensorrt_rtx.so.1",
                bytes: 234_013_248,
                sha256: "a74fa3974f1892b65a53b06a14ffcb15758ac51c12135ada84490f53f67e1051",
            },
            Member {
                path: "tensorrt_rtx_libs/libtensorrt_onnxparser_rtx.so.1",
                bytes: 4_097_984,
                sha256: "27be1f67ef28683b54390b6cbc7ec3efc75b39c8ebc4c683cb8603bcfd0b8896",
            },
        ],
    },
    onnxruntime: Wheel {
        product: Product::OnnxRuntime,
        package: "onnxruntime",
        licence: MICROSOFTS,
        licence_file: "LICENSE",
        file: "onnxruntime-1.32.0-cp312-cp312-manylinux_2_28_x86_64.whl",
        platform: "manylinux_2_28_x86_64",
        python: Some("312"),
        version: "1.32.0",
        sha256: "99e1074c4b2197accd5073052a465361be17b89c093b8ffb6e6bd8f986c52df8",
        bytes: 27_780_211,
        members: &[Member {
            path: "onnxruntime/capi/libonnxruntime.so.1.32.0",
            bytes: 34_824_680,
            sha256: "6c1585d1bbf45b0712ea4a21b705c5fcb4ba04ff2e30f1fbf81a49faf658638f",
        }],
    },
});

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
const PINNED: Option<Pinned> = Some(Pinned {
    tensorrt_rtx: Wheel {
        product: Product::TensorRt,
        package: "tensorrt-rtx-cu13-libs",
        licence: NVIDIAS,
        licence_file: "LICENSE.txt",
        file: "tensorrt_rtx_cu13_libs-1.7.1.116-py3-none-manylinux_2_35_aarch64.whl",
        platform: "manylinux_2_35_aarch64",
        python: None,
        version: "1.7.1.116",
        sha256: "ec8b6cb95a8ea61e31d544dbc5039d35219b311999f92c518a3889aaae74359c",
        bytes: 90_582_711,
        members: &[
            Member {
                path: "tensorrt_rtx_libs/libtensorrt_rtx.so.1",
                bytes: 213_748_008,
                sha256: "a7180e0a15a5387d60767ef7133a4fa42fe9f347fbf3c6d613099a609952df0a",
            },
            Member {
                path: "tensorrt_rtx_libs/libtensorrt_onnxparser_rtx.so.1",
                bytes: 3_422_296,
                sha256: "1c8ff39f9d1a2112165b8e2b59708785c9f5de218b60a55df1b8e9139b9d63bf",
            },
        ],
    },
    onnxruntime: Wheel {
        product: Product::OnnxRuntime,
        package: "onnxruntime",
        licence: MICROSOFTS,
        licence_file: "LICENSE",
        file: "onnxruntime-1.32.0-cp312-cp312-manylinux_2_28_aarch64.whl",
        platform: "manylinux_2_28_aarch64",
        python: Some("312"),
        version: "1.32.0",
        sha256: "e36c187006e7a7c8b8d6d57f1a209dd63f52430dca6c282b177718ad6b841054",
        bytes: 23_196_724,
        members: &[Member {
            path: "onnxruntime/capi/libonnxruntime.so.1.32.0",
            bytes: 27_165_936,
            sha256: "49852228a93995158b2a813d4df487d47a1b76b0eaa894507ef49e91b6d7954a",
        }],
    },
});

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
const PINNED: Option<Pinned> = None;

impl Wheel {
    /// The wheel of a product for the machine that this program was compiled for.
    pub(super) fn of_this_machine(product: Product) -> Result<&'static Self, FetchError> {
        let target = || format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        let pinned = const { &PINNED }.as_ref();
        let pinned = pinned.ok_or_else(|| FetchError::NotPinned { product, target: target() })?;
        Ok(match product {
            Product::TensorRt => &pinned.tensorrt_rtx,
            Product::OnnxRuntime => &pinned.onnxruntime,
        })
    }

    /// The package and its version, as pip wants them.
    pub(super) fn requirement(&self) -> String {
        format!("{}=={}", self.package, self.version)
    }

    /// Whether a folder holds every library as it came in the wheel, to the byte.
    ///
    /// Libraries run as they are opened, so this is asked each time before; 240 MB are hashed in a fraction of a second.
    pub(super) fn is_whole(&self, folder: &Path) -> bool {
        let file = |member: &Member| folder.join(member.name());
        let is_as_long = |member: &Member| {
            fs::metadata(file(member)).is_ok_and(|it| it.is_file() && it.len() == member.bytes)
        };
        let is_same =
            |member: &Member| sha256_of(&file(member)).is_ok_and(|it| it == member.sha256);
        self.members.iter().all(is_as_long) && self.members.iter().all(is_same)
    }

    /// Unpacks the libraries and the licence into a new folder.
    pub(super) fn unpack(&self, wheel: &Path, folder: &Path) -> Result<(), FetchError> {
        let failed = |member: &str, source| FetchError::Unpack {
            wheel: wheel.to_owned(),
            member: member.to_owned(),
            source,
        };
        let archive = || -> io::Result<_> { Ok(ZipArchive::new(File::open(wheel)?)?) };
        let mut archive = archive().map_err(|source| failed("anything", source))?;
        fs::create_dir(folder)
            .map_err(|source| FetchError::Io { path: folder.to_owned(), source })?;
        let is_licence = |name: &Cow<'_, str>| name.rsplit('/').next() == Some(self.licence_file);
        let licence = archive.file_names().flatten().find(is_licence).map(Cow::into_owned);
        let members = self.members.iter().map(|member| (member.path.to_owned(), member.name()));
        for (path, name) in members.chain(licence.map(|path| (path, self.licence_file))) {
            let mut unpack = || -> io::Result<()> {
                let mut file = File::create_new(folder.join(name))?;
                io::copy(&mut archive.by_name(&path)?, &mut file)?;
                file.sync_all()
            };
            unpack().map_err(|source| failed(&path, source))?;
        }
        Ok(())
    }
}

impl Member {
    /// The file name alone.
    fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }
}
