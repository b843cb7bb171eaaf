//! `/contacts/{id}`: everything of one person.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::contacts::contact;
use crate::contacts::contact::{Contact, MAX_NOTE};
use crate::contacts::find::find;
use crate::conversations::conversation::Conversation;
use crate::db::Connection;
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::submissions::submission::Submission;
use crate::tickets::list;
use crate::tickets::status::Status;
use crate::web::AppData;
use crate::web::fields::Form;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::query::Query;
use crate::web::when::When;
use crate::{conversations, submissions};
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

/// Newest rows of each kind on the page.
const SHOWN: i64 = 50;
/// People that a search finds.
const FOUND: usize = 50;

struct TicketRow {
    number: i64,
    title: String,
    status: Status,
    at: When,
}

/// A conversation or a submission.
struct SourceRow {
    path: String,
    text: String,
    at: When,
}

#[derive(Template)]
#[template(path = "desk/contact.html")]
struct ContactPage<'a> {
    layout: &'a Layout,
    contact: Contact,
    /// Those that were merged into it.
    merged: Vec<Contact>,
    tickets: Vec<TicketRow>,
    conversations: Vec<SourceRow>,
    submissions: Vec<SourceRow>,
    since: When,
    max_note: usize,
    draft: Option<Sent>,
    into: String,
    error: Option<Error>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sent {
    name: String,
    note: String,
    /// The note that the page showed.
    before: Option<String>,
}

/// `GET /contacts/{id}`
pub async fn show(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (account_id, id) = (agent.account_id, path.into_inner());
    let found = app.db.read(move |conn| contact::find(conn, account_id, id)).await?;
    match found.merged_into {
        Some(whole) => Ok(layout.see_other(format!("/contacts/{whole}"))),
        None => render(&app, &agent, &layout, id, None, String::new(), None).await,
    }
}

async fn render(
    app: &AppData,
    agent: &Agent,
    layout: &Layout,
    id: i64,
    draft: Option<Sent>,
    into: String,
    error: Option<Error>,
) -> Result<HttpResponse> {
    let (account_id, now) = (agent.account_id, app.clock.now());
    let load = move |conn: &mut Connection| {
        let contact = contact::find(conn, account_id, id)?;
        let merged = contact::merged_into(conn, id)?;
        let ids: Vec<i64> = merged.iter().map(|one| one.id).chain([id]).collect();
        let tickets = list::of_contacts(conn, account_id, &ids, SHOWN)?;
        let chats = conversations::conversation::of_contacts(conn, account_id, &ids, SHOWN)?;
        let forms = submissions::submission::of_contacts(conn, account_id, &ids, SHOWN)?;
        Ok((contact, merged, tickets, chats, forms))
    };
    let (contact, merged, tickets, chats, forms) = app.db.read(load).await?;
    let when = |at| When::new(at, agent.zone).since(now);
    let page = ContactPage {
        layout,
        since: When::new(contact.created_at, agent.zone),
        contact,
        merged,
        tickets: tickets
            .into_iter()
            .map(|line| TicketRow {
                number: line.number,
                title: line.title,
                status: line.status,
                at: when(line.created_at),
            })
            .collect(),
        conversations: chats
            .into_iter()
            .map(|row: Conversation| SourceRow {
                path: format!("/conversations/{}", row.id),
                text: row.last_message,
                at: when(row.last_message_at),
            })
            .collect(),
        submissions: forms
            .into_iter()
            .map(|row: Submission| SourceRow {
                path: format!("/submissions/{}", row.id),
                text: row.summary(),
                at: when(row.created_at),
            })
            .collect(),
        max_note: MAX_NOTE,
        draft,
        into,
        error,
    };
    layout.page_showing(page.error.as_ref(), &page)
}

/// `POST /contacts/{id}`: `name`, `note`, `before`
pub async fn save(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<i64>,
    Form(sent): Form<Sent>,
) -> Result<HttpResponse> {
    let (id, now, typed) = (path.into_inner(), app.clock.now(), sent.clone());
    let write = move |conn: &mut Connection, actor: &Actor| {
        contact::save(conn, actor, id, (&typed.name, &typed.note, typed.before.as_deref()), now)
    };
    match app.write_as(&agent, Action::Work, write).await {
        Ok(()) => layout.see_other_with(format!("/contacts/{id}"), &Flash::new("Saved.")),
        Err(error) if matches!(error.kind, Kind::Invalid | Kind::Conflict) => {
            render(&app, &agent, &layout, id, Some(sent), String::new(), Some(error)).await
        }
        Err(error) => Err(error),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Merge {
    into: String,
}

/// `POST /contacts/{id}/merge`: `into`, the address of another person
pub async fn merge(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<i64>,
    Form(sent): Form<Merge>,
) -> Result<HttpResponse> {
    let (id, now, into) = (path.into_inner(), app.clock.now(), sent.into.clone());
    let write = move |conn: &mut Connection, actor: &Actor| contact::merge(conn, actor, id, &into, now);
    match app.write_as(&agent, Action::Work, write).await {
        Ok(whole) => {
            let flash = Flash::with_undo("Merged into one person.", format!("/contacts/{id}/split"));
            layout.see_other_with(format!("/contacts/{whole}"), &flash)
        }
        Err(error) if error.kind == Kind::Invalid => {
            render(&app, &agent, &layout, id, None, sent.into, Some(error)).await
        }
        Err(error) => Err(error),
    }
}

/// `POST /contacts/{id}/split`: undoes a merge
pub async fn split(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    app.write_as(&agent, Action::Work, move |conn, actor| contact::split(conn, actor, id, now)).await?;
    layout.see_other_with(format!("/contacts/{id}"), &Flash::new("A person of their own again."))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PeopleQuery {
    q: String,
}

#[derive(Template)]
#[template(path = "desk/contacts.html")]
struct PeoplePage<'a> {
    layout: &'a Layout,
    q: &'a str,
    people: Vec<Contact>,
}

/// `GET /contacts?q=…`: people by the beginnings of words
pub async fn search(app: AppData, agent: Agent, layout: Layout, query: Query<PeopleQuery>) -> Result<HttpResponse> {
    let (account_id, q) = (agent.account_id, query.q.trim().to_owned());
    let people = app.db.read(move |conn| find(conn, account_id, &q, FOUND)).await?;
    layout.page(&PeoplePage { layout: &layout, q: query.q.trim(), people })
}
