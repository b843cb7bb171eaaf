//! The search index of tickets: FTS5 on SQLite, GIN on Postgres. A row holds a part of a
//! ticket's words, or of its source's. Both engines read rows of a range of tickets only,
//! newest first, so that a search reads what it shows and not what there is. SQLite has the long
//! words in a table of their own, too: to find those with a long beginning, FTS5 would read all
//! places of each.

use super::index::MAX_MESSAGES;
use crate::db::held_words::HeldWords;
use crate::db::rows::Number;
use crate::db::schema::tickets;
use crate::db::stored_words::{Table, lexemes, put, tokens};
use crate::db::{Connection, Engine, held_words};
use crate::search::{Part, Phrase};
use crate::values::chunk::Chunk;
use diesel::backend::Backend;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};
use std::collections::{BTreeSet, HashSet};
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};

diesel::table! {
    ticket_vocabulary (word) {
        word -> Text,
    }
}

/// The bits of a row's number below the ticket's id.
const ROW_BITS: u32 = 26;
/// The rows of a ticket's own words; those of its source follow.
const OWN_ROWS: i64 = 1 << 12;
/// How many rows a message can have. A submission can have all.
const TEXT_ROWS: i64 = 1 << 5;

/// Tickets whose words Postgres keeps apart: GIN has no order, so each block of tickets has
/// words of its own, and a search asks for as many blocks as it needs.
const BLOCK: i64 = 4_096;

/// Of so few tickets Postgres may read all words, and of more only those in its index.
const FEW_TICKETS: i64 = 1_024;

/// The most rows that one look at the index reads.
pub const MOST_ROWS: i64 = 4_096;

/// A text of a source: the position of a message, 0 for a submission, and its parts.
pub type Source = (i64, Vec<Part>);
/// Which source: its kind, as tickets name it, and its id.
pub type Key<'a> = (&'a str, &'a str);
/// Rows with their numbers.
pub type Rows = Vec<(i64, Part)>;

/// The numbers of all rows of a ticket.
pub fn all_rows(ticket_id: i64) -> Range<i64> {
    numbers(ticket_id..ticket_id + 1)
}

fn numbers(tickets: Range<i64>) -> Range<i64> {
    tickets.start << ROW_BITS..tickets.end << ROW_BITS
}

/// The numbers of the rows of a ticket's own words.
pub fn own_rows(ticket_id: i64) -> Range<i64> {
    let first = ticket_id << ROW_BITS;
    first..first + OWN_ROWS
}

/// The numbers of the rows of its source's words.
pub fn source_rows(ticket_id: i64) -> Range<i64> {
    let first = own_rows(ticket_id).end;
    first..first + MAX_MESSAGES * TEXT_ROWS
}

/// The numbers of the rows of the words of the copy of its source.
fn copy_rows(ticket_id: i64) -> Range<i64> {
    source_rows(ticket_id).end..all_rows(ticket_id).end
}

/// A ticket's own words as rows.
pub fn rows_of_ticket(ticket_id: i64, parts: Vec<Part>) -> Rows {
    own_rows(ticket_id).zip(parts).collect()
}

/// The words of its source as rows.
pub fn rows_of_source(ticket_id: i64, texts: Vec<Source>) -> Rows {
    text_rows(source_rows(ticket_id).start, texts)
}

/// The words of the copy of its source as rows. The positions are those of the texts in the copy.
pub fn rows_of_copy(ticket_id: i64, texts: Vec<Source>) -> Rows {
    text_rows(copy_rows(ticket_id).start, texts)
}

fn text_rows(first: i64, texts: Vec<Source>) -> Rows {
    let of_text = |(position, parts): Source| (first + position * TEXT_ROWS..).zip(parts);
    let mut taken = HashSet::new();
    // A text with more parts than it has rows runs into the next one, which comes first then.
    let mut rows: Rows = texts.into_iter().rev().flat_map(of_text).filter(|(row, _)| taken.insert(*row)).collect();
    rows.sort_by_key(|(row, _)| *row);
    rows
}

