//! Scanning all rows of a table in chunks.

/// The result of checking one chunk.
pub struct Chunk<Found, Place> {
    /// The rows that are wrong.
    pub wrong: Vec<Found>,
    /// The row to continue after; `None` at the end of the table.
    pub next: Option<Place>,
}
