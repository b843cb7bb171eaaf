//! Files to attach, and the files in a folder.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use std::io::Cursor;
use std::path::Path;

/// A picture whose bytes differ with `seed`.
pub fn picture(format: ImageFormat, seed: u32) -> Vec<u8> {
    let [_, _, high, low] = seed.to_be_bytes();
    let image = RgbImage::from_fn(64, 48, |x, y| Rgb([(x as u8 * 3) ^ high, (y as u8 * 5) ^ low, low]));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(image).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub fn png(seed: u32) -> Vec<u8> {
    picture(ImageFormat::Png, seed)
}

/// The files below a folder, by their path in it.
pub fn keys_below(folder: &Path) -> Vec<String> {
    let mut keys = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(current) = open.pop() {
        for entry in std::fs::read_dir(current).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                keys.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    keys.sort();
    keys
}
