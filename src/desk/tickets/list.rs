//! `GET /tickets`: the list.

use crate::accounts::agent::Agent;
use crate::accounts::user;
use crate::accounts::user::User;
use crate::conversations::conversation;
use crate::error::Result;
use crate::tickets::list::{Assignee, Counts, Filter, Query, Sort, Statuses};
use crate::tickets::source::SourceKind;
use crate::tickets::status::Status;
use crate::tickets::ticket::Ticket;
use crate::tickets::{list, tags, ticket};
use crate::values::page::Cursor;
use crate::values::text;
use crate::web::layout::Layout;
use crate::web::lists::{Choice, LIST_BUSY, LIST_PATIENCE, or_reason, status_of};
use crate::web::when::When;
use crate::web::{AppData, query};
use actix_web::HttpResponse;
use askama::Template;
use chrono_tz::Tz;
use form_urlencoded::Serializer;

/// A ticket in a list.
struct Row {
    number: i64,
    title: String,
    status: Status,
    requester: String,
    assignee: Option<String>,
    tags: Vec<String>,
    source: &'static str,
    /// Whether the visitor of its conversation is waiting for a reply.
    waits: bool,
    at: When,
}

impl Row {
    fn new(ticket: Ticket, sort: Sort, zone: Tz, tags: Vec<String>, assignee: Option<String>, waits: bool) -> Self {
        let at = match sort {
            Sort::Updated => ticket.updated_at,
            Sort::Created => ticket.created_at,
            Sort::Closed => ticket.closed_at.unwrap_or(ticket.updated_at),
        };
        let source = match ticket.source_kind {
            Some(SourceKind::Chat) => "Conversation",
            Some(SourceKind::Form) => "Form",
            None => "",
        };
        let requester = text::first_filled(&[&ticket.requester_name, &ticket.requester_email]).to_owned();
        // The title is often the requester's name: show it only once.
        let requester = if requester == ticket.title { String::new() } else { requester };
        Self {
            number: ticket.number,
            status: ticket.status,
            title: ticket.title,
            requester,
            assignee,
            tags,
            source,
            waits,
            at: When::new(at, zone),
        }
    }
}

struct Tab {
    label: &'static str,
    url: String,
    count: i64,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "desk/tickets/list.html")]
struct ListPage<'a> {
    layout: &'a Layout,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    q: &'a str,
    status: &'static str,
    tag: &'a str,
    assignees: Vec<Choice>,
    sources: Vec<Choice>,
    sorts: Vec<Choice>,
    is_filtered: bool,
    is_empty_account: bool,
    /// The first page of this list.
    first: String,
    newer: Option<String>,
    older: Option<String>,
    /// Why the query can't be searched.
    error: Option<String>,
}

/// `GET /tickets`
pub async fn list(app: AppData, agent: Agent, layout: Layout, query: query::Query<Query>) -> Result<HttpResponse> {
    let query = query.into_inner();
    let filter = Filter::new(&query, Some(agent.id));
    let (wanted, account_id) = (filter.clone(), agent.account_id);
    if let Some(number) = filter.q.strip_prefix('#').and_then(|digits| digits.parse().ok()) {
        let found = app.db.read(move |conn| ticket::find(conn, account_id, number)).await;
        if found.is_ok() {
            return Ok(layout.see_other(format!("/tickets/{number}")));
        }
    }
    let place = app.lists.take(agent.holder(), LIST_PATIENCE, LIST_BUSY).await?;
    let (page, counts, team, mut tags, waiting, error) = app
        .db
        .read(move |conn| {
            let (page, error) = or_reason(list::page(conn, account_id, &wanted))?;
            let ids: Vec<i64> = page.rows.iter().map(|ticket| ticket.id).collect();
            let (counts, team) = (list::counts(conn, account_id)?, user::members(conn, account_id)?);
            let chats: Vec<&str> = page.rows.iter().filter_map(Ticket::conversation_id).collect();
            let waiting = conversation::waiting_among(conn, account_id, &chats)?;
            Ok((page, counts, team, tags::of_many(conn, &ids)?, waiting, error))
        })
        .await?;
    drop(place);
    let name_of = |id: i64| team.iter().find(|user| user.id == id).map(|user| user.name.clone());
    let row = |ticket: Ticket| {
        let (tags, assignee) = (tags.remove(&ticket.id).unwrap_or_default(), ticket.assignee_id.and_then(name_of));
        let waits = ticket.conversation_id().is_some_and(|id| waiting.iter().any(|other| other == id));
        Row::new(ticket, filter.sort, agent.zone, tags, assignee, waits)
    };
    let rows: Vec<Row> = page.rows.into_iter().map(row).collect();
    let neighbour = |word: &str, cursor: Option<Cursor>| {
        cursor.map(|cursor| {
            address(&layout, &query, &[("status", filter.statuses.as_str()), (word, &cursor.to_string())])
        })
    };
    let is_filtered = [&query.q, &query.tag, &query.assignee, &query.source].into_iter().any(|text| !text.is_empty());
    let page = ListPage {
        layout: &layout,
        tabs: tabs(&layout, &query, &filter, counts),
        first: address(&layout, &query, &[("status", filter.statuses.as_str())]),
        newer: neighbour("before", page.newer),
        older: neighbour("after", page.older),
        rows,
        q: &filter.q,
        status: filter.statuses.as_str(),
        tag: &filter.tag,
        assignees: assignees(&team, &filter, &agent),
        sources: choices(
            &[("", "From anywhere"), ("chat", "Conversations"), ("form", "Forms"), ("none", "No source")],
            &query.source,
        ),
        sorts: sorts(&query, &filter),
        is_filtered,
        is_empty_account: counts == Counts::default(),
        error,
    };
    layout.page_with(status_of(page.error.as_deref()), &page)
}

