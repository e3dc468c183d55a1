//! Rows as they are made, and pictures of which only a part is wanted.

use calibrant_jpeg::{Decoder, Pixels, ROW_SLACK, Region};
use proptest::prelude::*;

use crate::synthetic::kinds;
use crate::{decode, fixture};

/// Decodes a region and compares what is wanted of it with the whole picture.
fn compare(encoded: &[u8], pixels: Pixels, region: &Region, wanted: [&[bool]; 2]) {
    let whole = decode(encoded, pixels).unwrap();
    let [rows, columns] = wanted;
    let stride = columns.len() * pixels.bytes();
    let mut given = Vec::new();
    let picture = |decoder: &mut Decoder, given: &mut Vec<usize>| {
        decoder.open(encoded).unwrap().rows(pixels, region, |y, row| {
            given.push(y);
            assert_eq!(row.len(), stride + ROW_SLACK);
            let expected = whole[y * stride..][..stride].chunks(pixels.bytes());
            for (x, (found, expected)) in row.chunks(pixels.bytes()).zip(expected).enumerate() {
                assert!(!columns[x] || found == expected, "{x} {y}: {found:?} for {expected:?}");
            }
        })
    };
    let mut decoder = Decoder::new();
    picture(&mut decoder, &mut given).unwrap();
    let expected: Vec<_> = (0..rows.len()).filter(|&y| rows[y]).collect();
    assert_eq!(given, expected, "the wanted rows, from the top");
    picture(&mut decoder, &mut given).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_is_wanted_is_the_same(
        kind in kinds(),
        ranges in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>(), 0..20_usize), 0..12),
        luma: bool,
    ) {
        let pixels = if luma { Pixels::Luma } else { Pixels::Rgb };
        let size = [kind.height, kind.width];
        let mut wanted = size.map(|n| vec![false; n]);
        let mut region = Region::new();
        region.clear(u32::try_from(kind.width).unwrap(), u32::try_from(kind.height).unwrap());
        for (is_row, at, len) in ranges {
            let axis = usize::from(!is_row);
            let start = at.index(size[axis]);
            let range = start..(start + len).min(size[axis]);
            wanted[axis][range.clone()].fill(true);
            if is_row { region.want_rows(range) } else { region.want_columns(range) }
        }
        compare(&kind.encode(), pixels, &region, wanted.each_ref().map(Vec::as_slice));
    }
}

#[test]
fn a_region_of_everything_is_everything() {
    let encoded = std::fs::read(fixture("preprocess/pictures/restart.jpg")).unwrap();
    let header = *Decoder::new().open(&encoded).unwrap().header();
    let (width, height) = (header.width as usize, header.height as usize);
    let mut region = Region::new();
    region.clear(header.width, header.height);
    region.want_rows(0..height);
    region.want_columns(0..width);
    compare(&encoded, Pixels::Rgb, &region, [&vec![true; height], &vec![true; width]]);
}

#[test]
#[should_panic(expected = "the region is of the picture's size")]
fn a_region_of_another_size_is_the_caller_s_mistake() {
    let encoded = std::fs::read(fixture("preprocess/pictures/restart.jpg")).unwrap();
    let _ = Decoder::new().open(&encoded).unwrap().rows(Pixels::Rgb, &Region::new(), |_, _| {});
}
