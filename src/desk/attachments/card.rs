//! A file as pages show it.

use crate::attachments::attachment::{Attachment, readable_size};
use crate::web::links::Links;
use crate::web::paths;

/// An attachment as pages show it.
#[derive(Clone, Debug)]
pub struct Card {
    pub id: String,
    pub filename: String,
    /// The extension in upper case, for the icon.
    pub label: String,
    /// For people, such as `12 KB`.
    pub size: String,
    pub url: String,
    pub thumbnail_url: Option<String>,
    /// Whether it is a picture that can be enlarged.
    pub is_picture: bool,
}

impl Card {
    /// `number` is that of the ticket.
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