/// Removes rows.
pub fn forget(conn: &mut Connection, rows: Range<i64>) -> QueryResult<()> {
    let query = match &conn.engine {
        Engine::Sqlite(_) => "DELETE FROM ticket_words WHERE rowid >= ? AND rowid < ?",
        Engine::Postgres(_) => "DELETE FROM ticket_words WHERE row_id >= $1 AND row_id < $2",
    };
    let query = diesel::sql_query(query).bind::<BigInt, _>(rows.start).bind::<BigInt, _>(rows.end);
    query.execute(conn).map(drop)
}

const TABLE: Table = Table { name: "ticket_words", id: "row_id", words: "words" };

/// Adds rows, or replaces those with the same numbers. Each number must stand once in `rows`.
pub fn add(conn: &mut Connection, account_id: i64, rows: &Rows) -> QueryResult<()> {
    let stored: Vec<(i64, String)> = match &mut conn.engine {
        Engine::Sqlite(conn) => {
            add_to_vocabulary(conn, account_id, rows)?;
            rows.iter().map(|(row, part)| (*row, tokens(part, &account(account_id)).join(" "))).collect()
        }
        Engine::Postgres(_) => rows.iter().map(|(row, part)| (*row, lexemes_of(account_id, *row, part))).collect(),
    };
    put(conn, TABLE, &stored)
}

/// Adds the long words of rows to those that SQLite knows. They stay when the rows go: a word
/// that no ticket has any more is found nowhere.
fn add_to_vocabulary(conn: &mut SqliteConnection, account_id: i64, rows: &Rows) -> QueryResult<()> {
    let account = account(account_id);
    let words = rows.iter().flat_map(|(_, part)| part.places.iter().flatten().chain(&part.others));
    let long: BTreeSet<String> = words.filter(|word| is_long(word)).map(|word| format!("{account}{word}")).collect();
    if long.is_empty() {
        return Ok(());
    }
    // One statement for any number of words.
    let words = serde_json::Value::from_iter(long).to_string();
    let query = "INSERT OR IGNORE INTO ticket_vocabulary (word) SELECT value FROM json_each(?)";
    diesel::sql_query(query).bind::<Text, _>(words).execute(conn).map(drop)
}

/// Words of an account that SQLite knows and no ticket has any more, among the next `limit` after
/// one; and where to go on.
pub fn unused_words(
    conn: &mut Connection,
    account_id: i64,
    after: &str,
    limit: i64,
) -> QueryResult<Chunk<String, String>> {
    let Engine::Sqlite(conn) = &mut conn.engine else { return Ok(Chunk { wrong: Vec::new(), next: None }) };
    let account = account(account_id);
    let words: Vec<String> = ticket_vocabulary::table
        .filter(ticket_vocabulary::word.gt(after.max(&account)))
        .filter(ticket_vocabulary::word.lt(format!("{account}{}", char::MAX)))
        .order(ticket_vocabulary::word)
        .limit(limit)
        .select(ticket_vocabulary::word)
        .load(conn)?;
    let next = words.last().cloned();
    let mut wrong = Vec::new();
    for word in words {
        if !is_used(conn, &word)? {
            wrong.push(word);
        }
    }
    Ok(Chunk { wrong, next })
}

/// Removes words from those that SQLite knows, unless a ticket has them.
pub fn forget_words(conn: &mut Connection, words: &[String]) -> QueryResult<()> {
    let Engine::Sqlite(conn) = &mut conn.engine else { return Ok(()) };
    for word in words {
        if !is_used(conn, word)? {
            diesel::delete(ticket_vocabulary::table.find(word)).execute(conn)?;
        }
    }
    Ok(())
}

fn is_used(conn: &mut SqliteConnection, word: &String) -> QueryResult<bool> {
    let query = quoted(std::slice::from_ref(word), false);
    let (matches, rows) = ("ticket_words MATCH ", 0..i64::MAX);
    let look = Look { column: "rowid", matches, cast: "", query, rows, order: "DESC", most: 1 };
    Ok(!RunQueryDsl::load::<i64>(look, conn)?.is_empty())
}

