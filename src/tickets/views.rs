//! Saved lists: filters and order under a name, for oneself or for the team.

use crate::accounts::agent::Agent;
use crate::db::Connection;
use crate::db::schema::views;
use crate::error::{Error, OfField, Result};
use crate::tickets::query::Query;
use crate::values::{email, text};
use diesel::prelude::*;

/// Longest name, in characters.
const MAX_NAME: usize = 60;
/// Most views of one user.
const MOST: i64 = 50;

#[derive(Clone, Debug, Queryable)]
pub struct View {
    pub id: i64,
    pub account_id: i64,
    /// Who saved it.
    pub user_id: i64,
    pub name: String,
    /// As in the address of the list.
    pub query: String,
    /// Whether the whole team sees it.
    pub is_shared: bool,
}

/// A user's own views and those of the team, in alphabetical order.
pub fn of(conn: &mut Connection, account_id: i64, user_id: i64) -> Result<Vec<View>> {
    let mut views: Vec<View> = views::table
        .filter(views::account_id.eq(account_id))
        .filter(views::user_id.eq(user_id).or(views::is_shared.eq(true)))
        .load(conn)?;
    views.sort_by_cached_key(|view| (view.name.to_lowercase(), view.id));
    Ok(views)
}

/// Saves a list under a name. The user's view of that name, if there is one, changes.
///
/// # Errors
/// *Invalid* when the name is empty or too long, when the query is none of a list, or when
/// the user has too many views.
pub fn save(conn: &mut Connection, agent: &Agent, name: &str, query: &str, is_shared: bool) -> Result<View> {
    let name = text::required_line("The name", name, MAX_NAME).of_field("name")?;
    let query = Query::parse(query)?;
    let set = (views::query.eq(query.encoded()), views::is_shared.eq(is_shared));
    let known = views::table.filter(views::user_id.eq(agent.id)).filter(views::name.eq(&name));
    if let Some(view) =
        diesel::update(known).set(set.clone()).returning(views::all_columns).get_result(conn).optional()?
    {
        return Ok(view);
    }
    let count: i64 = views::table.filter(views::user_id.eq(agent.id)).count().get_result(conn)?;
    if count >= MOST {
        return Err(Error::invalid(format!("You have {MOST} views. Delete one before you save another.")));
    }
    let row = (views::account_id.eq(agent.account_id), views::user_id.eq(agent.id), views::name.eq(name), set);
    Ok(diesel::insert_into(views::table).values(row).returning(views::all_columns).get_result(conn)?)
}

/// Deletes the views of an account that search for one of these addresses, which are in lower
/// case, and returns how many.
pub fn forget_naming(conn: &mut Connection, account_id: i64, addresses: &[String]) -> Result<usize> {
    let rows: Vec<View> = views::table.filter(views::account_id.eq(account_id)).load(conn)?;
    let names_them = |view: &View| {
        let q = Query::parse(&view.query).map(|query| query.q).unwrap_or_default();
        email::names_any(&q, addresses) || email::names_any(&view.name, addresses)
    };
    let ids = rows.iter().filter(|view| names_them(view)).map(|view| view.id);
    Ok(diesel::delete(views::table.filter(views::id.eq_any(ids))).execute(conn)?)
}

/// Deletes a view, and returns it. `may_manage`: also those that others share.
///
/// # Errors
/// *Not found* when there is no such view that the user may delete.
pub fn delete(conn: &mut Connection, agent: &Agent, id: i64, may_manage: bool) -> Result<View> {
    let view: View = views::table.find(id).filter(views::account_id.eq(agent.account_id)).first(conn)?;
    if view.user_id != agent.id && !(may_manage && view.is_shared) {
        return Err(Error::not_found());
    }
    diesel::delete(views::table.find(id)).execute(conn)?;
    Ok(view)
}
