//! The full-text indexes of search terms: FTS5 on SQLite, GIN on Postgres.

use crate::db::held_words::HeldWords;
use crate::db::rows::{Number, Text as Name};
use crate::db::schema::search_state;
use crate::db::stored_words::{Table, lexemes, put, tokens};
use crate::db::{Connection, Engine, held_words};
use crate::search::{Part, Phrase, Term};
use diesel::connection::SimpleConnection;
use diesel::dsl::AsExprOf;
use diesel::expression::{SqlLiteral, UncheckedBind};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

/// The full-text indexes. Each holds one list of terms per id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// By the id of a ticket. Older versions searched it; it answers until
    /// [`ticket_index`](super::ticket_index) is built.
    Tickets,
    /// By conversation and position in one number, see [`message_id`].
    Messages,
    /// By the sequence number of a submission.
    Submissions,
}

/// How many messages a conversation can hold.
pub const MAX_MESSAGES: i64 = 1 << MESSAGE_BITS;

const MESSAGE_BITS: u32 = 20;

/// The id of a message in the index: conversation and position in one number.
pub fn message_id(conversation_seq: i64, position: i64) -> i64 {
    (conversation_seq << MESSAGE_BITS) | position
}

impl Index {
    fn table(self) -> &'static str {
        match self {
            Self::Tickets => "ticket_terms",
            Self::Messages => "message_terms",
            Self::Submissions => "submission_terms",
        }
    }

    /// The name of the id column on Postgres; FTS5 always uses `rowid`.
    fn id(self) -> &'static str {
        match self {
            Self::Tickets => "ticket_id",
            Self::Messages => "message_id",
            Self::Submissions => "submission_id",
        }
    }

    fn stored(self) -> Table {
        Table { name: self.table(), id: self.id(), words: "terms" }
    }
}

/// A word as stored in the index. The account comes first, so that a search never looks
/// at other accounts' words. The `x` ends the account's digits, so that no account is
/// mistaken for another.
fn term(account_id: i64, word: &str) -> String {
    format!("{account_id}x{word}")
}

fn beginning(account_id: i64) -> String {
    term(account_id, "")
}

/// Sets the words of an id, replacing earlier ones.
pub fn index_terms(conn: &mut Connection, index: Index, account_id: i64, id: i64, part: Part) -> QueryResult<()> {
    index_many(conn, index, [(account_id, id, part)])
}

/// Sets the words of several ids, each with its account.
pub fn index_many(
    conn: &mut Connection,
    index: Index,
    rows: impl IntoIterator<Item = (i64, i64, Part)>,
) -> QueryResult<()> {
    let stored = |(account_id, id, part): (i64, i64, Part)| {
        let words = match &conn.engine {
            Engine::Sqlite(_) => tokens(&part, &beginning(account_id)).join(" "),
            Engine::Postgres(_) => lexemes(&part, &beginning(account_id)),
        };
        (id, words)
    };
    let stored: Vec<(i64, String)> = rows.into_iter().map(stored).collect();
    put(conn, index.stored(), &stored)
}

/// What an index holds, for [`has_terms`]. `None` on Postgres, which needs no help.
pub fn held(conn: &mut Connection, index: Index) -> QueryResult<Option<HeldWords>> {
    HeldWords::read(conn, index.stored())
}

/// Whether an index holds exactly these words under an id, in this order.
pub fn has_terms(
    conn: &mut Connection,
    index: Index,
    held: Option<&HeldWords>,
    (account_id, id, part): &(i64, i64, Part),
) -> QueryResult<bool> {
    held_words::has(conn, index.stored(), held, (*id, part), &beginning(*account_id))
}

/// Ids in an index that no search should find: their rows are in the trash or gone.
pub fn stray_terms(conn: &mut Connection, index: Index) -> QueryResult<Vec<i64>> {
    let (column, table) = match &conn.engine {
        Engine::Sqlite(_) => ("id", format!("{}_docsize", index.table())),
        Engine::Postgres(_) => (index.id(), index.table().to_owned()),
    };
    let owner = match index {
        Index::Tickets => format!("{column} NOT IN (SELECT id FROM tickets WHERE deleted_at IS NULL)"),
        Index::Messages => format!("({column} >> {MESSAGE_BITS}) NOT IN (SELECT seq FROM conversations)"),
        Index::Submissions => format!("{column} NOT IN (SELECT seq FROM submissions)"),
    };
    let query = format!("SELECT {column} AS value FROM {table} WHERE {owner}");
    Ok(diesel::sql_query(query).load::<Number>(conn)?.into_iter().map(|number| number.value).collect())
}

/// Removes the terms of an id.
pub fn forget_terms(conn: &mut Connection, index: Index, id: i64) -> QueryResult<()> {
    let query = match &conn.engine {
        Engine::Sqlite(_) => format!("DELETE FROM {} WHERE rowid = ?", index.table()),
        Engine::Postgres(_) => format!("DELETE FROM {} WHERE {} = $1", index.table(), index.id()),
    };
    diesel::sql_query(query).bind::<BigInt, _>(id).execute(conn).map(drop)
}

/// The version of indexes that hold nothing yet, although there is something to find.
pub const NOTHING: i64 = -1;

/// The version of the tokenizer that all words in the indexes come from.
pub fn version(conn: &mut Connection) -> QueryResult<i64> {
    search_state::table.select(search_state::version).first(conn)
}

pub fn set_version(conn: &mut Connection, version: i64) -> QueryResult<()> {
    diesel::update(search_state::table).set(search_state::version.eq(version)).execute(conn).map(drop)
}

