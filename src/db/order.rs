//! The order of events: the numbers by which readers go through them.
//!
//! On Postgres, a transaction can take its ids early and commit late. A reader that
//! remembers the largest id it has seen would skip such rows. So events get a number
//! after their commit, and only when every transaction that began before theirs has
//! ended. Readers know these numbers only. On SQLite, the single writer makes ids and
//! commits the same order, and the number is the id.

use crate::db::rows::Number;
use crate::db::{Connection, Engine};
use diesel::connection::SimpleConnection;
use diesel::{Connection as _, PgConnection, QueryResult, RunQueryDsl};

/// The result of numbering events.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbering {
    /// Whether this call has numbered some. Always false on SQLite.
    pub has_numbered: bool,
    /// Whether committed events are left that have to wait.
    pub is_behind: bool,
}

/// Numbers the committed events whose place in the order is final.
///
/// A long transaction of anybody delays the numbers of later events, but never changes
/// their order. Rows of a restored dump can have transaction numbers that this server
/// has not reached: they are visible, so they are committed, and get their number, too.
pub fn number_events(conn: &mut Connection) -> QueryResult<Numbering> {
    let Engine::Postgres(conn) = &mut conn.engine else { return Ok(Numbering::default()) };
    // Most writes record nothing: they take no lock.
    if !is_any_waiting(conn)? {
        return Ok(Numbering::default());
    }
    conn.transaction(|conn| {
        // Waits for another instance that does the same; then this one finds nothing left.
        conn.batch_execute("SELECT last FROM event_order FOR UPDATE")?;
        let numbered = diesel::sql_query(
            "WITH settled AS (
                SELECT id, row_number() OVER (ORDER BY tx, id) AS place
                FROM events
                WHERE seq IS NULL
                    AND (tx < pg_snapshot_xmin(pg_current_snapshot()) OR tx >= pg_snapshot_xmax(pg_current_snapshot()))
            ), numbered AS (
                UPDATE events SET seq = event_order.last + settled.place
                FROM settled, event_order WHERE events.id = settled.id
                RETURNING seq
            )
            UPDATE event_order SET last = (SELECT max(seq) FROM numbered)
            WHERE EXISTS (SELECT 1 FROM numbered)",
        )
        .execute(conn)?;
        Ok(Numbering { has_numbered: numbered > 0, is_behind: is_any_waiting(conn)? })
    })
}

fn is_any_waiting(conn: &mut PgConnection) -> QueryResult<bool> {
    let waiting = "SELECT count(*) AS value FROM (SELECT 1 FROM events WHERE seq IS NULL LIMIT 1) AS waiting";
    Ok(diesel::sql_query(waiting).get_result::<Number>(conn)?.value > 0)
}
