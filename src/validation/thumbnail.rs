//! Thumbnails of pictures.

use crate::validation::Picture;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, ImageResult};
use std::io::Cursor;

/// The extensions of thumbnails.
pub const THUMBNAILS: [&str; 2] = ["jpg", "png"];
/// Longest side, in pixels. Looks sharp at half this size on high-density screens.
const SIDE: u32 = 480;
const JPEG_QUALITY: u8 = 82;

/// An encoded thumbnail, free of the original's metadata.
pub struct Thumbnail {
    /// `jpg`, or `png` where the picture has transparency.
    pub extension: &'static str,
    pub bytes: Vec<u8>,
}

/// Shrinks a picture and applies its orientation. Small pictures keep their size.
pub fn make(picture: Picture) -> ImageResult<Thumbnail> {
    let Picture { image, orientation } = picture;
    let mut small = if image.width().max(image.height()) > SIDE { image.thumbnail(SIDE, SIDE) } else { image };
    small.apply_orientation(orientation);
    let mut bytes = Cursor::new(Vec::new());
    let extension = if small.color().has_alpha() {
        DynamicImage::from(small.to_rgba8()).write_to(&mut bytes, ImageFormat::Png)?;
        "png"
    } else {
        small.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))?;
        "jpg"
    };
    Ok(Thumbnail { extension, bytes: bytes.into_inner() })
}
