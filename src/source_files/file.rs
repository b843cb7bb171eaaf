//! A file of a message or a submission: its row, and how rows are found.

use crate::db::Connection;
use crate::db::schema::source_files;
use crate::error::Result;
use crate::validation::kind::Kind;
use crate::validation::thumbnail::THUMBNAILS;
use crate::words;
use chrono::NaiveDateTime;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use std::collections::HashMap;

/// Most files of one message or submission.
pub const MAX_FILES: usize = 5;

/// The upload state of a file.
#[derive(AsExpression, Clone, Copy, Debug, Eq, FromSqlRow, PartialEq)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum State {
    /// Reserved; the content is being stored.
    Pending,
    /// The content is stored.
    Ready,
    /// The content was never stored; upkeep deletes what is left.
    GivenUp,
}

words!(State, "unknown state of a file");

impl State {
    const ALL: [Self; 3] = [Self::Pending, Self::Ready, Self::GivenUp];

    /// The word used in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::GivenUp => "given_up",
        }
    }
}

/// A file's row.
#[derive(Clone, Debug, Insertable, Queryable)]
#[diesel(table_name = source_files)]
pub struct SourceFile {
    /// Random: nobody can guess it.
    pub id: String,
    pub account_id: i64,
    pub state: State,
    pub filename: String,
    pub kind: Kind,
    /// In bytes.
    pub size: i64,
    pub sha256: String,
    /// The extension of its thumbnail, if it has one.
    pub thumbnail: Option<String>,
    /// Whether a visitor has sent it, and not the team.
    pub by_visitor: bool,
    pub conversation_seq: Option<i64>,
    /// The message of the conversation.
    pub message_position: Option<i64>,
    pub submission_seq: Option<i64>,
    /// Its place among the files of its message or submission.
    pub place: i64,
    pub created_at: NaiveDateTime,
}

impl SourceFile {
    /// The storage key of the content: `sources/<account>/<id>.<extension>`.
    pub fn key(&self) -> String {
        format!("sources/{}/{}.{}", self.account_id, self.id, self.kind.extension())
    }

    /// The storage key of the thumbnail, if there is one.
    pub fn thumbnail_key(&self) -> Option<String> {
        self.thumbnail.as_ref().map(|extension| thumbnail_key(self.account_id, &self.id, extension))
    }

    /// All storage keys that the file may use. Until it is ready, the type of its thumbnail is
    /// unknown.
    pub fn keys(&self) -> Vec<String> {
        let possible: &[&str] = match &self.thumbnail {
            Some(extension) => &[extension.as_str()],
            None if self.state == State::Ready => &[],
            None => &THUMBNAILS,
        };
        let thumbnails = possible.iter().map(|extension| thumbnail_key(self.account_id, &self.id, extension));
        std::iter::once(self.key()).chain(thumbnails).collect()
    }
}

/// The storage key of a thumbnail.
pub fn thumbnail_key(account_id: i64, id: &str, extension: &str) -> String {
    format!("thumbnails/{account_id}/{id}.{extension}")
}

/// The account, the id and the extension of a key of a file or its thumbnail. `None` for others.
pub fn parse_key(key: &str) -> Option<(i64, &str, &str)> {
    let mut steps = key.split('/');
    let (folder, account, name) = (steps.next()?, steps.next()?, steps.next()?);
    let (id, extension) = name.split_once('.')?;
    let is_ours = match folder {
        "sources" => Kind::of_extension(extension).is_some(),
        "thumbnails" => THUMBNAILS.contains(&extension),
        _ => false,
    };
    // The thumbnails of files on tickets have numbers for names.
    let is_id = id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let account_id: i64 = account.parse().ok()?;
    let is_exact = format!("{folder}/{account_id}/{id}.{extension}") == key;
    (is_ours && is_id && is_exact).then_some((account_id, id, extension))
}

/// The files of the messages of a conversation between two positions, by position.
pub fn of_messages(conn: &mut Connection, seq: i64, first: i64, last: i64) -> Result<HashMap<i64, Vec<SourceFile>>> {
    let rows: Vec<SourceFile> = source_files::table
        .filter(source_files::conversation_seq.eq(seq))
        .filter(source_files::message_position.between(first, last))
        .order((source_files::message_position, source_files::place))
        .load(conn)?;
    let mut by_position: HashMap<i64, Vec<SourceFile>> = HashMap::new();
    for row in rows {
        by_position.entry(row.message_position.unwrap_or_default()).or_default().push(row);
    }
    Ok(by_position)
}

/// The newest files of a conversation, oldest first.
pub fn of_conversation(conn: &mut Connection, seq: i64, limit: i64) -> Result<Vec<SourceFile>> {
    let mut rows: Vec<SourceFile> = source_files::table
        .filter(source_files::conversation_seq.eq(seq))
        .order((source_files::message_position.desc(), source_files::place.desc()))
        .limit(limit)
        .load(conn)?;
    rows.reverse();
    Ok(rows)
}

/// The files of a submission.
pub fn of_submission(conn: &mut Connection, seq: i64) -> Result<Vec<SourceFile>> {
    let of_submission = source_files::table.filter(source_files::submission_seq.eq(seq));
    Ok(of_submission.order(source_files::place).load(conn)?)
}

/// A file of the account that belongs to a message or a submission.
///
/// # Errors
/// *Not found*.
pub fn find(conn: &mut Connection, account_id: i64, id: &str) -> Result<SourceFile> {
    Ok(source_files::table
        .find(id)
        .filter(source_files::account_id.eq(account_id))
        .filter(source_files::state.eq(State::Ready))
        .first(conn)?)
}

/// The same, if it belongs to this conversation.
///
/// # Errors
/// *Not found*.
pub fn find_in_conversation(conn: &mut Connection, seq: i64, id: &str) -> Result<SourceFile> {
    let row = source_files::table.find(id).filter(source_files::conversation_seq.eq(seq));
    Ok(row.filter(source_files::state.eq(State::Ready)).first(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back() {
        let id = "abcdefghjkmnpqr0";
        for (key, extension) in [(format!("sources/7/{id}.jpg"), "jpg"), (thumbnail_key(7, id, "png"), "png")] {
            assert_eq!(parse_key(&key), Some((7, id, extension)));
        }
        for other in ["sources/7/1.jpg", "thumbnails/7/1234567890123.jpg", "sources/7/abcdefghjkmnpqr0.exe", "x", ""] {
            assert_eq!(parse_key(other), None, "{other}");
        }
    }
}
