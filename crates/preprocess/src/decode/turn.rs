//! The eight EXIF orientations.

use super::room;
use crate::recipe::Size;
use crate::resize::View;

/// Copies a picture into `buffer` as the EXIF tag says, 1 to 8; other values leave it as it is.
pub(super) fn upright<'a>(stored: View<'_>, tag: u8, buffer: &'a mut Vec<u8>) -> View<'a> {
    let Size { width, height } = stored.size;
    let size = if tag >= 5 { Size::new(height, width) } else { stored.size };
    let turned = room(buffer, stored.data.len());
    match stored.channels {
        1 => copy::<1>(stored, tag, size, turned),
        _ => copy::<3>(stored, tag, size, turned),
    }
    View { data: turned, size, channels: stored.channels }
}

fn copy<const CHANNELS: usize>(stored: View<'_>, tag: u8, size: Size, turned: &mut [u8]) {
    let (width, height) = (stored.size.width as usize, stored.size.height as usize);
    let (from, _) = stored.data.as_chunks::<CHANNELS>();
    let (to, _) = turned.as_chunks_mut::<CHANNELS>();
    for (y, row) in to.chunks_exact_mut(size.width as usize).enumerate() {
        // Where the row's first pixel lies in the stored picture, and how far the next one.
        let (first, step) = match tag {
            2 => (y * width + width - 1, -1),
            3 => ((height - 1 - y) * width + width - 1, -1),
            4 => ((height - 1 - y) * width, 1),
            5 => (y, width as isize),
            6 => ((height - 1) * width + y, -(width as isize)),
            7 => ((height - 1) * width + width - 1 - y, -(width as isize)),
            8 => (width - 1 - y, width as isize),
            _ => (y * width, 1),
        };
        let mut at = first;
        for pixel in row {
            *pixel = from[at];
            at = at.wrapping_add_signed(step);
        }
    }
}
