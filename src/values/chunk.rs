//! Going through all rows of a table, some at a time.

/// What came of some rows.
pub struct Chunk<Found, Place> {
    /// What is wrong among them.
    pub wrong: Vec<Found>,
    /// After which row to go on; nothing at the end of the table.
    pub next: Option<Place>,
}
