//! Files to attach, and the files in a folder.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use std::io::Cursor;
use std::path::Path;

/// A picture with different bytes for each `seed`.
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

/// A JPEG of exactly this many bytes: bytes after its end are ignored.
pub fn jpeg_of(size: usize) -> Vec<u8> {
    let mut bytes = picture(ImageFormat::Jpeg, 1);
    bytes.resize(size, 0);
    bytes
}

/// A PDF with one page in one colour (red, green and blue from 0 to 1).
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

/// Files that claim to be, or unpack to, far more than their size.
pub fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    // A colour profile of 256 MB in a one-pixel picture.
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::copy(&mut std::io::Read::take(std::io::repeat(0), 256 << 20), &mut packed).unwrap();
    let profile = [b"icc\0\0".as_slice(), &packed.finish().unwrap()].concat();
    let mut picture = Cursor::new(Vec::new());
    RgbImage::new(1, 1).write_to(&mut picture, ImageFormat::Png).unwrap();
    let mut picture = picture.into_inner();
    let chunk = [b"iCCP".as_slice(), &profile].concat();
    let mut crc = flate2::Crc::new();
    crc.update(&chunk);
    let chunk = [&(profile.len() as u32).to_be_bytes()[..], &chunk, &crc.sum().to_be_bytes()].concat();
    picture.splice(33..33, chunk);

    // Headers that declare very large pictures.
    let mut wide = png(1);
    wide[16..24].copy_from_slice(&[0, 0, 0x4E, 0x20, 0, 0, 0x4E, 0x20]);
    let gif = b"GIF89a\xFF\xFF\xFF\xFF\x00\x00\x00,\x00\x00\x00\x00\xFF\xFF\xFF\xFF\x00\x02\x02L\x01\x00;".to_vec();

    // An allocation table with a chain that names one sector over and over.
    let mut tables = vec![0; 5 * 1024 * 1024];
    tables[..8].copy_from_slice(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1");
    tables[24..34].copy_from_slice(&[0x3E, 0, 4, 0, 0xFE, 0xFF, 12, 0, 6, 0]);
    tables[56..60].copy_from_slice(&4096u32.to_le_bytes());
    tables[60..64].fill(0xFF);
    tables[68..72].copy_from_slice(&1u32.to_le_bytes());
    tables[72..76].copy_from_slice(&1_278u32.to_le_bytes());
    for sector in 1..1_279u32 {
        let at = 4096 * (sector as usize + 1);
        let next = if sector == 1_278 { 0xFFFF_FFFE } else { sector + 1 };
        tables[at..at + 4092].as_chunks_mut().0.fill(1u32.to_le_bytes());
        tables[at + 4092..at + 4096].copy_from_slice(&next.to_le_bytes());
    }

    // Half a gigabyte of nothing in a document.
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("[Content_Types].xml", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::copy(&mut std::io::Read::take(std::io::repeat(b' '), 64 << 20), &mut zip).unwrap();
    let zip = zip.finish().unwrap().into_inner();

    vec![
        ("profile.png", picture),
        ("wide.png", wide),
        ("wide.gif", gif),
        ("tables.doc", tables.clone()),
        ("tables.docx", tables),
        ("blank.docx", zip),
    ]
}

/// The files below a folder, as paths relative to it.
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