/// Lets Postgres merge new words into the indexes many at once, several times faster than those of
/// each row, until [`index_row_by_row`]. Locks the indexes, so it is for a database that nobody uses
/// yet. Searches also look through words that are not merged: 4 MB at most (`gin_pending_list_limit`).
pub fn index_in_bulk(conn: &mut Connection) -> QueryResult<()> {
    let Engine::Postgres(conn) = &mut conn.engine else { return Ok(()) };
    for index in ["message_terms_by_term", "submission_terms_by_term", "ticket_terms_by_term", "ticket_words_by_word"] {
        conn.batch_execute(&format!("ALTER INDEX {index} SET (fastupdate = on)"))?;
    }
    Ok(())
}

/// Undoes [`index_in_bulk`], and does nothing to other indexes.
pub fn index_row_by_row(conn: &mut Connection) -> QueryResult<()> {
    let Engine::Postgres(conn) = &mut conn.engine else { return Ok(()) };
    let in_bulk = "SELECT relname::text AS value FROM pg_class WHERE relkind = 'i'
        AND relnamespace = current_schema()::regnamespace AND 'fastupdate=on' = ANY (reloptions)";
    for Name { value: index } in diesel::sql_query(in_bulk).load(conn)? {
        let end = format!("ALTER INDEX {index} SET (fastupdate = off); SELECT gin_clean_pending_list('{index}')");
        conn.batch_execute(&end)?;
    }
    Ok(())
}

/// Removes all words from an index.
pub fn clear(conn: &mut Connection, index: Index) -> QueryResult<()> {
    let table = index.table();
    match &mut conn.engine {
        // FTS5's own "delete-all" leaves a table of this kind damaged.
        Engine::Sqlite(conn) => conn.batch_execute(&format!(
            "DROP TABLE {table};
             CREATE VIRTUAL TABLE {table} USING fts5 (terms, content = '', contentless_delete = 1, tokenize = 'ascii')"
        )),
        Engine::Postgres(conn) => conn.batch_execute(&format!("DELETE FROM {table}")),
    }
}

/// A raw SQL condition with one bound text.
pub type Condition = SqlLiteral<Bool, UncheckedBind<SqlLiteral<Bool>, AsExprOf<String, Text>>>;

/// The condition "this ticket, one message of this conversation, or this
/// submission meets all of these terms".
pub fn matches_terms(conn: &Connection, index: Index, account_id: i64, terms: &[Term]) -> Condition {
    let (table, column) = match &conn.engine {
        Engine::Sqlite(_) => (index.table(), "rowid"),
        Engine::Postgres(_) => (index.table(), index.id()),
    };
    // Only exclusions: everything but what they name.
    let is_in = if terms.iter().all(|term| term.is_not) { "NOT IN" } else { "IN" };
    let row = match index {
        Index::Tickets => format!("tickets.id {is_in} (SELECT {column}"),
        Index::Messages => format!("conversations.seq {is_in} (SELECT {column} >> {MESSAGE_BITS}"),
        Index::Submissions => format!("submissions.seq {is_in} (SELECT {column}"),
    };
    let (matches, after, query) = match &conn.engine {
        Engine::Sqlite(_) => {
            (format!("{table} MATCH "), ")", expression(terms, &FTS5, |phrase| fts5(account_id, phrase)))
        }
        Engine::Postgres(_) => {
            ("terms @@ ".to_owned(), "::tsquery)", expression(terms, &TSQUERY, |phrase| tsquery(account_id, phrase)))
        }
    };
    diesel::dsl::sql::<Bool>(&format!("{row} FROM {table} WHERE {matches}")).bind::<Text, _>(query).sql(after)
}

/// The words of a query language.
struct Language {
    and: &'static str,
    or: &'static str,
    but_not: &'static str,
}

const FTS5: Language = Language { and: " AND ", or: " OR ", but_not: " NOT " };
const TSQUERY: Language = Language { and: " & ", or: " | ", but_not: " & !" };

fn expression(terms: &[Term], language: &Language, phrase: impl Fn(&Phrase) -> String) -> String {
    let all = |all: &Vec<Phrase>| format!("({})", all.iter().map(&phrase).collect::<Vec<_>>().join(language.and));
    let any = |term: &Term| format!("({})", term.any.iter().map(all).collect::<Vec<_>>().join(language.or));
    let of = |is_not: bool| terms.iter().filter(move |term| term.is_not == is_not).map(any).collect::<Vec<_>>();
    let (wanted, excluded) = (of(false).join(language.and), of(true).join(language.or));
    match (wanted.is_empty(), excluded.is_empty()) {
        (_, true) => wanted,
        (true, _) => excluded,
        _ => format!("({wanted}){}({excluded})", language.but_not),
    }
}

fn fts5(account_id: i64, phrase: &Phrase) -> String {
    let words: Vec<String> = phrase.words.iter().map(|word| term(account_id, word)).collect();
    format!("\"{}\"{}", words.join(" "), if phrase.prefix { "*" } else { "" })
}

fn tsquery(account_id: i64, phrase: &Phrase) -> String {
    let words: Vec<String> = phrase.words.iter().map(|word| format!("'{}'", term(account_id, word))).collect();
    format!("({}{})", words.join(" <-> "), if phrase.prefix { ":*" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_written_for_both_engines() {
        let terms = crate::search::parse("refund 030/123 -spam -\"two words\"").unwrap();
        assert_eq!(
            expression(&terms, &FTS5, |phrase| fts5(7, phrase)),
            "(((\"7xrefund\"*)) AND ((\"7x030 7x123\"*) OR (\"7x030123\"*))) NOT (((\"7xspam\"*)) OR ((\"7xtwo 7xwords\")))"
        );
        assert_eq!(
            expression(&terms[..2], &TSQUERY, |phrase| tsquery(7, phrase)),
            "((('7xrefund':*))) & ((('7x030' <-> '7x123':*)) | (('7x030123':*)))"
        );
    }
}
