//! Tags, which group tickets by topic.

use crate::accounts::account;
use crate::db::schema::{tags, ticket_tags};
use crate::db::{Connection, unless_taken};
use crate::error::Result;
use crate::events::actor::Actor;
use crate::events::event::Kind;
use crate::events::record::record;
use crate::figures::build;
use crate::tickets::ticket::Ticket;
use crate::tickets::{change, figures, ticket};
use crate::values::text;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use icu_normalizer::ComposingNormalizerBorrowed;
use std::collections::BTreeSet;

const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfkc();

/// Adds and removes tags. Both lists must contain results of [`parse_tag`]. Returns the ids
/// of the events.
pub fn change(
    conn: &mut Connection,
    actor: &Actor,
    number: i64,
    add: &BTreeSet<String>,
    remove: &BTreeSet<String>,
    now: NaiveDateTime,
) -> Result<Vec<i64>> {
    let ticket = ticket::lock(conn, actor.account_id, number)?;
    let before = of(conn, ticket.id)?;
    let mut events = Vec::new();
    for name in add.iter().filter(|name| !before.contains(name)) {
        events.push(write(conn, actor, &ticket, name, true, None, now)?);
    }
    for name in remove.iter().filter(|name| before.contains(name) && !add.contains(*name)) {
        events.push(write(conn, actor, &ticket, name, false, None, now)?);
    }
    if !events.is_empty() {
        change::touch(conn, &ticket, now)?;
    }
    Ok(events)
}

/// Adds or removes one tag. `undoes` is the event that this change undoes.
pub(super) fn write(
    conn: &mut Connection,
    actor: &Actor,
    ticket: &Ticket,
    name: &str,
    add: bool,
    undoes: Option<i64>,
    now: NaiveDateTime,
) -> Result<i64> {
    set(conn, ticket, name, add, now)?;
    let event = if add {
        ticket.event(Kind::TicketTagAdded).text("", name)
    } else {
        ticket.event(Kind::TicketTagRemoved).text(name, "")
    };
    record(conn, actor, event.undoing(undoes), now)
}

/// Replaces a tag by another one. Returns the id of the event, if that is a change.
pub(super) fn replace(
    conn: &mut Connection,
    actor: &Actor,
    number: i64,
    from: &str,
    to: &str,
    now: NaiveDateTime,
) -> Result<Option<i64>> {
    let ticket = ticket::lock(conn, actor.account_id, number)?;
    let before = of(conn, ticket.id)?;
    if from == to || !before.iter().any(|tag| tag == from) {
        return Ok(None);
    }
    let event = if before.iter().any(|tag| tag == to) {
        write(conn, actor, &ticket, from, false, None, now)?
    } else {
        write_replaced(conn, actor, &ticket, from, to, None, now)?
    };
    change::touch(conn, &ticket, now)?;
    Ok(Some(event))
}

pub(super) fn write_replaced(
    conn: &mut Connection,
    actor: &Actor,
    ticket: &Ticket,
    from: &str,
    to: &str,
    undoes: Option<i64>,
    now: NaiveDateTime,
) -> Result<i64> {
    set(conn, ticket, from, false, now)?;
    set(conn, ticket, to, true, now)?;
    record(conn, actor, ticket.event(Kind::TicketTagReplaced).text(from, to).undoing(undoes), now)
}

/// Adds or removes a tag, which the ticket does not have or has.
fn set(conn: &mut Connection, ticket: &Ticket, name: &str, add: bool, now: NaiveDateTime) -> Result<()> {
    let tag = id_of(conn, ticket.account_id, name)?;
    if add {
        diesel::insert_into(ticket_tags::table)
            .values((ticket_tags::ticket_id.eq(ticket.id), ticket_tags::tag_id.eq(tag)))
            .execute(conn)?;
    } else {
        diesel::delete(ticket_tags::table.find((ticket.id, tag))).execute(conn)?;
    }
    figures::tagged(conn, ticket, tag, add, now)
}

/// The id of the account's tag with this name, if there is one.
pub(super) fn known(conn: &mut Connection, account_id: i64, name: &str) -> Result<Option<i64>> {
    Ok(tags::table
        .filter(tags::account_id.eq(account_id))
        .filter(tags::name.eq(name))
        .select(tags::id)
        .first(conn)
        .optional()?)
}

