//! Local paths that more than one interface uses.

pub fn attachment(number: i64, id: &str) -> String {
    format!("/tickets/{number}/attachments/{id}")
}

pub fn thumbnail(number: i64, id: &str) -> String {
    format!("{}/thumbnail", attachment(number, id))
}
