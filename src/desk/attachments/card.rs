//! A file as pages show it.

use crate::attachments::attachment::{Attachment, readable_size};
use crate::web::links::Links;
use crate::web::paths;

/// An attachment as pages show it.
#[derive(Clone, Debug)]
pub struct Card {
    /// Its random id.
    pub id: String,
    /// Its original name.
    pub filename: String,
    /// Its extension in upper case, for the icon.
    pub label: String,
    /// Its size for people.
    pub size: String,
    /// Its address.
    pub url: String,
    /// Its thumbnail's address, if it has one.
    pub thumbnail_url: Option<String>,
    /// Whether it is a picture that can be shown larger.
    pub is_picture: bool,
}

impl Card {
    /// The card of a file of the ticket of that number.
    pub fn new(attachment: &Attachment, number: i64, links: &Links) -> Self {
        let id = &attachment.id;
        Self {
            id: attachment.id.clone(),
            filename: attachment.filename.clone(),
            label: attachment.kind.label().to_owned(),
            size: readable_size(attachment.size),
            is_picture: attachment.kind.is_image(),
            thumbnail_url: attachment.thumbnail.as_ref().map(|_| links.href(paths::thumbnail(number, id))),
            url: links.href(paths::attachment(number, id)),
        }
    }
}