fn is_long(word: &str) -> bool {
    word.chars().count() > LONGEST_PREFIX
}

/// Sets the words of a source for every ticket that was created from it.
pub fn set_source(conn: &mut Connection, account_id: i64, key: Key, texts: &[Source]) -> QueryResult<()> {
    for ticket_id in tickets_of(conn, account_id, key)? {
        forget(conn, source_rows(ticket_id))?;
        add(conn, account_id, &rows_of_source(ticket_id, texts.to_vec()))?;
    }
    Ok(())
}

/// Sets the words of the messages with which a source was answered, for every ticket that was
/// created from it.
pub fn set_messages(conn: &mut Connection, account_id: i64, key: Key, texts: &[Source]) -> QueryResult<()> {
    for ticket_id in tickets_of(conn, account_id, key)? {
        let rows = source_rows(ticket_id);
        forget(conn, rows.start + TEXT_ROWS..rows.end)?;
        add(conn, account_id, &rows_of_source(ticket_id, texts.to_vec()))?;
    }
    Ok(())
}

/// Adds the words of a new message for every ticket that was created from its conversation.
pub fn add_message(conn: &mut Connection, account_id: i64, key: Key, text: &Source) -> QueryResult<()> {
    for ticket_id in tickets_of(conn, account_id, key)? {
        add(conn, account_id, &rows_of_source(ticket_id, vec![text.clone()]))?;
    }
    Ok(())
}

fn tickets_of(conn: &mut Connection, account_id: i64, (kind, id): Key) -> QueryResult<Vec<i64>> {
    tickets::table
        .filter(tickets::account_id.eq(account_id))
        .filter(tickets::source_kind.eq(kind))
        .filter(tickets::source_id.eq(id))
        .filter(tickets::deleted_at.is_null())
        .select(tickets::id)
        .load(conn)
}

/// The beginning of an account's words in FTS5: of a fixed length, so that its indexes of
/// prefixes have the same number of letters for every account.
fn account(account_id: i64) -> String {
    let digits = (0..6).rev().map(|place| (account_id / 36_i64.pow(place)) % 36);
    digits.filter_map(|digit| char::from_digit(u32::try_from(digit).ok()?, 36)).collect()
}

/// The beginning of an account's words in Postgres.
fn account_and_block(account_id: i64, block: impl Display) -> String {
    format!("{account_id}x{block}x")
}

/// The words of a row as Postgres stores them.
fn lexemes_of(account_id: i64, row: i64, part: &Part) -> String {
    lexemes(part, &account_and_block(account_id, ticket_of(row) / BLOCK))
}

/// The ticket that a row belongs to.
pub fn ticket_of(row: i64) -> i64 {
    row >> ROW_BITS
}

/// What a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The ticket's own words.
    Own,
    /// The message at this position of its source; 0 for a submission.
    Source(i64),
    /// The text at this position of the copy of its source.
    Copy(i64),
}

/// What a row belongs to.
pub fn place(row: i64) -> Place {
    let (source, copy) = (source_rows(ticket_of(row)), copy_rows(ticket_of(row)));
    match row {
        row if row >= copy.start => Place::Copy((row - copy.start) / TEXT_ROWS),
        row if row >= source.start => Place::Source((row - source.start) / TEXT_ROWS),
        _ => Place::Own,
    }
}

/// A phrase to look for in the words of an account.
#[derive(Clone, Debug)]
pub struct Sought {
    account_id: i64,
    phrase: Phrase,
    /// In the language of FTS5; `None` on Postgres, which is asked by blocks, and where no word of
    /// the account begins like this.
    fts5: Option<String>,
}

impl Sought {
    pub fn new(conn: &mut Connection, account_id: i64, phrase: &Phrase) -> QueryResult<Self> {
        let fts5 = match &mut conn.engine {
            Engine::Sqlite(conn) => fts5(conn, account_id, phrase)?,
            Engine::Postgres(_) => None,
        };
        Ok(Self { account_id, phrase: phrase.clone(), fts5 })
    }

