//! Copies of tickets with their sources, at other times: the past of sample data. One
//! statement a table, because the functions behind the pages take ten times as long.

use crate::db::{Connection, Engine};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use std::ops::RangeInclusive;

/// Which tickets are copied, and what is different in the copies.
#[derive(Clone, Debug)]
pub struct Copies {
    pub account_id: i64,
    pub numbers: RangeInclusive<i64>,
    /// Added to the numbers.
    pub shift: i64,
    /// Added to the times.
    pub seconds: i64,
    /// Ends the ids of rows. A different one for each time that the same tickets are copied.
    pub suffix: u32,
}

/// How the rows of a table are copied: what stays, ids that get the suffix, times, and columns
/// with a value of their own.
struct Table {
    name: &'static str,
    same: &'static [&'static str],
    ids: &'static [&'static str],
    times: &'static [&'static str],
    other: Vec<(&'static str, String)>,
    from: String,
}

/// Adds the copies, oldest first. Counters, numbers for reports and search know nothing of
/// them yet.
pub fn add(conn: &mut Connection, copies: &Copies) -> QueryResult<()> {
    let Copies { account_id, numbers, shift, seconds, suffix } = copies;
    let (first, last) = (numbers.start(), numbers.end());
    let these =
        |table: &str| format!("{table}.account_id = {account_id} AND {table}.number BETWEEN {first} AND {last}");
    let sources = |table: &str, kind: &str| {
        format!(
            "{table}.account_id = {account_id} AND {table}.id IN
             (SELECT source_id FROM tickets WHERE {} AND source_kind = '{kind}')",
            these("tickets")
        )
    };
    let of_ticket = |table: &str, order: &str| {
        format!(
            "{table} AS old JOIN tickets AS parent ON parent.id = old.ticket_id
             JOIN tickets AS new ON new.account_id = parent.account_id AND new.number = parent.number + {shift}
             WHERE {} ORDER BY {order}",
            these("parent")
        )
    };
    let ticket_id = || ("ticket_id", "new.id".to_owned());
    let tables = [
        Table {
            name: "conversations",
            same: &[
                "account_id",
                "status",
                "visitor_name",
                "visitor_email",
                "page_url",
                "country",
                "message_count",
                "last_message",
                "widget_id",
                "answered_position",
                "first_reply_seconds",
                "contact_id",
            ],
            ids: &["id", "visitor_hash"],
            times: &["last_message_at", "created_at", "deleted_at", "waiting_since", "first_reply_at"],
            other: Vec::new(),
            from: format!("conversations AS old WHERE {} ORDER BY old.seq", sources("old", "chat")),
        },
        Table {
            name: "messages",
            same: &["account_id", "position", "sender", "author_name", "body", "channel"],
            ids: &[],
            times: &["created_at"],
            other: vec![("conversation_seq", "new.seq".to_owned())],
            from: format!(
                "messages AS old JOIN conversations AS parent ON parent.seq = old.conversation_seq
                 JOIN conversations AS new ON new.account_id = parent.account_id AND new.id = parent.id || '-{suffix}'
                 WHERE {} ORDER BY new.seq, old.position",
                sources("parent", "chat")
            ),
        },
        Table {
            name: "submissions",
            same: &[
                "account_id",
                "form_id",
                "fields",
                "page_url",
                "country",
                "visitor_name",
                "visitor_email",
                "spam",
                "contact_id",
            ],
            ids: &["id"],
            times: &["created_at", "deleted_at", "done_at"],
            other: Vec::new(),
            from: format!("submissions AS old WHERE {} ORDER BY old.seq", sources("old", "form")),
        },
        Table {
            name: "tickets",
            same: &[
                "account_id",
                "title",
                "status",
                "notes",
                "notes_version",
                "requester_name",
                "requester_email",
                "source_kind",
                "source_was_here",
                "assignee_id",
                "request_digest",
                "reopen_count",
                "open_seconds",
                "contact_id",
            ],
            ids: &["source_id", "request_id"],
            times: &["created_at", "updated_at", "closed_at", "first_closed_at", "deleted_at", "reopened_at"],
            other: vec![("number", format!("old.number + {shift}"))],
            from: format!("tickets AS old WHERE {} ORDER BY old.number", these("old")),
        },
        Table {
            name: "ticket_tags",
            same: &["tag_id"],
            ids: &[],
            times: &[],
            other: vec![ticket_id()],
            from: of_ticket("ticket_tags", "new.id"),
        },
        Table {
            name: "note_revisions",
            same: &["version", "author_id", "author_name", "kept_start", "kept_end", "body"],
            ids: &[],
            times: &["saved_at"],
            other: vec![ticket_id()],
            from: of_ticket("note_revisions", "new.id"),
        },
        Table {
            name: "events",
            same: &["account_id", "actor_kind", "actor_id", "kind", "data", "text", "for_audit"],
            ids: &[],
            times: &["at"],
            other: vec![ticket_id(), ("subject", "CAST(new.number AS TEXT)".to_owned())],
            from: of_ticket("events", "old.id"),
        },
    ];
    for Table { name, same, ids, times, other, from } in tables {
        let moved = |time: &&str| match &conn.engine {
            // Keeps the fraction, which `datetime` cuts off.
            Engine::Sqlite(_) => format!("datetime(old.{time}, '+{seconds} seconds') || substr(old.{time}, 20)"),
            Engine::Postgres(_) => format!("old.{time} + interval '{seconds} seconds'"),
        };
        let mut columns = [same, ids, times].concat();
        let mut values: Vec<String> = same.iter().map(|column| format!("old.{column}")).collect();
        values.extend(ids.iter().map(|id| format!("old.{id} || '-{suffix}'")));
        values.extend(times.iter().map(moved));
        for (column, value) in other {
            columns.push(column);
            values.push(value);
        }
        let query = format!("INSERT INTO {name} ({}) SELECT {} FROM {from}", columns.join(", "), values.join(", "));
        diesel::sql_query(query).execute(conn)?;
    }
    Ok(())
}

/// Lets Postgres see at once how much its tables hold. It looks once a minute by itself, and until
/// then takes the wrong indexes.
pub fn gather_statistics(conn: &mut Connection) -> QueryResult<()> {
    match &mut conn.engine {
        Engine::Sqlite(_) => Ok(()),
        Engine::Postgres(conn) => conn.batch_execute("ANALYZE"),
    }
}
