//! `GET /tickets`: the list.

use crate::accounts::agent::Agent;
use crate::accounts::user;
use crate::accounts::user::User;
use crate::contacts::contact::Contact;
use crate::contacts::find::find;
use crate::conversations::conversation;
use crate::db::Connection;
use crate::desk::tickets::first_steps::{Step, steps};
use crate::error::{Error, Result};
use crate::tickets::counts::Counts;
use crate::tickets::excerpts::Excerpt;
use crate::tickets::filter::{Assignee, Sort, Statuses};
use crate::tickets::line::Line;
use crate::tickets::list::Found;
use crate::tickets::operators::Searcher;
use crate::tickets::query::{Filter, Query};
use crate::tickets::source::SourceKind;
use crate::tickets::status::Status;
use crate::tickets::{counts, excerpts, list, names, ticket};
use crate::upkeep;
use crate::values::page::{Cursor, Page, Place};
use crate::values::text;
use crate::web::layout::Layout;
use crate::web::lists::{Chip, LIST_BUSY, LIST_PATIENCE, Typed, or_reason};
use crate::web::when::When;
use crate::web::{AppData, query};
use actix_web::HttpResponse;
use askama::Template;
use std::collections::{BTreeSet, HashMap};

/// The most tags in a row.
const ROW_TAGS: usize = 3;

/// A ticket in a list.
struct Row {
    number: i64,
    title: String,
    /// Where the words of a search stand.
    excerpt: Excerpt,
    status: Status,
    requester: String,
    assignee: Option<String>,
    /// The first few of its tags.
    tags: Vec<String>,
    /// How many more tags it has.
    more_tags: usize,
    /// The icon of its source.
    source: Option<&'static str>,
    /// Whether the visitor of its conversation is waiting for a reply.
    waits: bool,
    at: When,
}

impl Row {
    fn new(ticket: Line, excerpt: Excerpt, at: When, tags: Vec<String>, assignee: Option<String>, waits: bool) -> Self {
        let source = match ticket.source_kind {
            Some(SourceKind::Chat) => Some("chat"),
            Some(SourceKind::Form) => Some("form"),
            None => None,
        };
        let requester = text::first_filled(&[&ticket.requester_name, &ticket.requester_email]).to_owned();
        // The title is often the requester's name: show it only once.
        let requester = if requester == ticket.title { String::new() } else { requester };
        Self {
            number: ticket.number,
            status: ticket.status,
            title: ticket.title,
            excerpt,
            requester,
            assignee,
            more_tags: tags.len().saturating_sub(ROW_TAGS),
            tags: tags.into_iter().take(ROW_TAGS).collect(),
            source,
            waits,
            at,
        }
    }
}

struct Tab {
    label: &'static str,
    url: String,
    /// Empty where counting would take long.
    count: String,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "desk/tickets/list.html")]
