//! The whole numbers of each step, as its framework rounds them.

use super::Window;
use crate::recipe::{Crop, CropAnchor, PadTo, Rounding, Size, Target};

/// A crop of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// With what is filled.
    pub(super) size: Size,
    /// What the picture has of it.
    pub(super) window: Window,
    /// Column and row of the part where the window begins.
    pub(super) at: (u32, u32),
}

impl Crop {
    /// Returns the part of a picture of this size that is kept.
    pub(super) fn of(self, picture: Size) -> Part {
        let span = |n: u32, side: fn(Size) -> u32| match self {
            Self::Size { size, anchor } => Span::centred(n, side(size), anchor),
            Self::Fraction(fraction) => Span::central(n, fraction),
        };
        let (across, down) = (span(picture.width, |s| s.width), span(picture.height, |s| s.height));
        Part {
            size: match self {
                Self::Size { size, .. } => size,
                Self::Fraction(_) => Size::new(across.count, down.count),
            },
            window: Window {
                left: across.first,
                top: down.first,
                size: Size::new(across.count, down.count),
            },
            at: (across.at, down.at),
        }
    }
}

/// What is taken of a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    first: u32,
    count: u32,
    /// Where it begins in the crop.
    at: u32,
}

impl Span {
    /// The crop begins at `round((n - crop) / 2)`, half to even, or at `(n - crop) // 2`; where the
    /// picture is smaller, `(crop - n) // 2` pixels come before it.
    fn centred(n: u32, crop: u32, anchor: CropAnchor) -> Self {
        if n < crop {
            return Self { first: 0, count: n, at: (crop - n) / 2 };
        }
        let (half, odd) = ((n - crop) / 2, (n - crop) % 2);
        let first = match anchor {
            // An odd margin is a half: it goes to the even neighbour.
            CropAnchor::Centre => half + odd * (half % 2),
            CropAnchor::CentreDown => half,
        };
        Self { first, count: crop, at: 0 }
    }

    /// `tf.image.central_crop`, computed in f64 as there; at least one pixel is kept.
    fn central(n: u32, fraction: f64) -> Self {
        let side = f64::from(n);
        let first = to_px((side - side * fraction) / 2.0).min((n - 1) / 2);
        Self { first, count: n - 2 * first, at: 0 }
    }
}

impl Target {
    /// Returns what a picture of this size is resized to.
    pub(super) fn of(self, picture: Size) -> Size {
        let Size { width, height } = picture;
        let (short, long) = (width.min(height), width.max(height));
        match self {
            Self::To(size) => size,
            Self::ShorterSide { side, rounding } => {
                let other = follow(long, side, short, rounding);
                if width <= height { Size::new(side, other) } else { Size::new(other, side) }
            }
            Self::LongerSide { side, rounding } => {
                let other = follow(short, side, long, rounding).min(side);
                if width <= height { Size::new(other, side) } else { Size::new(side, other) }
            }
            Self::Within { size, rounding } => {
                let (w, h) = (f64::from(width), f64::from(height));
                let (height, width) = (f64::from(size.height), f64::from(size.width));
                let scaled = |side: f64| match rounding {
                    Rounding::HalfEvenOver => side / (h / height).max(w / width),
                    _ => side * (height / h).min(width / w),
                };
                let side = |side: f64, limit| rounded(scaled(side), rounding).clamp(1, limit);
                Size::new(side(w, size.width), side(h, size.height))
            }
            Self::Line { size, rounding } => {
                let follows = follow(width, size.height, height, rounding);
                Size::new(follows.min(size.width), size.height)
            }
            Self::Limit { side, multiple } => {
                let side = |length| limited(length, long, side, multiple);
                Size::new(side(width), side(height))
            }
            Self::Edges { shortest, longest } => with_edges(picture, shortest, longest),
        }
    }
}

/// Returns the size of `get_size_with_aspect_ratio` of transformers, in the order of its operations.
fn with_edges(picture: Size, shortest: u32, longest: u32) -> Size {
    let (width, height) = (f64::from(picture.width), f64::from(picture.height));
    let (short, long) = (width.min(height), width.max(height));
    let (side, most) = (f64::from(shortest), f64::from(longest));
    let cut = (long / short * side > most).then(|| most * short / long);
    let side = to_px(cut.map_or(side, f64::round_ties_even));
    if side == picture.width.min(picture.height) {
        return picture;
    }
    let side_before = cut.unwrap_or(f64::from(side));
    let (side, other) =
        (side.max(1), |long: f64, short: f64| to_px(side_before * long / short).max(1));
    if width < height {
        Size::new(side, other(height, width))
    } else {
        Size::new(other(width, height), side)
    }
}

