//! One action on many tickets: what it does, its row, and a result for each ticket.

use crate::accounts::agent::Agent;
use crate::accounts::user;
use crate::db::Connection;
use crate::db::schema::{bulk_actions, bulk_results, tickets};
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::events::feed;
use crate::tickets::filter::Sort;
use crate::tickets::line::Line;
use crate::tickets::operators::Searcher;
use crate::tickets::query::{Filter, Query};
use crate::tickets::status::Status;
use crate::tickets::tags::parse_tag;
use crate::tickets::{change, list, tags, trash, undo};
use crate::values::email;
use crate::values::page::{Cursor, Place, Window};
use crate::words;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Tickets that one transaction changes, so that other requests do not wait long.
const STEP: usize = 100;
/// How long results are kept, and an action can be undone.
const KEPT: TimeDelta = TimeDelta::days(30);

/// What is done with each ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Status(Status),
    Assign(Option<i64>),
    Tag(String),
    Untag(String),
    /// Replaces the first tag by the second.
    Retag(String, String),
    Delete,
    /// Undoes another bulk action.
    Undo,
}

impl Action {
    /// Reads an action that a user asks for.
    ///
    /// # Errors
    /// *Invalid* for unknown words.
    pub fn parse(action: &str, value: &str) -> Result<Self> {
        Ok(match action {
            "status" => Self::Status(value.parse()?),
            "assign" if value.is_empty() => Self::Assign(None),
            "assign" => Self::Assign(Some(value.parse().map_err(|_| Error::invalid("Choose an assignee."))?)),
            "tag" => Self::Tag(parse_tag(value)?),
            "untag" => Self::Untag(parse_tag(value)?),
            // Tags contain no comma.
            "retag" => match value.split_once(',') {
                Some((from, to)) => Self::Retag(parse_tag(from)?, parse_tag(to)?),
                None => return Err(Error::invalid("value must be two tags, separated by a comma.")),
            },
            "delete" => Self::Delete,
            _ => return Err(Error::invalid("action must be status, assign, tag, untag or delete.")),
        })
    }

    /// The words used in the database.
    fn words(&self) -> (&'static str, String) {
        match self {
            Self::Status(status) => ("status", status.as_str().into()),
            Self::Assign(user) => ("assign", user.map(|id| id.to_string()).unwrap_or_default()),
            Self::Tag(name) => ("tag", name.clone()),
            Self::Untag(name) => ("untag", name.clone()),
            Self::Retag(from, to) => ("retag", format!("{from},{to}")),
            Self::Delete => ("delete", String::new()),
            Self::Undo => ("undo", String::new()),
        }
    }
}

/// Which tickets a bulk action changes.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub enum Scope {
    Numbers(Vec<i64>),
    /// Those that a list shows when it is their turn, but none created since.
    List(Box<Query>),
    /// Those that another bulk action has changed.
    ChangedBy(i64),
}

/// A bulk action, as its row says.
#[derive(Clone, Debug, Queryable)]
pub struct Bulk {
    pub id: i64,
    pub account_id: i64,
    pub user_id: i64,
    action: String,
    value: String,
    scope: String,
    pub undoes: Option<i64>,
    /// How many tickets it was asked to change.
    pub total: i64,
    pub changed: i64,
    pub unchanged: i64,
    pub refused: i64,
    pub created_at: NaiveDateTime,
}

impl Bulk {
    pub fn action(&self) -> Result<Action> {
        if self.undoes.is_some() { Ok(Action::Undo) } else { Action::parse(&self.action, &self.value) }
    }

    pub fn done(&self) -> i64 {
        self.changed + self.unchanged + self.refused
    }
}

/// What became of one ticket.
#[derive(AsExpression, Clone, Copy, Debug, Eq, FromSqlRow, PartialEq)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum Outcome {
    Changed,
    /// It was so already.
    Unchanged,
    Refused,
}

words!(Outcome, "unknown outcome of a bulk action");

impl Outcome {
    const ALL: [Self; 3] = [Self::Changed, Self::Unchanged, Self::Refused];

    fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
        }
    }
}

