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

/// A JPEG of exactly so many bytes: what follows its end is ignored.
pub fn jpeg_of(size: usize) -> Vec<u8> {
    let mut bytes = picture(ImageFormat::Jpeg, 1);
    bytes.resize(size, 0);
    bytes
}

/// A PDF of one page, all in one colour (red, green and blue from 0 to 1).
pub fn pdf(colour: &str) -> Vec<u8> {
    let paint = format!("{colour} rg 0 0 400 400 re f");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 400] /Contents 4 0 R >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{paint}\nendstream", paint.len()),
    ];
    let (mut pdf, mut places) = ("%PDF-1.4\n".to_owned(), Vec::new());
    for (index, object) in objects.iter().enumerate() {
        places.push(pdf.len());
        pdf += &format!("{} 0 obj\n{object}\nendobj\n", index + 1);
    }
    let start = pdf.len();
    pdf += "xref\n0 5\n0000000000 65535 f \n";
    places.iter().for_each(|place| pdf += &format!("{place:010} 00000 n \n"));
    pdf += &format!("trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    pdf.into_bytes()
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
