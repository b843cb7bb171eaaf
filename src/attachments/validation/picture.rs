//! Pictures: the full signature, a size within limits by the header, and a first
//! frame that can be decoded.

use super::{announced, mismatch, position, unreadable};
use crate::attachments::model::{Code, Kind, Rejection};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult, Limits};
use std::io::Cursor;

/// A picture of more pixels than this is refused before it is decoded.
const MAX_PIXELS: u64 = 40_000_000;
/// Longest side of a picture, in pixels.
const MAX_SIDE: u32 = 20_000;
/// What the decoded picture may take, in bytes: eight for each pixel at most.
const MAX_DECODED: u64 = 8 * MAX_PIXELS;
/// What a header may unpack to, in bytes: a colour profile, for one. It is read
/// before anybody knows how much memory the picture takes.
const MAX_HEADER: u64 = 8 * 1024 * 1024;
/// What decoders keep beside the picture that they make: a progressive JPEG all
/// its coefficients, two bytes each.
const WORKING_COPIES: u64 = 3;

/// A decoded first frame, as it is stored; not yet turned.
pub struct Picture {
    /// The pixels.
    pub image: DynamicImage,
    /// How they are to be turned so that up is up.
    pub orientation: Orientation,
}

pub(super) fn check(kind: Kind, bytes: &[u8]) -> Result<Picture, Rejection> {
    if announced(bytes) != Some(kind) {
        return Err(mismatch(kind, bytes));
    }
    let mut decoder = open(kind, bytes).map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(too_many_pixels());
    }
    if kind == Kind::Jpeg && !jpeg_ends(bytes) {
        return Err(unreadable("The picture ends too early."));
    }
    // Some writers leave broken metadata behind; the picture itself is what counts.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    decoder.set_limits(limits(MAX_DECODED)).map_err(refusal)?;
    let image = DynamicImage::from_decoder(decoder).map_err(refusal)?;
    Ok(Picture { image, orientation })
}

fn refusal(error: ImageError) -> Rejection {
    match error {
        ImageError::Limits(_) => too_many_pixels(),
        _ => unreadable("The picture cannot be decoded."),
    }
}

fn too_many_pixels() -> Rejection {
    let message = "The picture has too many pixels: at most 40 megapixels and 20,000 pixels a side are taken.";
    Rejection::new(Code::TooLarge, format!("{message} Make it smaller."))
}

/// What decoding takes at most, by the header, in bytes.
pub(super) fn memory(kind: Kind, bytes: &[u8]) -> u64 {
    if !kind.is_image() || announced(bytes) != Some(kind) {
        return 0;
    }
    let within_limits = |decoder: &dyn ImageDecoder| decoder.total_bytes().min(MAX_DECODED);
    open(kind, bytes).map_or(0, |decoder| within_limits(&decoder) * WORKING_COPIES)
}

/// Reads the header.
fn open<'a>(kind: Kind, bytes: &'a [u8]) -> ImageResult<impl ImageDecoder + 'a> {
    let format = match kind {
        Kind::Png => ImageFormat::Png,
        Kind::Gif => ImageFormat::Gif,
        Kind::Webp => ImageFormat::WebP,
        _ => ImageFormat::Jpeg,
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits(MAX_HEADER));
    reader.into_decoder()
}

fn limits(bytes: u64) -> Limits {
    let mut limits = Limits::default();
    limits.max_alloc = Some(bytes);
    limits
}

/// Whether the mark of the end follows the header: decoders make something of a
/// JPEG without its second half, too.
fn jpeg_ends(bytes: &[u8]) -> bool {
    let mut rest = &bytes[2..];
    while let [0xFF, marker, high, low, ..] = rest {
        let length = 2 + usize::from(u16::from_be_bytes([*high, *low]));
        let is_filler = *marker == 0xFF;
        rest = rest.get(if is_filler { 1 } else { length }..).unwrap_or_default();
        if *marker == 0xDA {
            break;
        }
    }
    position(rest, b"\xFF\xD9").is_some()
}