#[derive(Clone, Debug, Insertable, Queryable)]
#[diesel(table_name = bulk_results)]
pub struct TicketResult {
    pub bulk_id: i64,
    pub ticket_id: i64,
    pub number: i64,
    pub outcome: Outcome,
    /// Why it was refused.
    pub reason: String,
    /// The event of the change.
    pub event_id: Option<i64>,
}

/// Records a bulk action that is to be done. Returns its id.
///
/// # Errors
/// *Conflict* when it undoes an action that is undone already.
pub fn add(
    conn: &mut Connection,
    by: &Actor,
    action: &Action,
    scope: &Scope,
    total: i64,
    now: NaiveDateTime,
) -> Result<i64> {
    let user_id = by.user_id().ok_or_else(Error::not_found)?;
    if let Action::Assign(Some(id)) = action {
        let user = user::find(conn, by.account_id, *id)?;
        if !user.may_be_assigned() {
            return Err(Error::invalid("That user can’t be assigned tickets."));
        }
    }
    let undoes = match scope {
        Scope::ChangedBy(id) => Some(*id),
        _ => None,
    };
    if let Some(other) = undoes.map(|id| undone_by(conn, id)).transpose()?.flatten() {
        return Err(Error::new(Kind::Conflict, format!("This was undone already (action {other}).")));
    }
    let (word, value) = action.words();
    let scope = serde_json::to_string(scope).map_err(|source| Error::internal("a bulk action", source))?;
    let row = (
        bulk_actions::account_id.eq(by.account_id),
        bulk_actions::user_id.eq(user_id),
        bulk_actions::action.eq(word),
        bulk_actions::value.eq(value),
        bulk_actions::scope.eq(scope),
        bulk_actions::undoes.eq(undoes),
        bulk_actions::total.eq(total),
        bulk_actions::changed.eq(0),
        bulk_actions::unchanged.eq(0),
        bulk_actions::refused.eq(0),
        bulk_actions::created_at.eq(now),
    );
    Ok(diesel::insert_into(bulk_actions::table).values(row).returning(bulk_actions::id).get_result(conn)?)
}

/// A bulk action of the account.
///
/// # Errors
/// *Not found*, also for those of other accounts.
pub fn find(conn: &mut Connection, account_id: i64, id: i64) -> Result<Bulk> {
    Ok(bulk_actions::table.find(id).filter(bulk_actions::account_id.eq(account_id)).first(conn)?)
}

/// The bulk action that undoes this one, if there is one.
pub fn undone_by(conn: &mut Connection, id: i64) -> Result<Option<i64>> {
    Ok(bulk_actions::table.filter(bulk_actions::undoes.eq(id)).select(bulk_actions::id).first(conn).optional()?)
}

/// Up to `limit` results, refused ones first, then the newest tickets. With each, the
/// ticket's title, as long as it exists.
pub fn results(conn: &mut Connection, id: i64, limit: i64) -> Result<Vec<(TicketResult, Option<String>)>> {
    let mut rows: Vec<(TicketResult, Option<String>)> = Vec::new();
    for outcome in [Outcome::Refused, Outcome::Changed, Outcome::Unchanged] {
        let left = limit - i64::try_from(rows.len()).unwrap_or(limit);
        let some: Vec<(TicketResult, Option<String>)> = bulk_results::table
            .left_join(tickets::table)
            .filter(bulk_results::bulk_id.eq(id))
            .filter(bulk_results::outcome.eq(outcome))
            .order(bulk_results::ticket_id.desc())
            .limit(left)
            .select((bulk_results::all_columns, tickets::title.nullable()))
            .load(conn)?;
        rows.extend(some);
    }
    Ok(rows)
}

