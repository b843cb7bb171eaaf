//! `/contacts/{id}/erase`, `/contacts/{id}/erasure`: erasing a person, and the receipt.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::contacts::contact::Contact;
use crate::db::Connection;
use crate::error::{Error, Result};
use crate::events::actor::Actor;
use crate::events::audit;
use crate::events::event::Kind as EventKind;
use crate::jobs::job::{Job, Kind, State};
use crate::jobs::queue;
use crate::tickets::person::Person;
use crate::tickets::{person, ticket};
use crate::upkeep::erasure;
use crate::upkeep::erasure::Went;
use crate::values::text;
use crate::web::AppData;
use crate::web::fields::Form;
use crate::web::layout::Layout;
use crate::web::when::When;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::Deserialize;

/// Tickets named before they go.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "desk/erase.html")]
struct ErasePage<'a> {
    layout: &'a Layout,
    contacts: Vec<Contact>,
    /// Their ids.
    shown: String,
    person: Person,
    /// The newest of those that would go: number and title.
    tickets: Vec<(i64, String)>,
}

impl ErasePage<'_> {
    /// Such as `2 tickets`.
    fn count(rows: &[i64], word: &str) -> String {
        text::count_of(i64::try_from(rows.len()).unwrap_or(i64::MAX), word)
    }
}

/// `GET /contacts/{id}/erase`: what would go
pub async fn ask(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (id, account_id) = (path.into_inner(), agent.account_id);
    let load = move |conn: &mut Connection| {
        let (contacts, person) = person::find(conn, account_id, id)?;
        let newest: Vec<i64> = person.tickets.iter().rev().take(SHOWN).copied().collect();
        let mut tickets = ticket::by_ids(conn, &newest)?;
        tickets.sort_by_key(|ticket| std::cmp::Reverse(ticket.number));
        Ok((contacts, person, tickets))
    };
    let (contacts, person, tickets) = app.db.read(load).await?;
    let tickets = tickets.into_iter().map(|ticket| (ticket.number, ticket.title)).collect();
    let shown = erasure::shown(&contacts);
    layout.page(&ErasePage { layout: &layout, contacts, shown, person, tickets })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sent {
    contacts: String,
}

/// `POST /contacts/{id}/erase`: `contacts`, whom the page has named
pub async fn erase(
    app: AppData,
    agent: Agent,
    layout: Layout,
    path: web::Path<i64>,
    Form(sent): Form<Sent>,
) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let request = move |conn: &mut Connection, actor: &Actor| erasure::request(conn, actor, id, &sent.contacts, now);
    app.write_as(&agent, Action::Configure, request).await?;
    Ok(layout.see_other(format!("/contacts/{id}/erasure")))
}

/// What is known of an erasure once it has been recorded.
struct Receipt {
    by: String,
    at: When,
    went: Went,
}

impl Receipt {
    fn rows(&self) -> [(&'static str, i64); 10] {
        let went = &self.went;
        [
            ("Email addresses", went.addresses),
            ("Conversations", went.conversations),
            ("Messages", went.messages),
            ("Submissions", went.submissions),
            ("Tickets", went.tickets),
            ("Versions of notes", went.revisions),
            ("Files", went.files),
            ("Emails that waited to be sent", went.mails),
            ("Saved views that named the person", went.views),
            ("Events that lost their text", went.events),
        ]
    }
}

#[derive(Template)]
#[template(path = "desk/erasure.html")]
struct ErasurePage<'a> {
    layout: &'a Layout,
    id: i64,
    job: Option<Job>,
    receipt: Option<Receipt>,
    is_on_postgres: bool,
}

impl ErasurePage<'_> {
    fn is_running(&self) -> bool {
        self.job.as_ref().is_some_and(|job| job.ended_at.is_none())
    }

    fn problem(&self) -> Option<&Job> {
        let has_stopped = |job: &&Job| matches!(job.state, State::GivenUp | State::Cancelled);
        self.job.as_ref().filter(|job| has_stopped(job) || !job.error.is_empty())
    }
}

/// `GET /contacts/{id}/erasure`: how far it is; then, what went
pub async fn show(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (id, account_id) = (path.into_inner(), agent.account_id);
    let load = move |conn: &mut Connection| {
        let job = queue::find(conn, account_id, Kind::Erasure, &id.to_string())?;
        Ok((job, audit::about(conn, account_id, EventKind::ContactErased, &id.to_string())?))
    };
    let (job, event) = app.db.read(load).await?;
    if job.is_none() && event.is_none() {
        return Err(Error::not_found());
    }
    let receipt = event.map(|event| Receipt {
        by: event.text.actor,
        at: When::new(event.at, agent.zone),
        went: serde_json::from_value(event.data.0).unwrap_or_default(),
    });
    let is_on_postgres = app.db.has_other_instances();
    layout.page(&ErasurePage { layout: &layout, id, job, receipt, is_on_postgres })
}
