//! Where a picture comes to lie in the tensor: sizes, crops and bars, in whole pixels.

use crate::recipe::Size;

/// A part of the scaled picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) size: Size,
}

/// What to compute of the scaled picture and where it goes in the tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Size that the whole picture would be scaled to; only `window` of it is computed.
    pub(crate) scaled: Size,
    pub(crate) window: Window,
    /// Column and row of the tensor where the window begins.
    pub(crate) at: (u32, u32),
    /// Value around the window.
    pub(crate) fill: u8,
}

/// The whole picture over the whole tensor.
pub(crate) fn stretch(size: Size) -> Plan {
    Plan { scaled: size, window: Window { left: 0, top: 0, size }, at: (0, 0), fill: 0 }
}

/// torchvision's `Resize(shorter_side)` and `CenterCrop(size)`.
///
/// The longer side is truncated. The crop begins at `round((n - size) / 2)`, half to even; where
/// the scaled picture is smaller than the crop, `(size - n) // 2` zeros come before it.
pub(crate) fn shorter_crop(picture: Size, shorter_side: u32, size: Size) -> Plan {
    let longer = |long: u32, short: u32| {
        let side = u64::from(shorter_side) * u64::from(long) / u64::from(short);
        u32::try_from(side).unwrap_or(u32::MAX)
    };
    let scaled = if picture.width <= picture.height {
        Size::new(shorter_side, longer(picture.height, picture.width))
    } else {
        Size::new(longer(picture.width, picture.height), shorter_side)
    };
    let (left, width, at_x) = centred(scaled.width, size.width);
    let (top, height, at_y) = centred(scaled.height, size.height);
    let window = Window { left, top, size: Size::new(width, height) };
    Plan { scaled, window, at: (at_x, at_y), fill: 0 }
}

/// Returns the first position taken of `n`, how many are taken, and where they begin in `crop`.
fn centred(n: u32, crop: u32) -> (u32, u32, u32) {
    if n < crop {
        return (0, n, (crop - n) / 2);
    }
    let margin = n - crop;
    // An odd margin is a half: it goes to the even neighbour.
    let half = margin / 2;
    (half + (margin % 2) * (half % 2), crop, 0)
}

/// Ultralytics' `LetterBox(size, auto=False, scaleup=True, center=True)`.
///
/// Sides are `round(side * r)`, half to even, and at least 1; the bars before the picture are
/// `round(gap / 2 - 0.1)`.
pub(crate) fn letterbox(picture: Size, size: Size, fill: u8) -> Plan {
    let (w, h) = (f64::from(picture.width), f64::from(picture.height));
    let ratio = (f64::from(size.height) / h).min(f64::from(size.width) / w);
    let side = |side: f64, limit: u32| to_px((side * ratio).round_ties_even()).clamp(1, limit);
    let scaled = Size::new(side(w, size.width), side(h, size.height));
    let before =
        |outer: u32, inner: u32| to_px((f64::from(outer - inner) / 2.0 - 0.1).round_ties_even());
    let at = (before(size.width, scaled.width), before(size.height, scaled.height));
    Plan { scaled, window: Window { left: 0, top: 0, size: scaled }, at, fill }
}

/// Returns the non-negative whole number that `side` is.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rounded, at most a tensor's side; -0.1 rounds to -0"
)]
fn to_px(side: f64) -> u32 {
    side as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `int(round((n - crop) / 2.0))` of Python, or the padding before, as torchvision's.
    fn centred_naive(n: u32, crop: u32) -> (u32, u32, u32) {
        if crop > n {
            return (0, n, (crop - n) / 2);
        }
        (to_px(((f64::from(n) - f64::from(crop)) / 2.0).round_ties_even()), crop, 0)
    }

    proptest! {
        #[test]
        fn crops_are_python_s(w in 1..5000_u32, h in 1..5000_u32, side in 1..600_u32, crop in 1..600_u32) {
            let plan = shorter_crop(Size::new(w, h), side, Size::new(crop, crop));
            let (short, long) = (w.min(h), w.max(h));
            let other = to_px((f64::from(side) * f64::from(long) / f64::from(short)).trunc());
            let (scaled_w, scaled_h) = if w <= h { (side, other) } else { (other, side) };
            prop_assert_eq!(plan.scaled, Size::new(scaled_w, scaled_h));
            let (left, width, at_x) = centred_naive(scaled_w, crop);
            let (top, height, at_y) = centred_naive(scaled_h, crop);
            prop_assert_eq!(plan.window, Window { left, top, size: Size::new(width, height) });
            prop_assert_eq!(plan.at, (at_x, at_y));
        }

        #[test]
        fn letterboxes_lie_inside(w in 1..5000_u32, h in 1..5000_u32, a in 1..700_u32, b in 1..700_u32) {
            let plan = letterbox(Size::new(w, h), Size::new(a, b), 114);
            let Size { width, height } = plan.window.size;
            prop_assert!(plan.at.0 + width <= a && plan.at.1 + height <= b);
            prop_assert!(width == a || height == b, "it fills one direction");
            prop_assert!((a - width).abs_diff(2 * plan.at.0) <= 1, "it is centred");
        }
    }

    #[test]
    fn letterboxes_are_ultralytics() {
        // Printed by LetterBox of ultralytics 8.4: scaled size, left, top.
        for ((w, h), (a, b), scaled, at) in [
            ((480, 269), (640, 640), (640, 359), (0, 140)),
            ((269, 480), (640, 640), (359, 640), (140, 0)),
            ((1, 1), (640, 640), (640, 640), (0, 0)),
            ((333, 500), (640, 384), (256, 384), (192, 0)),
            ((640, 427), (641, 640), (641, 428), (0, 106)),
            ((3000, 17), (640, 640), (640, 4), (0, 318)),
        ] {
            let plan = letterbox(Size::new(w, h), Size::new(a, b), 114);
            assert_eq!(plan.scaled, Size::new(scaled.0, scaled.1), "{w}x{h}");
            assert_eq!(plan.at, at, "{w}x{h}");
        }
    }
}