struct ListPage<'a> {
    layout: &'a Layout,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    q: &'a str,
    /// People whom the search finds.
    people: Vec<Contact>,
    chips: Vec<Chip>,
    bulk: Option<BulkForm>,
    /// The list with all its tickets selected, if there are more than on this page.
    select_all: Option<String>,
    /// What a saved view of this list would hold.
    view: String,
    is_filtered: bool,
    /// Where the list can be downloaded, and what that is called.
    downloads: [(&'static str, String); 2],
    /// Empty once they are dismissed.
    steps: Vec<Step>,
    /// Whether the search has not come to its end, although there is room for more.
    is_cut: bool,
    is_empty_account: bool,
    /// The first page of this list.
    first: String,
    newer: Option<String>,
    older: Option<String>,
    /// Why the query can't be searched.
    error: Option<Error>,
}

/// The form that changes the selected tickets.
struct BulkForm {
    assignees: Vec<(String, String)>,
    /// What its first button does.
    label: &'static str,
    status: Status,
    /// If all tickets of the list are selected, how many these are, in words.
    all: Option<String>,
    expected: i64,
}

/// People shown above the results of a search.
const PEOPLE: usize = 3;

/// How many tickets of a filtered list are counted.
const COUNTED: usize = 99;

/// An account with more tickets than this is past its first steps, dismissed or not.
const NEW_DESK: i64 = 500;

/// What is to be loaded.
struct Wanted {
    account_id: i64,
    filter: Filter,
    /// Whether the tickets of the whole list are counted.
    is_counted: bool,
    shows_steps: bool,
    has_public_url: bool,
}

struct Loaded {
    page: Page<Line>,
    /// Such as `37` or `99+`.
    count: Option<String>,
    is_cut: bool,
    people: Vec<Contact>,
    counts: Counts,
    team: Vec<User>,
    /// By ticket id.
    tags: HashMap<i64, Vec<String>>,
    /// Ids of conversations whose visitors wait.
    waiting: Vec<String>,
    steps: Vec<Step>,
    excerpts: Vec<Excerpt>,
    error: Option<Error>,
}

fn load(conn: &mut Connection, wanted: &Wanted) -> Result<Loaded> {
    let Wanted { account_id, filter, is_counted, shows_steps, has_public_url } = wanted;
    let account_id = *account_id;
    let counted = if *is_counted { COUNTED } else { 0 };
    let (found, error) = or_reason(list::find(conn, account_id, filter, counted))?;
    let Found { page, count, is_cut, terms, rows } = found;
    let count = is_counted.then(|| match count {
        count if count > COUNTED => format!("{COUNTED}+"),
        count if is_cut => format!("{count}+"),
        count => count.to_string(),
    });
    let ids: Vec<i64> = page.rows.iter().map(|ticket| ticket.id).collect();
    let has_words = *is_counted && !terms.is_empty();
    let people = if has_words { find(conn, account_id, &filter.q, PEOPLE)? } else { Vec::new() };
    let (counts, team) = (counts::of(conn, account_id)?, user::members(conn, account_id)?);
    let chats: Vec<&str> = page.rows.iter().filter_map(Line::conversation_id).collect();
    let waiting = conversation::waiting_among(conn, account_id, &chats)?;
    let is_new = counts.in_statuses(Statuses::All) <= NEW_DESK;
    let steps = if *shows_steps && is_new { steps(conn, account_id, &team, *has_public_url)? } else { Vec::new() };
    let excerpts = excerpts::of(conn, account_id, &page.rows, &terms, &rows)?;
    let tags = names::of_tags(conn, &ids)?;
    Ok(Loaded { page, count, is_cut, people, counts, team, tags, waiting, steps, excerpts, error })
}

/// `GET /tickets`
pub async fn list(app: AppData, agent: Agent, layout: Layout, query: query::Query<Query>) -> Result<HttpResponse> {
    let query = query.into_inner();
    let filter = Filter::new(&query, Searcher { user_id: Some(agent.id), zone: agent.zone });
    let account_id = agent.account_id;
    if let Some(number) = filter.q.strip_prefix('#').and_then(|digits| digits.parse().ok()) {
        let found = app.db.read(move |conn| ticket::find(conn, account_id, number)).await;
        if found.is_ok() {
            return Ok(layout.see_other(format!("/tickets/{number}")));
        }
    }
    let is_first = matches!(filter.window.place, Place::First) && filter.only.is_empty();
    let all = match (query.all.as_str(), is_first) {
        ("1", true) => upkeep::bulk::count(&app, &agent, &query).await.ok(),
        // Rows for a page that has the count.
        ("1", false) => Some(0),
        _ => None,
    };
    let is_filtered = [&query.q, &query.tag, &query.assignee, &query.source].into_iter().any(|text| !text.is_empty());
    let is_home = !is_filtered && filter.statuses == Statuses::Open && is_first;
    let wanted = Wanted {
        account_id,
        filter: filter.clone(),
        is_counted: is_filtered && is_first,
        shows_steps: is_home && layout.may_configure(),
        has_public_url: app.config.public_url.is_some(),
    };
    let slot = app.lists.take(agent.holder(), LIST_PATIENCE, LIST_BUSY).await?;
    let loaded = app.db.read(move |conn| load(conn, &wanted)).await?;
    drop(slot);
    let Loaded { page, count, is_cut, people, counts, team, mut tags, waiting, steps, excerpts, error } = loaded;
    let name_of = |id: i64| team.iter().find(|user| user.id == id).map(|user| user.name.clone());
    let now = app.clock.now();
    let mut excerpts = excerpts.into_iter();
    let row = |ticket: Line| {
        let at = When::new(filter.sort.time(&ticket), agent.zone).since(now);
        let (tags, assignee) = (tags.remove(&ticket.id).unwrap_or_default(), ticket.assignee_id.and_then(name_of));
        let waits = ticket.conversation_id().is_some_and(|id| waiting.iter().any(|other| other == id));
        Row::new(ticket, excerpts.next().unwrap_or_default(), at, tags, assignee, waits)
    };
    let rows: Vec<Row> = page.rows.into_iter().map(row).collect();
    let neighbour = |word: &str, cursor: Option<Cursor>| {
        cursor.map(|cursor| {
            address(&layout, &query, &[("status", filter.statuses.as_str()), (word, &cursor.to_string())])
        })
    };
    let download = |ending| layout.list(&format!("/tickets{ending}"), query.parts(), &[]);
    let page = ListPage {
        layout: &layout,
        tabs: tabs(&layout, &query, &filter, if is_filtered { Err(count.unwrap_or_default()) } else { Ok(counts) }),
        bulk: layout.may_work().then(|| bulk_form(&filter, &team, &agent, all)),
        select_all: page
            .older
            .filter(|_| is_first)
            .map(|_| address(&layout, &query, &[("status", filter.statuses.as_str()), ("all", "1")])),
        view: query.encoded(),
        is_filtered,
        downloads: [("CSV", download(".csv")), ("JSON Lines", download(".jsonl"))],
        first: address(&layout, &query, &[("status", filter.statuses.as_str())]),
        newer: neighbour("before", page.newer),
        older: neighbour("after", page.older),
        chips: chips(&layout, &query, &filter, &team, &agent, &rows),
        people,
        steps,
        rows,
        q: &filter.q,
        is_cut,
        is_empty_account: counts == Counts::default(),
        error,
    };
    if !filter.only.is_empty() {
        return layout.page(&page);
    }
    layout.page_of_list(page.error.as_ref(), &page.view, &page)
}

/// The first page of the same list, with some parameters changed; an empty value removes one.
fn address(layout: &Layout, query: &Query, changes: &[(&str, &str)]) -> String {
    layout.list("/tickets", query.parts(), changes)
}

/// `counts` are those of all tickets or, of a filtered list, that of the current tab.
fn tabs(layout: &Layout, query: &Query, filter: &Filter, counts: Result<Counts, String>) -> Vec<Tab> {
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
        count: match &counts {
            Ok(counts) => text::grouped(counts.in_statuses(statuses)),
            Err(count) if filter.statuses == statuses => count.clone(),
            Err(_) => String::new(),
        },
        is_current: filter.statuses == statuses,
    };
    all.into_iter().map(tab).collect()
}

