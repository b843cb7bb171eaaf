//! DOC: an OLE compound file ([MS-CFB]) with the stream of a Word document ([MS-DOC], 2.1)
//! and no stream of another program.

use super::{mismatch, protected, unreadable};
use crate::validation::kind::Kind;
use crate::validation::rejection::Rejection;
use cfb::CompoundFile;
use std::borrow::Cow;
use std::io::{self, Cursor, Read};

/// The first bytes of a compound file.
pub(super) const SIGNATURE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
/// The first bytes of a Word stream: Word 97 and later, Word 6 and 95.
const WORD: [[u8; 2]; 2] = [[0xEC, 0xA5], [0xDC, 0xA5]];
/// The streams of spreadsheets, presentations, drawings, emails and projects.
const OTHERS: [&str; 6] =
    ["/Workbook", "/Book", "/PowerPoint Document", "/VisioDocument", "/__properties_version1.0", "/Props"];
/// Size of a sector and of the header, in bytes; below it, the number of sectors that one
/// sector of the allocation table describes.
const SECTOR: usize = 512;
const SECTORS_PER_TABLE: usize = SECTOR / 4;
/// Sector numbers from here on mean that there is no sector.
const END_OF_CHAIN: u32 = 0xFFFF_FFFE;
/// The stream of a newer, password-protected document ([MS-OFFCRYPTO], 2.3.4.4).
const ENCRYPTED: &str = "/EncryptedPackage";

pub(super) fn check(bytes: &[u8]) -> Result<(), Rejection> {
    if !bytes.starts_with(SIGNATURE) {
        return Err(mismatch(Kind::Doc, bytes));
    }
    let broken = |_| unreadable("The document cannot be opened.");
    let mut file = open(bytes).map_err(broken)?;
    if file.is_stream(ENCRYPTED) {
        return Err(protected("document"));
    }
    if !file.is_stream("/WordDocument") || OTHERS.iter().any(|stream| file.is_stream(stream)) {
        return Err(mismatch(Kind::Doc, bytes));
    }
    let mut magic = [0; 2];
    let mut stream = file.open_stream("/WordDocument").map_err(broken)?;
    stream.read_exact(&mut magic).map_err(broken)?;
    if WORD.contains(&magic) { Ok(()) } else { Err(mismatch(Kind::Doc, bytes)) }
}

/// Whether this is a newer, password-protected Office file of any kind.
pub(super) fn is_protected_package(bytes: &[u8]) -> bool {
    bytes.starts_with(SIGNATURE) && open(bytes).is_ok_and(|file| file.is_stream(ENCRYPTED))
}

/// Opens the file. Some programs fill the rest of the last allocation table with
/// end-of-chain entries instead of "free". In this case, the sectors that these entries
/// describe are added.
fn open(bytes: &[u8]) -> io::Result<CompoundFile<Cursor<Cow<'_, [u8]>>>> {
    // The header itself lists enough tables for 6.8 MB. A chain of further tables could list
    // the same sectors again and again, and fill all memory.
    let more_tables = bytes.get(68..72).and_then(|sector| sector.try_into().ok()).map(u32::from_le_bytes);
    if more_tables.is_none_or(|sector| sector < END_OF_CHAIN) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    CompoundFile::open(Cursor::new(Cow::Borrowed(bytes))).or_else(|_| {
        let mut padded = bytes.to_vec();
        padded.resize(SECTOR + bytes.len().saturating_sub(SECTOR).next_multiple_of(SECTORS_PER_TABLE * SECTOR), 0);
        CompoundFile::open(Cursor::new(Cow::Owned(padded)))
    })
}