    /// The rows of a range of tickets that have the phrase, newest tickets first, or oldest first
    /// if `is_rising`. At most [`MOST_ROWS`].
    pub fn rows(&self, conn: &mut Connection, tickets: Range<i64>, is_rising: bool) -> QueryResult<Found> {
        let order = if is_rising { "ASC" } else { "DESC" };
        let (range, most) = (numbers(tickets.clone()), MOST_ROWS);
        let edge = if is_rising { tickets.end } else { tickets.start - 1 };
        match &mut conn.engine {
            Engine::Sqlite(conn) => {
                let (nothing, all) = if is_rising { (i64::MAX, range.start..i64::MAX) } else { (-1, 0..range.end) };
                let mut found = Found { rows: Vec::new(), next: nothing };
                let Some(query) = self.fts5.clone() else { return Ok(found) };
                // Without an end, because FTS5 would look for a phrase beyond it, too, and not tell
                // what it found.
                let look =
                    Look { column: "rowid", matches: "ticket_words MATCH ", cast: "", query, rows: all, order, most };
                for row in look.load_iter::<i64, _>(conn)? {
                    let row = row?;
                    if !range.contains(&row) {
                        found.next = ticket_of(row);
                        return Ok(found);
                    }
                    found.rows.push(row);
                }
                if is_full(found.rows.len()) {
                    found.next = edge;
                }
                Ok(found)
            }
            Engine::Postgres(conn) if tickets.end - tickets.start <= FEW_TICKETS => {
                let query = blocks(tickets).map(|block| self.tsquery(block)).collect::<Vec<_>>().join(" | ");
                let look =
                    Look { column: "row_id", matches: "words @@ ", cast: "::tsquery", query, rows: range, order, most };
                Ok(Found { rows: look.load(conn)?, next: edge })
            }
            Engine::Postgres(conn) => {
                let query = self.tsquery(BLOCK_MARK);
                let look = LookByBlocks { query, blocks: blocks(tickets), rows: range, order, most };
                Ok(Found { rows: look.load(conn)?, next: edge })
            }
        }
    }

    /// The phrase of a block in the language of Postgres.
    fn tsquery(&self, block: impl Display) -> String {
        let Self { account_id, phrase, .. } = self;
        let beginning = account_and_block(*account_id, block);
        let words: Vec<String> = phrase.words.iter().map(|word| format!("'{beginning}{word}'")).collect();
        format!("({}{})", words.join(" <-> "), if phrase.prefix { ":*" } else { "" })
    }
}

/// What a look at the index found.
#[derive(Debug)]
pub struct Found {
    pub rows: Vec<i64>,
    /// No ticket between the range that was looked at and this one has the phrase. Postgres does
    /// not look beyond the range.
    pub next: i64,
}

/// Whether so many rows are as much as one look reads, so that there may be more.
pub fn is_full(rows: usize) -> bool {
    i64::try_from(rows).is_ok_and(|rows| rows >= MOST_ROWS)
}

/// To look at the words of one ticket takes as long as to read so many rows that stand together.
pub fn one_look(conn: &Connection) -> usize {
    match &conn.engine {
        // FTS5 opens dozens of parts of its index.
        Engine::Sqlite(_) => 1_000,
        Engine::Postgres(_) => 64,
    }
}

/// A query for row numbers. Unlike `diesel::sql_query`, it is prepared once for each
/// connection.
struct Look {
    column: &'static str,
    matches: &'static str,
    cast: &'static str,
    query: String,
    rows: Range<i64>,
    order: &'static str,
    most: i64,
}

impl<DB> QueryFragment<DB> for Look
where
    DB: Backend + diesel::sql_types::HasSqlType<Text> + diesel::sql_types::HasSqlType<BigInt>,
    String: diesel::serialize::ToSql<Text, DB>,
    i64: diesel::serialize::ToSql<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let Self { column, matches, cast, order, .. } = self;
        out.push_sql("SELECT ");
        out.push_sql(column);
        out.push_sql(" FROM ticket_words WHERE ");
        out.push_sql(matches);
        out.push_bind_param::<Text, _>(&self.query)?;
        out.push_sql(cast);
        for (bound, row) in [(" >= ", &self.rows.start), (" < ", &self.rows.end)] {
            out.push_sql(" AND ");
            out.push_sql(column);
            out.push_sql(bound);
            out.push_bind_param::<BigInt, _>(row)?;
        }
        out.push_sql(" ORDER BY ");
        out.push_sql(column);
        out.push_sql(" ");
        out.push_sql(order);
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.most)?;
        Ok(())
    }
}

