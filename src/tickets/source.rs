//! What the source of a ticket tells of its visitor, where it is here.

use crate::conversations::messages;
use crate::conversations::store as conversations;
use crate::db::Connection;
use crate::error::Result;
use crate::submissions::store as submissions;
use crate::tickets::model::{Source, SourceKind};

/// Who the visitor is, and what they want.
#[derive(Clone, Debug)]
pub struct Known {
    /// Their name, perhaps empty.
    pub name: String,
    /// Their address, perhaps empty.
    pub email: String,
    /// Their first words, or what they filled in.
    pub words: String,
}

/// What a source of this account tells; nothing when it is elsewhere or gone.
///
/// # Errors
/// When the database fails.
pub fn known(conn: &mut Connection, account_id: i64, source: &Source) -> Result<Option<Known>> {
    Ok(match source.kind {
        SourceKind::Chat => match conversations::find(conn, account_id, &source.id)? {
            Some(found) => {
                let words = messages::first_words(conn, found.seq)?;
                Some(Known { name: found.visitor_name, email: found.visitor_email, words })
            }
            None => None,
        },
        SourceKind::Form => submissions::find(conn, account_id, &source.id)?.map(|found| {
            let words = found.summary();
            Known { name: found.visitor_name, email: found.visitor_email, words }
        }),
    })
}
