//! The addresses that more than one interface gives out, below the base path.

/// A file on a ticket.
pub fn attachment(number: i64, id: &str) -> String {
    format!("/tickets/{number}/attachments/{id}")
}

/// The thumbnail of such a file.
pub fn thumbnail(number: i64, id: &str) -> String {
    format!("{}/thumbnail", attachment(number, id))
}
