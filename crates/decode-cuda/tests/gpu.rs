//! The device's tensors beside the processor's; each test fails where there is no GPU.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use calibrant_cuda::{Device, Stream, Upload};
use calibrant_decode_cuda::{DevicePreprocess, JpegWay, PictureDecoder, PinnedPicture, TENSORS};
use calibrant_preprocess::{
    Color, Filter, JpegDecoder, Orientation, Pipeline, PixelRules, Pixels, Preprocess, ResizeKind,
    Scale, Scratch, Settings, Size,
};

/// The largest mean difference, in levels of 255, of nvJPEG's pixels of a photograph from
/// libjpeg-turbo's. Drawn pictures can be further off: their colours change from pixel to pixel.
const NVJPEG_MEAN_LEVELS: f64 = 2.0;

fn device() -> Device {
    Device::open(0).expect("a GPU; these tests are for machines that have one")
}

fn go_on() -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn exact_filters() -> impl Iterator<Item = Filter> {
    Filter::ALL.iter().copied().filter(|filter| filter.is_exact())
}

fn settings(filter: Filter, size: Size) -> Settings {
    Settings { filter: Some(filter), size: Some(size), ..Settings::preset("imagenet") }
}

fn compiled(settings: &Settings) -> Pipeline {
    settings.recipe().and_then(|recipe| recipe.compile()).expect("a recipe")
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// The folder of fixtures: beside the sources, or where the machine that runs this has it.
fn fixtures() -> PathBuf {
    std::env::var_os("CALIBRANT_FIXTURES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures"), PathBuf::from)
}

/// Every file of the fixtures that may be a picture, in order.
fn pictures() -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths: Vec<PathBuf> = ["preprocess/pictures", "edge", "photos"]
        .iter()
        .filter_map(|folder| fixtures().join(folder).read_dir().ok())
        .flat_map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())))
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    assert!(paths.len() > 20, "there are pictures under {}", fixtures().display());
    let read = |path: PathBuf| (path.clone(), std::fs::read(path).expect("it can be read"));
    paths.into_iter().map(read).collect()
}

/// The geometries, with a shorter side for the one that has it.
fn resizes(side: u32) -> [Settings; 3] {
    let of = |kind| Settings { resize: Some(kind), ..Settings::default() };
    let crop = Settings { shorter_side: Some(side), ..of(ResizeKind::ShorterCrop) };
    [of(ResizeKind::Stretch), crop, of(ResizeKind::Letterbox)]
}

/// A sequence of numbers below `end`.
struct Random(u32);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) % end
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.below(256).to_le_bytes()[0]).collect()
    }
}

fn compare(pipeline: &Pipeline, device: &DevicePreprocess, name: &Path, encoded: &[u8]) -> bool {
    let len = pipeline.shape().iter().product();
    let (mut expected, mut found) = (vec![0.0; len], vec![f32::NAN; len]);
    let on_host = pipeline.preprocess(encoded, &mut Scratch::new(), &mut expected);
    let on_device = device.preprocess(encoded, &mut Scratch::new(), &mut found);
    match (on_host, on_device) {
        (Ok(()), Ok(())) => {
            let filter = pipeline.filter();
            assert!(bits(&expected) == bits(&found), "{} by {filter} differs", name.display());
            true
        }
        (Err(host), Err(device)) => {
            assert_eq!(host.to_string(), device.to_string(), "{}", name.display());
            false
        }
        (host, device) => panic!("{}: {host:?} and {device:?}", name.display()),
    }
}

#[test]
fn pixels_become_the_processors_tensors() {
    let device = device();
    let stream = Stream::new(&device).unwrap();
    let mut random = Random(1);
    for filter in exact_filters() {
        for resize in resizes(40) {
            let size = Size::new(1 + random.below(70), 1 + random.below(70));
            let pipeline = compiled(&settings(filter, size).overridden_by(resize.clone()));
            let decoder =
                PictureDecoder::open(&device, &pipeline, JpegWay::Exact, &mut go_on).unwrap();
            let mut maker = decoder.maker().unwrap();
            let len = decoder.tensor_bytes() / 4;
            for _ in 0..12 {
                let from = Size::new(1 + random.below(150), 1 + random.below(150));
                let rgb = random.bytes(3 * from.width as usize * from.height as usize);
                let mut expected = vec![0.0; len];
                let pixels = Pixels::rgb(from, &rgb).unwrap();
                pipeline.preprocess_pixels(pixels, &mut Scratch::new(), &mut expected).unwrap();
                let mut upload = Upload::begin(&stream, decoder.buffers(2).unwrap());
                // Two of the same, so that rows are told apart.
                for row in 0..2 {
                    let mut picture = PinnedPicture::new(&device, decoder.tensor_bytes()).unwrap();
                    decoder.prepare_pixels(&rgb, from, &mut picture).unwrap();
                    drop(
                        PictureDecoder::append(&mut upload, &mut maker, vec![picture], slice, row)
                            .unwrap(),
                    );
                }
                let buffers = upload.finish().unwrap().wait().unwrap();
                for row in 0..2 {
                    let mut found = vec![f32::NAN; len];
                    buffers[TENSORS].read_values(row * len, &mut found).unwrap();
                    assert!(
                        bits(&expected) == bits(&found),
                        "{filter} {from} to {size} {resize:?}"
                    );
                }
            }
        }
    }
}