/// Changes the next tickets after `place`, which is empty at the beginning. Returns where to
/// go on, if there may be more.
pub fn step(
    conn: &mut Connection,
    bulk: &Bulk,
    agent: &Agent,
    place: &str,
    now: NaiveDateTime,
) -> Result<Option<String>> {
    let actor = Actor { bulk: Some(bulk.id), ..agent.into() };
    let (tickets, next) = next_tickets(conn, bulk, agent, place)?;
    let action = bulk.action()?;
    let (mut changed, mut unchanged, mut refused) = (0_i64, 0_i64, 0_i64);
    for Target { ticket_id, number, event_id } in tickets {
        let done = match (&action, event_id) {
            (Action::Undo, Some(event)) => undo_one(conn, &actor, number, event, now),
            (action, _) => apply(conn, &actor, number, action, now),
        };
        let (outcome, reason, event_id) = match done {
            Ok(Some(event)) => (Outcome::Changed, String::new(), Some(event)),
            Ok(None) => (Outcome::Unchanged, String::new(), None),
            // Before anything was written.
            Err(error) if matches!(error.kind, Kind::NotFound | Kind::Invalid | Kind::Conflict) => {
                (Outcome::Refused, error.message().to_owned(), None)
            }
            Err(error) => return Err(error),
        };
        match outcome {
            Outcome::Changed => changed += 1,
            Outcome::Unchanged => unchanged += 1,
            Outcome::Refused => refused += 1,
        }
        let result = TicketResult { bulk_id: bulk.id, ticket_id, number, outcome, reason, event_id };
        diesel::insert_into(bulk_results::table).values(&result).execute(conn)?;
    }
    diesel::update(bulk_actions::table.find(bulk.id))
        .set((
            bulk_actions::changed.eq(bulk_actions::changed + changed),
            bulk_actions::unchanged.eq(bulk_actions::unchanged + unchanged),
            bulk_actions::refused.eq(bulk_actions::refused + refused),
        ))
        .execute(conn)?;
    Ok(next)
}

/// A ticket to change.
struct Target {
    ticket_id: i64,
    number: i64,
    /// The event to undo.
    event_id: Option<i64>,
}

fn next_tickets(
    conn: &mut Connection,
    bulk: &Bulk,
    agent: &Agent,
    place: &str,
) -> Result<(Vec<Target>, Option<String>)> {
    let scope: Scope =
        serde_json::from_str(&bulk.scope).map_err(|source| Error::internal("the scope of a bulk action", source))?;
    let limit = i64::try_from(STEP).unwrap_or(i64::MAX);
    let is_full = |count: usize| count == STEP;
    match scope {
        Scope::Numbers(numbers) => {
            let after: i64 = place.parse().unwrap_or(0);
            let numbers: Vec<i64> = numbers.into_iter().filter(|number| *number > after).take(STEP).collect();
            let found: Vec<(i64, i64)> = tickets::table
                .filter(tickets::account_id.eq(bulk.account_id))
                .filter(tickets::number.eq_any(&numbers))
                .order(tickets::number)
                .select((tickets::id, tickets::number))
                .load(conn)?;
            let next = numbers.last().filter(|_| is_full(numbers.len())).map(ToString::to_string);
            let target = |(ticket_id, number)| Target { ticket_id, number, event_id: None };
            Ok((found.into_iter().map(target).collect(), next))
        }
        Scope::List(query) => {
            let filter = list_filter(&query, agent);
            let start = Cursor { at: bulk.created_at, id: i64::MAX };
            let window = Window { place: Place::After(Cursor::parse(place).unwrap_or(start)), size: STEP };
            let page = list::page(conn, bulk.account_id, &Filter { window, ..filter })?;
            let older = page.older.map(|cursor| cursor.to_string());
            let known = page.rows.into_iter().filter(|line| line.created_at <= bulk.created_at);
            let target = |line: Line| Target { ticket_id: line.id, number: line.number, event_id: None };
            Ok((known.map(target).collect(), older))
        }
        Scope::ChangedBy(other) => {
            let after: i64 = place.parse().unwrap_or(0);
            let rows: Vec<TicketResult> = bulk_results::table
                .filter(bulk_results::bulk_id.eq(other))
                .filter(bulk_results::outcome.eq(Outcome::Changed))
                .filter(bulk_results::ticket_id.gt(after))
                .order(bulk_results::ticket_id)
                .limit(limit)
                .load(conn)?;
            let next = rows.last().filter(|_| is_full(rows.len())).map(|row| row.ticket_id.to_string());
            let target =
                |row: TicketResult| Target { ticket_id: row.ticket_id, number: row.number, event_id: row.event_id };
            Ok((rows.into_iter().map(target).collect(), next))
        }
    }
}

