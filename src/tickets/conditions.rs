//! What a list shows, as conditions that the database checks.

use crate::accounts::user;
use crate::db::fixed::{Fixed, WithoutIndex, one_of};
use crate::db::schema::{attachments, ticket_tags, tickets};
use crate::db::{Connection, MultiBackend};
use crate::error::Result;
use crate::search::fold;
use crate::tickets::filter::{Assignee, From, Statuses};
use crate::tickets::operators::{Condition, Wanted};
use crate::tickets::query::Filter;
use crate::tickets::status::Status;
use crate::tickets::{names, tags};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::sql_types::Bool;

pub(super) type Boxed<'a> = tickets::BoxedQuery<'a, MultiBackend>;

/// Among which tickets a query looks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Among<'a> {
    All,
    /// Those with these ids.
    These(&'a [i64]),
    /// Those with the tag of this id.
    Tagged(i64),
    /// Those of an index that has the choices of this filter.
    Leading(&'a Filter),
}

/// Adds the choices of a filter. `$column` wraps columns, and `$open` is the condition of an open
/// ticket.
macro_rules! chosen {
    ($query:expr, $filter:expr, $column:path, $open:expr) => {{
        let query = match $filter.statuses {
            Statuses::All => $query,
            Statuses::Open => $query.filter($open),
            Statuses::Only(status) => $query.filter($column(tickets::status).eq(status)),
        };
        let query = match $filter.assignee {
            Assignee::Any => query,
            Assignee::Nobody => query.filter($column(tickets::assignee_id).is_null()),
            Assignee::User(id) => query.filter($column(tickets::assignee_id).eq(id)),
        };
        match $filter.from {
            From::Any => query,
            From::Nothing => query.filter($column(tickets::source_kind).is_null()),
            From::Kind(kind) => query.filter($column(tickets::source_kind).eq(kind)),
        }
    }};
}

/// The tickets of an account that a filter chooses, by an index of what it chooses.
fn by_index<'a>(account_id: i64, filter: &Filter) -> Boxed<'a> {
    let query =
        tickets::table.filter(tickets::deleted_at.is_null()).filter(tickets::account_id.eq(account_id)).into_boxed();
    // A literal, because the partial index is not used with a bound parameter.
    chosen!(query, filter, std::convert::identity, Fixed("tickets.status <> 'closed'"))
}

/// The tickets that a filter shows, whatever their words.
pub(super) fn narrowed<'a>(
    conn: &mut Connection,
    account_id: i64,
    among: Among,
    filter: &'a Filter,
    conditions: &[Condition],
) -> Result<Boxed<'a>> {
    let there = || tickets::table.filter(tickets::deleted_at.is_null()).into_boxed();
    let of_account = WithoutIndex(tickets::account_id).eq(account_id);
    let mut query = match among {
        Among::All => by_index(account_id, filter),
        Among::Leading(leading) => by_index(account_id, leading),
        Among::These(ids) => there().filter(one_of(tickets::id, ids)).filter(of_account),
        Among::Tagged(tag) => {
            let tagged = ticket_tags::table.filter(ticket_tags::tag_id.eq(tag)).select(ticket_tags::ticket_id);
            there().filter(tickets::id.eq_any(tagged)).filter(of_account)
        }
    };
    if !matches!(among, Among::All) {
        let is_open = WithoutIndex(tickets::status).ne(Status::Closed);
        query = chosen!(query, filter, WithoutIndex, is_open);
    }
    if !filter.only.is_empty() {
        query = query.filter(tickets::number.eq_any(&filter.only));
    }
    if !filter.tag.is_empty() && !matches!(among, Among::Tagged(_)) {
        let condition = is_tagged(conn, account_id, &filter.tag)?;
        query = query.filter(condition);
    }
    for Condition { is_not, wanted } in conditions {
        let condition = condition(conn, account_id, wanted)?;
        query = if *is_not { query.filter(not(condition)) } else { query.filter(condition) };
    }
    Ok(query)
}

/// A condition that is never unknown, so that it can be turned round.
type Boolean = Box<dyn BoxableExpression<tickets::table, MultiBackend, SqlType = Bool>>;

macro_rules! within {
    ($at:expr, $span:expr) => {
        match ($span.from, $span.until) {
            (Some(from), Some(until)) => {
                Box::new(WithoutIndex($at).ge(from).and(WithoutIndex($at).lt(until))) as Boolean
            }
            (Some(from), None) => Box::new(WithoutIndex($at).ge(from)),
            (None, Some(until)) => Box::new(WithoutIndex($at).lt(until)),
            (None, None) => Box::new(Fixed("1 = 1")),
        }
    };
}

/// What each ticket is checked for. Its columns are read without their indexes, because a list
/// reads that of its order.
fn condition(conn: &mut Connection, account_id: i64, wanted: &Wanted) -> Result<Boolean> {
    Ok(match wanted {
        Wanted::Statuses(Statuses::All) => Box::new(Fixed("1 = 1")),
        Wanted::Statuses(Statuses::Open) => Box::new(WithoutIndex(tickets::status).ne(Status::Closed)),
        Wanted::Statuses(Statuses::Only(status)) => Box::new(WithoutIndex(tickets::status).eq(*status)),
        Wanted::Tag(name) => is_tagged(conn, account_id, name)?,
        Wanted::Assignee(Assignee::Any) => Box::new(WithoutIndex(tickets::assignee_id).is_not_null()),
        Wanted::Assignee(Assignee::Nobody) => Box::new(WithoutIndex(tickets::assignee_id).is_null()),
        Wanted::Assignee(Assignee::User(id)) => is_assigned(vec![*id]),
        Wanted::AssigneeNamed(name) => {
            let name = fold(name);
            let team = user::members(conn, account_id)?;
            is_assigned(team.iter().filter(|user| fold(&user.name).contains(&name)).map(|user| user.id).collect())
        }
        Wanted::Files => Box::new(exists(
            attachments::table.filter(attachments::ticket_id.eq(tickets::id)).filter(names::are_shown()),
        )),
        Wanted::Created(span) => within!(tickets::created_at, span),
        Wanted::Closed(span) => {
            let inside: Boolean = within!(tickets::closed_at.assume_not_null(), span);
            Box::new(WithoutIndex(tickets::closed_at).is_not_null().and(inside))
        }
        Wanted::Number(number) => Box::new(tickets::number.eq(*number)),
    })
}

fn is_tagged(conn: &mut Connection, account_id: i64, name: &str) -> Result<Boolean> {
    // No tag has the id 0.
    let tag = tags::known(conn, account_id, name)?.unwrap_or(0);
    // Looked up ticket by ticket: a list of all that have the tag could be long.
    Ok(Box::new(exists(
        ticket_tags::table.filter(ticket_tags::ticket_id.eq(tickets::id)).filter(ticket_tags::tag_id.eq(tag)),
    )))
}

fn is_assigned(users: Vec<i64>) -> Boolean {
    let assignee = WithoutIndex(tickets::assignee_id);
    Box::new(assignee.is_not_null().and(WithoutIndex(tickets::assignee_id.assume_not_null()).eq_any(users)))
}