fn slice(pictures: &Vec<PinnedPicture>) -> &[PinnedPicture] {
    pictures
}

#[test]
fn files_become_the_processors_tensors() {
    let device = device();
    let pictures = pictures();
    let mut same = 0;
    for filter in exact_filters() {
        for resize in resizes(120) {
            let size = Size::new(96, 112);
            let pipeline = compiled(&settings(filter, size).overridden_by(resize));
            let decoder =
                PictureDecoder::open(&device, &pipeline, JpegWay::Exact, &mut go_on).unwrap();
            let decoder = DevicePreprocess::new(decoder);
            for (name, encoded) in &pictures {
                same += usize::from(compare(&pipeline, &decoder, name, encoded));
            }
        }
    }
    assert!(same > 400, "{same} tensors were compared");
}

#[test]
fn colours_turns_and_gray_are_the_processors() {
    let device = device();
    for color in [Color::Rgb, Color::Bgr, Color::Gray] {
        for pixels in [PixelRules::Opencv, PixelRules::Pillow] {
            for orientation in [Orientation::Exif, Orientation::Stored] {
                let pipeline = compiled(&Settings {
                    color: Some(color),
                    pixels: Some(pixels),
                    orientation: Some(orientation),
                    mean: Some(vec![0.4]),
                    std: Some(vec![0.25]),
                    ..settings(Filter::Cv2Linear, Size::new(61, 47))
                });
                let decoder =
                    PictureDecoder::open(&device, &pipeline, JpegWay::Exact, &mut go_on).unwrap();
                let decoder = DevicePreprocess::new(decoder);
                for (name, encoded) in pictures() {
                    compare(&pipeline, &decoder, &name, &encoded);
                }
            }
        }
    }
}

/// Files cut anywhere give the processor's error or its tensor, by both ways.
#[test]
fn files_that_end_early_are_told_as_the_processor_tells_them() {
    let device = device();
    let pipeline = compiled(&settings(Filter::Cv2Linear, Size::new(32, 32)));
    for way in [JpegWay::Exact, JpegWay::Nvjpeg] {
        let decoder = PictureDecoder::open(&device, &pipeline, way, &mut go_on).unwrap();
        let decoder = DevicePreprocess::new(decoder);
        for (name, encoded) in pictures() {
            for part in [1, 3, 7, 15] {
                compare(&pipeline, &decoder, &name, &encoded[..encoded.len() * part / 16]);
            }
        }
    }
}

#[test]
fn many_threads_make_the_tensors_that_one_makes() {
    let device = device();
    let pipeline = compiled(&settings(Filter::PilBilinear, Size::new(64, 64)));
    let decoder = PictureDecoder::open(&device, &pipeline, JpegWay::Exact, &mut go_on).unwrap();
    let decoder = DevicePreprocess::new(decoder);
    let pictures = pictures();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for (name, encoded) in &pictures {
                    compare(&pipeline, &decoder, name, encoded);
                }
            });
        }
    });
}

#[test]
fn nvjpeg_is_near_and_always_the_same() {
    let device = device();
    let pipeline = compiled(&Settings {
        scale: Some(Scale::Times(1.0)),
        mean: Some(vec![0.0]),
        std: Some(vec![1.0]),
        ..settings(Filter::Cv2Nearest, Size::new(224, 224))
    });
    let decoder = PictureDecoder::open(&device, &pipeline, JpegWay::Nvjpeg, &mut go_on).unwrap();
    println!("{decoder:?}");
    assert!(decoder.describe().contains(JpegDecoder::Nvjpeg.word()));
    let decoder = DevicePreprocess::new(decoder);
    let len = pipeline.shape().iter().product();
    let mut photographs = 0;
    for (name, encoded) in pictures() {
        let mut expected = vec![0.0; len];
        if pipeline.preprocess(&encoded, &mut Scratch::new(), &mut expected).is_err() {
            continue;
        }
        let tensors = [(); 2].map(|()| {
            let mut out = vec![f32::NAN; len];
            decoder.preprocess(&encoded, &mut Scratch::new(), &mut out).unwrap();
            out
        });
        assert!(bits(&tensors[0]) == bits(&tensors[1]), "{} changes", name.display());
        let differences = expected.iter().zip(&tensors[0]).map(|(a, b)| f64::from((a - b).abs()));
        let mean = differences.clone().sum::<f64>() / len as f64;
        let most = differences.fold(0.0, f64::max);
        println!("{}: mean {mean:.4}, most {most}", name.display());
        if name.starts_with(fixtures().join("photos")) {
            assert!(mean <= NVJPEG_MEAN_LEVELS, "{} is far: {mean}", name.display());
            photographs += 1;
        }
    }
    assert!(photographs > 20);
}