/// A list in an order that no change of its tickets changes: by creation.
pub fn list_filter(query: &Query, agent: &Agent) -> Filter {
    let filter = Filter::new(query, Searcher { user_id: Some(agent.id), zone: agent.zone });
    Filter { sort: if filter.sort == Sort::Closed { Sort::Closed } else { Sort::Created }, only: Vec::new(), ..filter }
}

/// Changes one ticket. Returns the event, if that is a change.
fn apply(
    conn: &mut Connection,
    actor: &Actor,
    number: i64,
    action: &Action,
    now: NaiveDateTime,
) -> Result<Option<i64>> {
    let one = |name: &String| BTreeSet::from([name.clone()]);
    let none = BTreeSet::new();
    match action {
        Action::Status(to) => change::set_status(conn, actor, number, *to, None, now),
        Action::Assign(to) => change::set_assignee(conn, actor, number, *to, now),
        Action::Tag(name) => Ok(tags::change(conn, actor, number, &one(name), &none, now)?.first().copied()),
        Action::Untag(name) => Ok(tags::change(conn, actor, number, &none, &one(name), now)?.first().copied()),
        Action::Retag(from, to) => tags::replace(conn, actor, number, from, to, now),
        Action::Delete => trash::delete(conn, actor, number, now).map(Some),
        Action::Undo => Err(Error::internal("a bulk action", "nothing to undo")),
    }
}

fn undo_one(conn: &mut Connection, actor: &Actor, number: i64, event: i64, now: NaiveDateTime) -> Result<Option<i64>> {
    let event = feed::find(conn, actor.account_id, event)?;
    if undo::undo(conn, actor, number, &event, now)? {
        return Ok(Some(event.id));
    }
    Err(Error::new(Kind::Conflict, "Changed again since: left as it is."))
}

/// Forgets which tickets the actions of an account were for that searched for one of these
/// addresses, which are in lower case.
pub fn erase_addresses(conn: &mut Connection, account_id: i64, addresses: &[String]) -> Result<()> {
    let rows: Vec<(i64, String)> = bulk_actions::table
        .filter(bulk_actions::account_id.eq(account_id))
        .filter(bulk_actions::scope.like("%@%"))
        .select((bulk_actions::id, bulk_actions::scope))
        .load(conn)?;
    let json = |source| Error::internal("the scope of a bulk action", source);
    let none = serde_json::to_string(&Scope::Numbers(Vec::new())).map_err(json)?;
    for (id, scope) in rows {
        let Scope::List(query) = serde_json::from_str(&scope).map_err(json)? else { continue };
        if email::names_any(&query.q, addresses) {
            diesel::update(bulk_actions::table.find(id)).set(bulk_actions::scope.eq(&none)).execute(conn)?;
        }
    }
    Ok(())
}

/// Removes up to `limit` old actions with their results, and returns how many rows.
pub fn forget_old(conn: &mut Connection, limit: i64, now: NaiveDateTime) -> Result<usize> {
    let old: Option<i64> = bulk_actions::table
        .filter(bulk_actions::created_at.le(now - KEPT))
        .order(bulk_actions::created_at)
        .select(bulk_actions::id)
        .first(conn)
        .optional()?;
    let Some(id) = old else { return Ok(0) };
    let some: Vec<i64> = bulk_results::table
        .filter(bulk_results::bulk_id.eq(id))
        .limit(limit)
        .select(bulk_results::ticket_id)
        .load(conn)?;
    if some.is_empty() {
        let undoing = bulk_actions::table.filter(bulk_actions::undoes.eq(id));
        diesel::update(undoing).set(bulk_actions::undoes.eq(None::<i64>)).execute(conn)?;
        return Ok(diesel::delete(bulk_actions::table.find(id)).execute(conn)?);
    }
    let results = bulk_results::table.filter(bulk_results::bulk_id.eq(id)).filter(bulk_results::ticket_id.eq_any(some));
    Ok(diesel::delete(results).execute(conn)?)
}