fn bulk_form(filter: &Filter, team: &[User], agent: &Agent, all: Option<i64>) -> BulkForm {
    let (label, status) = match filter.statuses {
        Statuses::Only(Status::Closed) => ("Reopen", Status::InProgress),
        _ => ("Close", Status::Closed),
    };
    let mut assignees = vec![(agent.id.to_string(), "Me".to_owned()), (String::new(), "Nobody".to_owned())];
    let others = team.iter().filter(|user| user.id != agent.id && user.may_be_assigned());
    assignees.extend(others.map(|user| (user.id.to_string(), user.name.clone())));
    BulkForm {
        assignees,
        label,
        status,
        all: all.map(|count| text::count_of(count, "ticket")),
        expected: all.unwrap_or(0),
    }
}

/// The most tags of the tickets on a page that the filter offers.
const OFFERED_TAGS: usize = 12;

fn chips(layout: &Layout, query: &Query, filter: &Filter, team: &[User], agent: &Agent, rows: &[Row]) -> Vec<Chip> {
    let chip = |name, label, chosen: &str, choices: &[(String, String)]| {
        Chip::new(name, label, chosen, choices, |value| address(layout, query, &[(name, value)]))
    };
    let others = query.parts().into_iter().filter(|(word, value)| *word != "tag" && !value.is_empty());
    let typed =
        Typed { path: layout.href("/tickets"), others: others.map(|(word, value)| (word, value.to_owned())).collect() };
    let sources = choices(&[("chat", "Conversation"), ("form", "Form"), ("none", "None")]);
    let mut chips = vec![
        chip("assignee", "Assignee", &chosen_assignee(filter, agent), &assignees(team, agent)),
        chip("source", "Source", filter.from.as_str(), &sources),
        Chip { typed: Some(typed), ..chip("tag", "Tag", &filter.tag, &offered_tags(rows)) },
    ];
    // Search has one order: the newest created first.
    if filter.q.is_empty() {
        chips.push(chip("sort", "Order", filter.sort.as_str(), &orders(filter)));
    }
    chips
}

fn choices(choices: &[(&str, &str)]) -> Vec<(String, String)> {
    choices.iter().map(|(value, label)| ((*value).to_owned(), (*label).to_owned())).collect()
}

fn chosen_assignee(filter: &Filter, agent: &Agent) -> String {
    match filter.assignee {
        Assignee::Any => String::new(),
        Assignee::Nobody => "none".into(),
        Assignee::User(id) if id == agent.id => "me".into(),
        Assignee::User(id) => id.to_string(),
    }
}

fn assignees(team: &[User], agent: &Agent) -> Vec<(String, String)> {
    let others = team.iter().filter(|user| user.id != agent.id);
    let mut all = choices(&[("me", "Me"), ("none", "Nobody")]);
    all.extend(others.map(|user| (user.id.to_string(), user.name.clone())));
    all
}

/// The tags of the tickets on the page. Others can be typed.
fn offered_tags(rows: &[Row]) -> Vec<(String, String)> {
    let tags: BTreeSet<&String> = rows.iter().flat_map(|row| &row.tags).collect();
    tags.into_iter().take(OFFERED_TAGS).map(|tag| (tag.clone(), tag.clone())).collect()
}

/// Open tickets have no closing time to sort by.
fn orders(filter: &Filter) -> Vec<(String, String)> {
    let mut all = choices(&[("", "Last changed"), ("created", "Created"), ("closed", "Closed")]);
    if !matches!(filter.statuses, Statuses::All | Statuses::Only(Status::Closed)) && filter.sort != Sort::Closed {
        all.pop();
    }
    all
}