/// Returns a side of a picture whose longer one is `long`, after `resize_image_type0` of PaddleOCR.
fn limited(side: u32, long: u32, most: u32, multiple: u32) -> u32 {
    let ratio = if long > most { f64::from(most) / f64::from(long) } else { 1.0 };
    let cut = to_px(f64::from(side) * ratio);
    let times = to_px((f64::from(cut) / f64::from(multiple)).round_ties_even());
    times.clamp(1, most / multiple) * multiple
}

/// Returns the length of a side where another one comes `from` a length `to` another.
fn follow(side: u32, to: u32, from: u32, rounding: Rounding) -> u32 {
    let length = match rounding {
        // In whole numbers, which is what `int(to * side / from)` gives for any sides there are.
        Rounding::Down => {
            let length = u64::from(to) * u64::from(side) / u64::from(from);
            u32::try_from(length).unwrap_or(u32::MAX)
        }
        Rounding::HalfEven | Rounding::HalfUp => {
            rounded(f64::from(side) * (f64::from(to) / f64::from(from)), rounding)
        }
        Rounding::HalfEvenOver => {
            rounded(f64::from(side) / (f64::from(from) / f64::from(to)), rounding)
        }
        // `math.ceil(to * (side / from))`, in the order of PaddleOCR: a quotient that is rounded up
        // may be one more than the true one.
        Rounding::Ceil => rounded(f64::from(to) * (f64::from(side) / f64::from(from)), rounding),
    };
    length.max(1)
}

fn rounded(side: f64, rounding: Rounding) -> u32 {
    to_px(match rounding {
        Rounding::Down => side,
        Rounding::HalfEven | Rounding::HalfEvenOver => side.round_ties_even(),
        Rounding::HalfUp => side + 0.5,
        Rounding::Ceil => side.ceil(),
    })
}

/// Returns the whole number that a side is without its fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "it is what is asked for; sides end at u32::MAX"
)]
fn to_px(side: f64) -> u32 {
    side as u32
}

