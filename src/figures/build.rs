//! Building the numbers of another time zone, while those of the old one are shown.

use crate::db::Connection;
use crate::db::schema::{accounts, figures};
use crate::error::Result;
use crate::figures::{CONVERSATIONS, Dimension, Measure, Subject, Tally, add, generations};
use diesel::prelude::*;
use std::collections::BTreeMap;

/// Lets the numbers of an account be built for its time zone. Those of the zone that was
/// being built, if there is one, are dropped.
pub fn request(conn: &mut Connection, account_id: i64, zone: &str) -> Result<()> {
    let next = generations(conn, account_id)?.number + 1;
    diesel::update(accounts::table.find(account_id))
        .set((accounts::figures_next.eq(zone), accounts::figures_place.eq(0)))
        .execute(conn)?;
    let half_built = figures::table.filter(figures::account_id.eq(account_id)).filter(figures::generation.eq(next));
    diesel::delete(half_built).execute(conn)?;
    Ok(())
}

/// The accounts whose numbers are to be built.
pub fn requested(conn: &mut Connection) -> Result<Vec<i64>> {
    Ok(accounts::table.filter(accounts::figures_next.ne("")).order(accounts::id).select(accounts::id).load(conn)?)
}

/// Where building goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// With tickets whose id is greater.
    Tickets(i64),
    /// With conversations whose row is greater.
    Conversations(i64),
}

/// Locks the account's numbers, and says where building goes on. `None` when nothing is to be
/// built any more.
pub fn place(conn: &mut Connection, account_id: i64) -> Result<Option<Place>> {
    // Tickets are created under the same lock, so none is missed.
    let account = accounts::table.find(account_id);
    diesel::update(account).set(accounts::figures_place.eq(accounts::figures_place)).execute(conn)?;
    let place = generations(conn, account_id)?.next.map(|(_, place)| place);
    Ok(place.map(|place| match place {
        place if place >= CONVERSATIONS => Place::Conversations(place - CONVERSATIONS),
        place => Place::Tickets(place),
    }))
}

/// Counts subjects, which the caller has locked, and notes that building has come to `last`;
/// without `last`, to the end of all tickets or of all conversations.
pub fn count(
    conn: &mut Connection,
    account_id: i64,
    from: Place,
    tallies: &[Tally],
    last: Option<Subject>,
) -> Result<()> {
    let known = generations(conn, account_id)?;
    let Some((zone, _)) = known.next else { return Ok(()) };
    let mut cells = BTreeMap::new();
    for tally in tallies {
        tally.add_to(&mut cells, zone, 1);
    }
    add(conn, account_id, known.number + 1, cells)?;
    let account = accounts::table.find(account_id);
    match (last, from) {
        (Some(last), _) => {
            diesel::update(account).set(accounts::figures_place.eq(last.place())).execute(conn)?;
        }
        (None, Place::Tickets(_)) => {
            diesel::update(account).set(accounts::figures_place.eq(CONVERSATIONS)).execute(conn)?;
        }
        (None, Place::Conversations(_)) => {
            diesel::update(account)
                .set((
                    accounts::figures_generation.eq(known.number + 1),
                    accounts::figures_zone.eq(accounts::figures_next),
                    accounts::figures_next.eq(""),
                    accounts::figures_place.eq(0),
                ))
                .execute(conn)?;
        }
    }
    Ok(())
}

/// Removes some old numbers of an account, and returns how many.
pub fn forget_old(conn: &mut Connection, account_id: i64) -> Result<usize> {
    let generation = generations(conn, account_id)?.number;
    let old = figures::table.filter(figures::account_id.eq(account_id)).filter(figures::generation.lt(generation));
    let first: Option<(i64, Dimension, Measure, i64)> =
        old.select((figures::generation, figures::dimension, figures::measure, figures::key)).first(conn).optional()?;
    let Some((generation, dimension, measure, key)) = first else { return Ok(0) };
    // All weeks of one key at once.
    let same = figures::table
        .filter(figures::account_id.eq(account_id))
        .filter(figures::generation.eq(generation))
        .filter(figures::dimension.eq(dimension))
        .filter(figures::measure.eq(measure))
        .filter(figures::key.eq(key));
    Ok(diesel::delete(same).execute(conn)?)
}