/// The first page of the same list, with some parameters changed.
fn address(layout: &Layout, query: &Query, changes: &[(&str, &str)]) -> String {
    let kept = [
        ("status", &query.status),
        ("q", &query.q),
        ("tag", &query.tag),
        ("assignee", &query.assignee),
        ("source", &query.source),
        ("sort", &query.sort),
    ];
    let mut pairs = Serializer::new(String::new());
    for (word, value) in kept {
        if !value.is_empty() && !changes.iter().any(|(changed, _)| *changed == word) {
            pairs.append_pair(word, value);
        }
    }
    for (word, value) in changes {
        pairs.append_pair(word, value);
    }
    layout.href(&format!("/tickets?{}", pairs.finish()))
}

fn tabs(layout: &Layout, query: &Query, filter: &Filter, counts: Counts) -> Vec<Tab> {
    let all = [
        ("Open", Statuses::Open),
        ("New", Statuses::Only(Status::New)),
        ("In progress", Statuses::Only(Status::InProgress)),
        ("Closed", Statuses::Only(Status::Closed)),
        ("All", Statuses::All),
    ];
    let tab = |(label, statuses): (&'static str, Statuses)| Tab {
        label,
        url: address(layout, query, &[("status", statuses.as_str())]),
        count: counts.of(statuses),
        is_current: filter.statuses == statuses,
    };
    all.into_iter().map(tab).collect()
}

fn choices(all: &[(&str, &str)], chosen: &str) -> Vec<Choice> {
    let choice = |(value, label): &(&str, &str)| Choice {
        value: (*value).to_owned(),
        label: (*label).to_owned(),
        is_chosen: *value == chosen,
    };
    all.iter().map(choice).collect()
}

/// Open tickets have no closing time to sort by.
fn sorts(query: &Query, filter: &Filter) -> Vec<Choice> {
    let all = [("", "Order: last changed"), ("created", "Order: created"), ("closed", "Order: closed")];
    let has_closed = matches!(filter.statuses, Statuses::All | Statuses::Only(Status::Closed));
    choices(if has_closed || filter.sort == Sort::Closed { &all } else { &all[..2] }, &query.sort)
}

fn assignees(team: &[User], filter: &Filter, agent: &Agent) -> Vec<Choice> {
    let chosen = match filter.assignee {
        Assignee::Any => String::new(),
        Assignee::Nobody => "none".into(),
        Assignee::User(id) if id == agent.id => "me".into(),
        Assignee::User(id) => id.to_string(),
    };
    let mut all = choices(&[("", "Anybody’s"), ("me", "Mine"), ("none", "Unassigned")], &chosen);
    all.extend(team.iter().filter(|user| user.id != agent.id).map(|user| {
        let value = user.id.to_string();
        Choice { is_chosen: value == chosen, value, label: user.name.clone() }
    }));
    all
}
