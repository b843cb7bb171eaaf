//! The full-text indexes of search terms: FTS5 on SQLite, GIN on Postgres.

use super::Connection;
use crate::db::rows::Number;
use diesel::dsl::AsExprOf;
use diesel::expression::{SqlLiteral, UncheckedBind};
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::{QueryResult, RunQueryDsl};

/// Words that must be adjacent; the last one may be a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// Letters and digits only, as returned by the tokenizer.
    pub words: Vec<String>,
    /// Whether the last word matches every word that starts with it.
    pub prefix: bool,
}

/// The full-text indexes. Each holds one list of terms per id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// By the id of a ticket.
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
}

/// Sets the terms of an id, replacing earlier ones. `terms` contain letters and digits
/// only.
pub fn index_terms(conn: &mut Connection, index: Index, id: i64, terms: &[String]) -> QueryResult<()> {
    let (table, column) = (index.table(), index.id());
    let (query, text) = match conn {
        Connection::Sqlite(_) => {
            (format!("INSERT OR REPLACE INTO {table} (rowid, terms) VALUES (?, ?)"), terms.join(" "))
        }
        Connection::Postgres(_) => (
            format!(
                "INSERT INTO {table} ({column}, terms) VALUES ($1, $2::tsvector)
                 ON CONFLICT ({column}) DO UPDATE SET terms = excluded.terms"
            ),
            lexemes(terms),
        ),
    };
    diesel::sql_query(query).bind::<BigInt, _>(id).bind::<Text, _>(text).execute(conn).map(drop)
}

/// Terms with their positions, in `tsvector` syntax.
fn lexemes(terms: &[String]) -> String {
    let lexemes: Vec<String> =
        terms.iter().enumerate().map(|(index, term)| format!("'{term}':{}", index + 1)).collect();
    lexemes.join(" ")
}

/// Whether an index holds exactly these terms under an id, in this order.
pub fn has_terms(conn: &mut Connection, index: Index, id: i64, terms: &[String]) -> QueryResult<bool> {
    let (table, column) = (index.table(), index.id());
    let found: i64 = match conn {
        Connection::Sqlite(conn) => {
            // FTS5 stores the number of tokens beside its index as a varint. It has one
            // or two bytes here, because the terms of one text are capped.
            let size = match terms.len() {
                few @ 0..128 => format!("{few:02x}"),
                many => format!("{:02x}{:02x}", 0x80 | many >> 7, many & 0x7f),
            };
            let phrase = if terms.is_empty() { String::new() } else { format!(" AND {table} MATCH ?2") };
            let query = format!(
                "SELECT COUNT(*) AS value FROM {table} JOIN {table}_docsize AS size ON size.id = {table}.rowid
                 WHERE {table}.rowid = ?1 AND lower(hex(size.sz)) = '{size}'{phrase}"
            );
            let query = diesel::sql_query(query).bind::<BigInt, _>(id);
            query.bind::<Text, _>(format!("\"{}\"", terms.join(" "))).get_result::<Number>(conn)?.value
        }
        Connection::Postgres(conn) => {
            let query = format!("SELECT COUNT(*) AS value FROM {table} WHERE {column} = $1 AND terms = $2::tsvector");
            let query = diesel::sql_query(query).bind::<BigInt, _>(id);
            query.bind::<Text, _>(lexemes(terms)).get_result::<Number>(conn)?.value
        }
    };
    Ok(found == 1)
}

/// Ids in an index that no search should find: their rows are in the trash or gone.
pub fn stray_terms(conn: &mut Connection, index: Index) -> QueryResult<Vec<i64>> {
    let (column, table) = match conn {
        Connection::Sqlite(_) => ("id", format!("{}_docsize", index.table())),
        Connection::Postgres(_) => (index.id(), index.table().to_owned()),
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
    let query = match conn {
        Connection::Sqlite(_) => format!("DELETE FROM {} WHERE rowid = ?", index.table()),
        Connection::Postgres(_) => format!("DELETE FROM {} WHERE {} = $1", index.table(), index.id()),
    };
    diesel::sql_query(query).bind::<BigInt, _>(id).execute(conn).map(drop)
}

/// A raw SQL condition with one bound text.
pub type Condition = SqlLiteral<Bool, UncheckedBind<SqlLiteral<Bool>, AsExprOf<String, Text>>>;

/// The condition "this ticket, one message of this conversation, or this
/// submission holds all of these phrases".
pub fn matches_terms(conn: &Connection, index: Index, phrases: &[Phrase]) -> Condition {
    let (table, column) = match conn {
        Connection::Sqlite(_) => (index.table(), "rowid"),
        Connection::Postgres(_) => (index.table(), index.id()),
    };
    let row = match index {
        Index::Tickets => format!("tickets.id IN (SELECT {column}"),
        Index::Messages => format!("conversations.seq IN (SELECT {column} >> {MESSAGE_BITS}"),
        Index::Submissions => format!("submissions.seq IN (SELECT {column}"),
    };
    let (matches, after, query) = match conn {
        Connection::Sqlite(_) => (
            format!("{table} MATCH "),
            ")",
            all_of(phrases, " ", |words, prefix| format!("\"{}\"{}", words.join(" "), if prefix { "*" } else { "" })),
        ),
        Connection::Postgres(_) => (
            "terms @@ ".to_owned(),
            "::tsquery)",
            all_of(phrases, " & ", |words, prefix| {
                let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
                format!("({}{})", quoted.join(" <-> "), if prefix { ":*" } else { "" })
            }),
        ),
    };
    diesel::dsl::sql::<Bool>(&format!("{row} FROM {table} WHERE {matches}")).bind::<Text, _>(query).sql(after)
}

fn all_of(phrases: &[Phrase], and: &str, one: impl Fn(&[String], bool) -> String) -> String {
    let parts: Vec<String> = phrases.iter().map(|phrase| one(&phrase.words, phrase.prefix)).collect();
    parts.join(and)
}
