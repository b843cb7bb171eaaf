//! The inbox: a page of conversations.

use crate::conversations::conversation::{Conversation, Status};
use crate::db::index::Index;
use crate::db::schema::conversations;
use crate::db::{Connection, MultiBackend, index, still_wanted};
use crate::error::Result;
use crate::values::page::{Cursor, Page, Window};
use crate::{keyset, search};
use diesel::prelude::*;

/// Which conversations a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only this status; all when `None`.
    pub status: Option<Status>,
    /// Words to find in a message or in the visitor's name and address.
    pub q: String,
}

/// One page of the account's conversations, the latest message first.
pub fn page(conn: &mut Connection, account_id: i64, filter: &Filter, window: Window) -> Result<Page<Conversation>> {
    let mut query = conversations::table
        .filter(conversations::account_id.eq(account_id))
        .filter(conversations::deleted_at.is_null())
        .into_boxed::<MultiBackend>();
    if let Some(status) = filter.status {
        query = query.filter(conversations::status.eq(status));
    }
    let terms = search::parse(&filter.q)?;
    if !terms.is_empty() {
        query = query.filter(index::matches_terms(conn, Index::Messages, account_id, &terms));
    } else if !filter.q.trim().is_empty() {
        // The query contains no searchable word, so nothing matches.
        return Ok(Page::default());
    }
    let rows = keyset!(query, window, conversations::last_message_at, conversations::seq).load(conn)?;
    still_wanted()?;
    Ok(Page::new(rows, window, |row: &Conversation| Cursor { at: row.last_message_at, id: row.seq }))
}
