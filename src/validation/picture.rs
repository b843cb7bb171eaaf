//! Pictures need the full signature, a header with a size within the limits, and pixel
//! data. If the picture can be decoded, it becomes the thumbnail.

use super::{announced, mismatch, unreadable};
use crate::validation::kind::Kind;
use crate::validation::rejection::{Code, Rejection};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult, Limits};
use memchr::memmem;
use std::io::Cursor;

/// Pictures with more pixels are rejected before decoding.
const MAX_PIXELS: u64 = 40_000_000;
/// Longest side of a picture, in pixels.
const MAX_SIDE: u32 = 20_000;
/// Maximum size of a decoded picture, in bytes: at most eight per pixel.
const MAX_DECODED: u64 = 8 * MAX_PIXELS;
/// Maximum unpacked size of a header, for example a colour profile, in bytes. The header is
/// read before the memory use of the picture is known.
const MAX_HEADER: u64 = 8 * 1024 * 1024;
/// Memory for decoding, as a multiple of the decoded picture: for a progressive JPEG, the
/// decoder also holds all coefficients, two bytes each.
const WORKING_COPIES: u64 = 3;

/// The decoded first frame, before its orientation is applied.
pub struct Picture {
    pub image: DynamicImage,
    /// The transformation that turns the picture upright.
    pub orientation: Orientation,
}

pub(super) fn check(kind: Kind, bytes: &[u8]) -> Result<Option<Picture>, Rejection> {
    if announced(bytes) != Some(kind) {
        return Err(mismatch(kind, bytes));
    }
    let mut decoder = open(kind, bytes).map_err(refusal)?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(too_many_pixels());
    }
    if !has_pixels(kind, bytes) {
        return Err(unreadable("The picture ends before its first pixel."));
    }
    // Some programs write broken metadata; only the picture itself matters.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    decoder.set_limits(limits(MAX_DECODED)).map_err(refusal)?;
    match DynamicImage::from_decoder(decoder) {
        Ok(image) => Ok(Some(Picture { image, orientation })),
        Err(ImageError::Limits(_)) => Err(too_many_pixels()),
        // Viewers show the intact part of a picture whose end is missing or damaged.
        Err(_) => Ok(None),
    }
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

/// Maximum memory for decoding, according to the header, in bytes.
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

/// Whether the pixel data starts, judging by the structure of the format.
fn has_pixels(kind: Kind, bytes: &[u8]) -> bool {
    match kind {
        Kind::Png => png_data(bytes).is_some_and(|data| data.len() > 6 && is_zlib(data)),
        Kind::Jpeg => jpeg_data(bytes).is_some_and(|data| data.len() > 2),
        // An image descriptor of ten bytes, and the first data block.
        Kind::Gif => gif_data(bytes).is_some_and(|data| data.len() > 12),
        _ => [&b"VP8 "[..], b"VP8L", b"ALPH", b"ANMF"]
            .iter()
            .filter_map(|chunk| memmem::find(bytes, chunk))
            .any(|at| bytes.len() > at + 18),
    }
}

/// Whether the data starts with the two header bytes of a zlib stream (RFC 1950, 2.2).
fn is_zlib(data: &[u8]) -> bool {
    let [method, flags, ..] = data else { return false };
    method & 0x0F == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0
}

/// The data from the content of the first pixel chunk on.
fn png_data(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(8..)?;
    loop {
        let length = u32::from_be_bytes(rest.get(..4)?.try_into().ok()?) as usize;
        if rest.get(4..8)? == b"IDAT" {
            return rest.get(8..);
        }
        rest = rest.get(length.checked_add(12)?..)?;
    }
}

/// The data after the header of the first scan.
fn jpeg_data(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = &bytes[2..];
    while let [0xFF, marker, high, low, ..] = rest {
        let length = 2 + usize::from(u16::from_be_bytes([*high, *low]));
        let is_filler = *marker == 0xFF;
        let scan = *marker == 0xDA;
        rest = rest.get(if is_filler { 1 } else { length }..)?;
        if scan {
            return Some(rest);
        }
    }
    None
}

/// The data from the first image descriptor on (GIF89a, 20).
fn gif_data(bytes: &[u8]) -> Option<&[u8]> {
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut rest = bytes.get(13 + table(*bytes.get(10)?)..)?;
    loop {
        match rest {
            [0x2C, ..] => return Some(rest),
            [0x21, _, blocks @ ..] => {
                rest = blocks;
                while let [size, ..] = rest {
                    let is_last = *size == 0;
                    rest = rest.get(1 + usize::from(*size)..)?;
                    if is_last {
                        break;
                    }
                }
            }
            _ => return None,
        }
    }
}