impl Query for Look {
    type SqlType = BigInt;
}

// The text is not part of the type, so statements are told apart by their whole text.
impl QueryId for Look {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Conn> RunQueryDsl<Conn> for Look {}

/// A query for the row numbers of many blocks, one after the other: no block is read beyond the
/// one that has the last row wanted.
struct LookByBlocks {
    /// With [`BLOCK_MARK`] where the number of the block belongs.
    query: String,
    blocks: RangeInclusive<i64>,
    rows: Range<i64>,
    order: &'static str,
    most: i64,
}

const BLOCK_MARK: char = '#';

impl QueryFragment<Pg> for LookByBlocks {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT found.row_id FROM (SELECT block FROM generate_series(");
        out.push_bind_param::<BigInt, _>(self.blocks.start())?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, _>(self.blocks.end())?;
        out.push_sql(") AS block ORDER BY block ");
        out.push_sql(self.order);
        out.push_sql(") AS blocks CROSS JOIN LATERAL (SELECT row_id FROM ticket_words WHERE words @@ replace(");
        out.push_bind_param::<Text, _>(&self.query)?;
        out.push_sql(&format!(", '{BLOCK_MARK}', block::text)::tsquery"));
        for (bound, row) in [(" >= ", &self.rows.start), (" < ", &self.rows.end)] {
            // A sum, so that no plan walks through all rows of the range instead.
            out.push_sql(" AND row_id + 0");
            out.push_sql(bound);
            out.push_bind_param::<BigInt, _>(row)?;
        }
        // Without the offset, Postgres may join before it looks.
        out.push_sql(" OFFSET 0) AS found ORDER BY blocks.block ");
        out.push_sql(self.order);
        out.push_sql(", found.row_id ");
        out.push_sql(self.order);
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.most)?;
        Ok(())
    }
}

impl Query for LookByBlocks {
    type SqlType = BigInt;
}

impl QueryId for LookByBlocks {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Conn> RunQueryDsl<Conn> for LookByBlocks {}

/// How many letters of a prefix FTS5 has an index for, at most; see the migration.
const LONGEST_PREFIX: usize = 5;
/// How many words of one longer prefix are looked for one by one. Where there are more, they
/// are rare: numbers and the like.
const MOST_WORDS: usize = 64;

/// A phrase in the language of FTS5, `None` if nothing can have it.
fn fts5(conn: &mut SqliteConnection, account_id: i64, phrase: &Phrase) -> QueryResult<Option<String>> {
    let account = account(account_id);
    let mut words: Vec<String> = phrase.words.iter().map(|word| format!("{account}{word}")).collect();
    let whole = quoted(&words, phrase.prefix);
    let last = words.pop().unwrap_or_default();
    if !phrase.prefix || !phrase.words.last().is_some_and(|word| is_long(word)) {
        return Ok(Some(whole));
    }
    // Without an index of that length, FTS5 would read all places of all these words.
    let known = words_beginning_with(conn, &last)?;
    if known.len() > MOST_WORDS {
        return Ok(Some(whole));
    }
    let known: Vec<String> =
        known.into_iter().map(|word| quoted(&[words.as_slice(), &[word]].concat(), false)).collect();
    Ok((!known.is_empty()).then(|| known.join(" OR ")))
}

fn quoted(words: &[String], is_prefix: bool) -> String {
    format!("\"{}\"{}", words.join(" "), if is_prefix { "*" } else { "" })
}

/// The words of the index that begin so, up to one more than [`MOST_WORDS`].
fn words_beginning_with(conn: &mut SqliteConnection, prefix: &str) -> QueryResult<Vec<String>> {
    ticket_vocabulary::table
        .filter(ticket_vocabulary::word.ge(prefix))
        .filter(ticket_vocabulary::word.lt(format!("{prefix}{}", char::MAX)))
        .limit(i64::try_from(MOST_WORDS + 1).unwrap_or(i64::MAX))
        .select(ticket_vocabulary::word)
        .load(conn)
}

/// The blocks that have tickets of a range.
fn blocks(tickets: Range<i64>) -> RangeInclusive<i64> {
    tickets.start / BLOCK..=(tickets.end - 1).max(tickets.start) / BLOCK
}

/// What the index holds, for [`has`]. `None` on Postgres, which needs no help.
pub fn held(conn: &mut Connection) -> QueryResult<Option<HeldWords>> {
    HeldWords::read(conn, TABLE)
}

/// Whether a ticket has exactly these rows.
pub fn has(
    conn: &mut Connection,
    held: Option<&HeldWords>,
    account_id: i64,
    ticket_id: i64,
    rows: &Rows,
) -> QueryResult<bool> {
    let count = match &conn.engine {
        Engine::Sqlite(_) => "SELECT COUNT(*) AS value FROM ticket_words_docsize WHERE id >= ? AND id < ?",
        Engine::Postgres(_) => "SELECT COUNT(*) AS value FROM ticket_words WHERE row_id >= $1 AND row_id < $2",
    };
    let all = all_rows(ticket_id);
    let count = diesel::sql_query(count).bind::<BigInt, _>(all.start).bind::<BigInt, _>(all.end);
    let mut is_same = count.get_result::<Number>(conn)?.value == i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let beginning = match &conn.engine {
        Engine::Sqlite(_) => account(account_id),
        Engine::Postgres(_) => account_and_block(account_id, ticket_id / BLOCK),
    };
    for (row, part) in rows {
        is_same = is_same && held_words::has(conn, TABLE, held, (*row, part), &beginning)?;
    }
    Ok(is_same)
}

/// Tickets that have rows but should not: they are in the trash or gone.
pub fn strays(conn: &mut Connection) -> QueryResult<Vec<i64>> {
    let (column, table) = match &conn.engine {
        Engine::Sqlite(_) => ("id", "ticket_words_docsize"),
        Engine::Postgres(_) => ("row_id", "ticket_words"),
    };
    let query = format!(
        "SELECT DISTINCT {column} >> {ROW_BITS} AS value FROM {table}
         WHERE {column} >> {ROW_BITS} NOT IN (SELECT id FROM tickets WHERE deleted_at IS NULL)"
    );
    Ok(diesel::sql_query(query).load::<Number>(conn)?.into_iter().map(|number| number.value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_have_a_fixed_length() {
        assert_eq!(
            [account(0), account(35), account(36), account(36_i64.pow(6) - 1)],
            ["000000", "00000z", "000010", "zzzzzz"]
        );
    }

    #[test]
    fn rows_stand_in_the_order_of_tickets() {
        let part = || vec![Part::default()];
        let rows: Vec<i64> = [rows_of_ticket(7, part()), rows_of_source(7, vec![(0, part()), ((1 << 20) - 1, part())])]
            .into_iter()
            .flatten()
            .map(|(row, _)| row)
            .collect();
        assert!(rows.is_sorted() && all_rows(7).contains(&rows[0]) && all_rows(7).contains(&rows[2]));
        assert_eq!(rows.iter().map(|row| row >> ROW_BITS).collect::<Vec<_>>(), [7, 7, 7]);
    }

    #[test]
    fn postgres_is_asked_for_the_blocks_of_a_range() {
        let phrase = Phrase { words: vec!["big".into(), "lam".into()], prefix: true };
        let sought = Sought { account_id: 7, phrase, fts5: None };
        assert_eq!(sought.tsquery(1), "('7x1xbig' <-> '7x1xlam':*)");
        assert_eq!([blocks(4_000..4_096), blocks(4_000..4_097), blocks(7..7)], [0..=0, 0..=1, 0..=0]);
    }
}
