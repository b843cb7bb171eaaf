//! Tables for spreadsheets: CSV in UTF-8 with a byte order mark, by which they know the
//! encoding.

use crate::error::{Error, Result};
use actix_web::http::header::{ContentDisposition, DispositionParam, DispositionType};

pub const CONTENT_TYPE: &str = "text/csv; charset=utf-8";
pub const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A part of a table.
pub struct Rows(csv::Writer<Vec<u8>>);

impl Rows {
    /// The beginning of a table.
    pub fn with_head<const N: usize>(head: [&str; N]) -> Result<Self> {
        let mut rows = Self(csv::Writer::from_writer(BYTE_ORDER_MARK.to_vec()));
        rows.0.write_record(head).map_err(failed)?;
        Ok(rows)
    }

    /// Later rows of a table, without the head.
    pub fn further() -> Self {
        Self(csv::Writer::from_writer(Vec::new()))
    }

    pub fn add<const N: usize>(&mut self, cells: [String; N]) -> Result<()> {
        self.0.write_record(cells.map(harmless)).map_err(failed)
    }

    pub fn into_bytes(self) -> Result<Vec<u8>> {
        self.0.into_inner().map_err(|source| Error::internal("the CSV file", source.to_string()))
    }
}

fn failed(source: csv::Error) -> Error {
    Error::internal("the CSV file", source)
}

/// A cell that spreadsheets show, and never run as a formula.
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

/// The header that makes a response a download.
pub fn download(name: &str) -> ContentDisposition {
    let name = DispositionParam::Filename(name.into());
    ContentDisposition { disposition: DispositionType::Attachment, parameters: vec![name] }
}