impl PadTo {
    /// Returns the size of a picture with its bars.
    pub(super) fn of(self, picture: Size) -> Size {
        match self {
            Self::Size(size) => size,
            Self::Multiple(multiple) => Size::new(
                picture.width.next_multiple_of(multiple),
                picture.height.next_multiple_of(multiple),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `int(round((n - crop) / 2.0))` of Python, or the padding before, as torchvision's.
    fn centred_naive(n: u32, crop: u32) -> Span {
        if crop > n {
            return Span { first: 0, count: n, at: (crop - n) / 2 };
        }
        let margin = (f64::from(n) - f64::from(crop)) / 2.0;
        Span { first: to_px(margin.round_ties_even()), count: crop, at: 0 }
    }

    proptest! {
        #[test]
        fn crops_are_torchvision_s(w in 1..5000_u32, h in 1..5000_u32, side in 1..600_u32, crop in 1..600_u32) {
            let target = Target::ShorterSide { side, rounding: Rounding::Down };
            let scaled = target.of(Size::new(w, h));
            let (short, long) = (w.min(h), w.max(h));
            let other = to_px((f64::from(side) * f64::from(long) / f64::from(short)).trunc());
            prop_assert_eq!(scaled, if w <= h { Size::new(side, other) } else { Size::new(other, side) });
            let size = Size::new(crop, crop);
            let part = Crop::Size { size, anchor: CropAnchor::Centre }.of(scaled);
            let (across, down) = (centred_naive(scaled.width, crop), centred_naive(scaled.height, crop));
            let window = Window { left: across.first, top: down.first, size: Size::new(across.count, down.count) };
            prop_assert_eq!(part, Part { size, window, at: (across.at, down.at) });
        }

        #[test]
        fn targets_keep_their_promise(w in 1..5000_u32, h in 1..5000_u32, a in 1..700_u32, b in 1..700_u32) {
            let picture = Size::new(w, h);
            for &rounding in Rounding::ALL {
                let Size { width, height } = Target::Within { size: Size::new(a, b), rounding }.of(picture);
                prop_assert!((1..=a).contains(&width) && (1..=b).contains(&height));
                // A product that should be the whole side may be cut just below it.
                let reached = |side: u32, limit: u32| side + u32::from(rounding == Rounding::Down) >= limit;
                prop_assert!(reached(width, a) || reached(height, b), "it fills one direction");
                let Size { width, height } = Target::Line { size: Size::new(a, b), rounding }.of(picture);
                prop_assert!((1..=a).contains(&width) && height == b);
                let Size { width, height } = Target::LongerSide { side: a, rounding }.of(picture);
                prop_assert_eq!(width.max(height), a);
                let Size { width, height } = Target::ShorterSide { side: a, rounding }.of(picture);
                prop_assert_eq!(width.min(height), a);
                prop_assert_eq!(width <= height, w <= h || width == height);
            }
        }

        #[test]
        fn lines_are_paddleocr_s(w in 1..5000_u32, h in 1..5000_u32, a in 1..700_u32, b in 1..700_u32) {
            let ratio = f64::from(w) / f64::from(h);
            let width = (f64::from(b) * ratio).ceil();
            let width = if width > f64::from(a) { a } else { to_px(width) };
            let line = Target::Line { size: Size::new(a, b), rounding: Rounding::Ceil };
            prop_assert_eq!(line.of(Size::new(w, h)), Size::new(width, b));
        }

        #[test]
        fn limits_are_paddleocr_s(w in 1..5000_u32, h in 1..5000_u32, tiles in 1..60_u32) {
            let side = 32 * tiles;
            // `resize_image_type0`, line by line.
            let mut ratio = 1.0;
            if h.max(w) > side {
                ratio = if h > w { f64::from(side) / f64::from(h) } else { f64::from(side) / f64::from(w) };
            }
            let of = |length: u32| {
                let length = (f64::from(length) * ratio).trunc();
                ((length / 32.0).round_ties_even().trunc() * 32.0).trunc().max(32.0)
            };
            let expected = Size::new(to_px(of(w)), to_px(of(h)));
            prop_assert_eq!(Target::Limit { side, multiple: 32 }.of(Size::new(w, h)), expected);
        }

        #[test]
        fn fractions_are_central(n in 1..10_000_u32, fraction in 0.0001..=1.0_f64) {
            let Span { first, count, at } = Span::central(n, fraction);
            prop_assert!(count >= 1 && 2 * first + count == n && at == 0);
            prop_assert!((f64::from(count) - f64::from(n) * fraction).abs() < 2.0 || count <= 2);
        }
    }

    #[test]
    fn sizes_are_what_the_frameworks_print() {
        let within = |rounding, size| Target::Within { size, rounding };
        let square = Size::new(640, 640);
        for (target, from, to) in [
            // `new_unpad` in LetterBox of Ultralytics 8.4.
            (within(Rounding::HalfEven, square), (480, 269), (640, 359)),
            (within(Rounding::HalfEven, square), (269, 480), (359, 640)),
            (within(Rounding::HalfEven, square), (1, 1), (640, 640)),
            (within(Rounding::HalfEven, Size::new(640, 384)), (333, 500), (256, 384)),
            (within(Rounding::HalfEven, Size::new(641, 640)), (640, 427), (641, 428)),
            (within(Rounding::HalfEven, square), (3000, 17), (640, 4)),
            // `int(w * r), int(h * r)`, as in `preproc` of YOLOX.
            (within(Rounding::Down, square), (480, 269), (640, 358)),
            (within(Rounding::Down, square), (3000, 17), (640, 3)),
            // `get_size_with_aspect_ratio` of transformers.
            (Target::Edges { shortest: 800, longest: 1333 }, (640, 480), (1066, 800)),
            (Target::Edges { shortest: 800, longest: 1333 }, (480, 640), (800, 1066)),
            (Target::Edges { shortest: 800, longest: 1333 }, (1000, 500), (1333, 666)),
            (Target::Edges { shortest: 800, longest: 1333 }, (500, 375), (1066, 800)),
            (Target::Edges { shortest: 800, longest: 1333 }, (1334, 500), (1334, 500)),
            (Target::Edges { shortest: 800, longest: 1333 }, (900, 800), (900, 800)),
            // `get_preprocess_shape` of Segment Anything.
            (
                Target::LongerSide { side: 1024, rounding: Rounding::HalfUp },
                (480, 269),
                (1024, 574),
            ),
            (Target::LongerSide { side: 1024, rounding: Rounding::HalfUp }, (17, 3000), (6, 1024)),
        ] {
            let found = target.of(Size::new(from.0, from.1));
            assert_eq!(found, Size::new(to.0, to.1), "{target:?} of {from:?}");
        }
    }

    #[test]
    fn central_crops_are_tensorflow_s() {
        // `bbox_h_start` and `bbox_h_size` in `central_crop` of TensorFlow.
        for (n, fraction, first, count) in [
            (256, 0.875, 16, 224),
            (375, 0.875, 23, 329),
            (7, 0.5, 1, 5),
            (3, 0.1, 1, 1),
            (1, 0.5, 0, 1),
        ] {
            assert_eq!(Span::central(n, fraction), Span { first, count, at: 0 }, "{n} {fraction}");
        }
    }
}