/// The id of the account's tag with this name. Creates the tag if it does not exist.
pub(crate) fn id_of(conn: &mut Connection, account_id: i64, name: &str) -> Result<i64> {
    if let Some(id) = known(conn, account_id, name)? {
        return Ok(id);
    }
    let made = unless_taken(conn, |conn| {
        diesel::insert_into(tags::table)
            .values((tags::account_id.eq(account_id), tags::name.eq(name)))
            .returning(tags::id)
            .get_result(conn)
    })?;
    match made {
        Some(id) => Ok(id),
        // A concurrent request created it.
        None => Ok(known(conn, account_id, name)?.ok_or(diesel::result::Error::NotFound)?),
    }
}

/// Renames tags that older versions stored without normalisation, merges duplicates and
/// returns the number of renamed tags.
pub fn rename_old(conn: &mut Connection) -> Result<usize> {
    let all: Vec<(i64, i64, String)> = tags::table.select((tags::id, tags::account_id, tags::name)).load(conn)?;
    let mut renamed = 0;
    for (id, account_id, name) in all {
        let Some(plain) = parse_tag(&name).ok().filter(|plain| *plain != name) else { continue };
        let joined = id_of(conn, account_id, &plain)?;
        let tickets: Vec<i64> =
            ticket_tags::table.filter(ticket_tags::tag_id.eq(id)).select(ticket_tags::ticket_id).load(conn)?;
        for ticket in tickets {
            unless_taken(conn, |conn| {
                diesel::insert_into(ticket_tags::table)
                    .values((ticket_tags::ticket_id.eq(ticket), ticket_tags::tag_id.eq(joined)))
                    .execute(conn)
            })?;
        }
        diesel::delete(ticket_tags::table.filter(ticket_tags::tag_id.eq(id))).execute(conn)?;
        diesel::delete(tags::table.find(id)).execute(conn)?;
        let zone = account::find(conn, account_id)?.time_zone;
        build::request(conn, account_id, &zone)?;
        renamed += 1;
    }
    Ok(renamed)
}

/// The names of a ticket's tags, in alphabetical order.
pub fn of(conn: &mut Connection, ticket_id: i64) -> Result<Vec<String>> {
    Ok(ticket_tags::table
        .inner_join(tags::table)
        .filter(ticket_tags::ticket_id.eq(ticket_id))
        .order(tags::name)
        .select(tags::name)
        .load(conn)?)
}

/// The account's tags to choose from, in alphabetical order.
pub fn all(conn: &mut Connection, account_id: i64) -> Result<Vec<String>> {
    Ok(tags::table
        .filter(tags::account_id.eq(account_id))
        .order(tags::name)
        .limit(500)
        .select(tags::name)
        .load(conn)?)
}

/// Maximum tags that one request can change.
pub const MAX_TAGS: usize = 50;

/// Longest tag, in characters.
pub const MAX_TAG: usize = 50;

/// Normalises a tag: 1 to 50 characters in lower case, without commas. Tags that look alike
/// become equal (Unicode NFKC, without invisible characters). Use this function both to
/// store tags and to look them up.
///
/// # Errors
/// *Invalid* when the result is empty or too long.
pub fn parse_tag(text: &str) -> Result<String> {
    let seen = |c: &char| !text::is_invisible(*c);
    let folded: String =
        NFKC.normalize(&text.replace(',', " ")).chars().filter(seen).flat_map(char::to_lowercase).collect();
    // The lower case of İ is an i with a dot above.
    let plain = NFKC.normalize(&folded.replace("i\u{307}", "i")).into_owned();
    text::required_line("The tag", plain.trim_start_matches(|c: char| c == '#' || c.is_whitespace()), MAX_TAG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_look_alike_are_one() {
        for group in [
            &["Köln", "Ko\u{308}ln", "KO\u{308}LN", " köln ", "#Köln"][..],
            &["\u{e5}ngstr\u{f6}m", "\u{212b}ngstro\u{308}m"],
            &["\u{fb01}le", "file", "ＦＩＬＥ"],
            &["zero\u{200b}width", "zerowidth", "zero\u{ad}width", "\u{feff}zerowidth\u{200f}"],
            &["İstanbul", "istanbul", "I\u{307}stanbul"],
            &["two  words", "two\u{a0}words", "two, words"],
            &["1", "#1", "##1"],
        ] {
            let tags: Vec<String> = group.iter().map(|text| parse_tag(text).unwrap()).collect();
            assert!(tags.windows(2).all(|pair| pair[0] == pair[1]), "{tags:?}");
            assert_eq!(parse_tag(&tags[0]).unwrap(), tags[0], "it stays what it is");
        }
        assert_ne!(parse_tag("straße").unwrap(), parse_tag("strase").unwrap());
        for nothing in ["", "#", " , ", "\u{200b}"] {
            assert!(parse_tag(nothing).is_err(), "{nothing:?}");
        }
    }
}
