//! `GET /tickets/new` and `POST /tickets`: creating a ticket.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::accounts::user;
use crate::attachments::upload;
use crate::db::Connection;
use crate::error::{Error, Kind, OfField, Result};
use crate::events::actor::Actor;
use crate::files::shown::ShownFile;
use crate::source_files::file::SourceFile;
use crate::tickets::create::{NewTicket, Outcome, suggest_title};
use crate::tickets::notes::{MAX_NOTES, Notes};
use crate::tickets::source::{Source, SourceKind};
use crate::tickets::source_links::TicketRef;
use crate::tickets::ticket::{MAX_TITLE, Title, parse_requester};
use crate::tickets::{create, source_links};
use crate::values::text::ticked;
use crate::values::{email, text, token};
use crate::web::AppData;
use crate::web::fields::Form;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::query::Query;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

/// The fields of the form, as sent in a query or as a form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Typed {
    pub conversation_id: String,
    pub form_submission_id: String,
    pub title: String,
    pub notes: String,
    pub requester_name: String,
    pub requester_email: String,
    request_id: String,
    #[serde(deserialize_with = "ticked")]
    another: bool,
    /// The ids of files of the source to copy to the ticket.
    copy: Vec<String>,
    #[serde(deserialize_with = "ticked")]
    keep_copy: bool,
    /// Whether the form asked for that.
    #[serde(deserialize_with = "ticked")]
    asks_copy: bool,
    /// Whether the source is stored here.
    #[serde(skip)]
    is_here: bool,
    /// The visitor's message, shown for reference.
    #[serde(skip)]
    words: String,
    /// Other titles that the source suggests.
    #[serde(skip)]
    offered: Vec<String>,
}

impl Typed {
    fn source(&self) -> Result<Option<Source>> {
        Source::parse(self.conversation_id.trim(), self.form_submission_id.trim())
    }

    /// Shortens suggested values so that the form can be sent. The full values go into the
    /// notes.
    fn fit(&mut self) {
        let mut rest = Vec::new();
        let mut cut = |label: &str, text: &mut String, max: usize| {
            if text.chars().count() > max {
                rest.push(format!("{label}: {text}"));
                *text = text::shorten(text, max);
            }
        };
        cut("Title", &mut self.title, MAX_TITLE);
        cut("Requester’s name", &mut self.requester_name, email::MAX);
        let address = self.requester_email.trim();
        if !address.is_empty() && !email::is_email(address) {
            // A shortened address could be someone else's.
            rest.push(format!("Requester’s email: {address}"));
            self.requester_email = String::new();
        }
        if !rest.is_empty() {
            let parts = std::iter::once(self.notes.clone()).filter(|notes| !notes.is_empty()).chain(rest);
            self.notes = parts.collect::<Vec<_>>().join("\n\n");
        }
        self.notes = self.notes.chars().take(MAX_NOTES).collect();
    }

    fn parse(&self) -> Result<NewTicket> {
        let (requester_name, requester_email) = parse_requester(&self.requester_name, &self.requester_email)?;
        let request_id = text::line("requestId", &self.request_id, 100)?;
        Ok(NewTicket {
            title: Title::parse(&self.title).of_field("title")?,
            notes: Notes::parse(&self.notes).of_field("notes")?,
            source: self.source()?,
            requester_name,
            requester_email,
            // Our own form always sends one. Without it, a repeat can't be recognised.
            request_id: if request_id.is_empty() { token::id()? } else { request_id },
            another: self.another,
            keeps_copy: self.keep_copy,
        })
    }
}

#[derive(Template)]
#[template(path = "desk/tickets/new.html")]
struct NewPage<'a> {
    layout: &'a Layout,
    typed: &'a Typed,
    source: Option<String>,
    request_id: String,
    tickets: Vec<TicketRef>,
    /// The files of the source, and whether each is to be copied.
    files: Vec<(ShownFile, bool)>,
    error: Option<Error>,
    max_title: usize,
}

/// The page with a refused form.
async fn refused(
    app: &AppData,
    agent: &Agent,
    layout: &Layout,
    typed: &Typed,
    (request_id, tickets, error): (String, Vec<TicketRef>, Option<Error>),
) -> Result<HttpResponse> {
    let files = source_files(app, agent, typed.source().ok().flatten()).await?;
    let shown = ShownFile::of_team(&files, layout).into_iter();
    let files = shown.map(|file| (typed.copy.contains(&file.id), file)).map(|(is_ticked, file)| (file, is_ticked));
    let status = error.as_ref().map_or(StatusCode::CONFLICT, |error| error.kind.status());
    render(layout, status, typed, request_id, tickets, files.collect(), error)
}

async fn source_files(app: &AppData, agent: &Agent, source: Option<Source>) -> Result<Vec<SourceFile>> {
    let (account_id, Some(source)) = (agent.account_id, source) else { return Ok(Vec::new()) };
    app.db.read(move |conn| source_links::files(conn, account_id, &source)).await
}

fn render(
    layout: &Layout,
    status: StatusCode,
    typed: &Typed,
    request_id: String,
    tickets: Vec<TicketRef>,
    files: Vec<(ShownFile, bool)>,
    error: Option<Error>,
) -> Result<HttpResponse> {
    let source = match typed.source().ok().flatten() {
        Some(Source { kind: SourceKind::Chat, id }) => Some(format!("conversation {id}")),
        Some(Source { kind: SourceKind::Form, id }) => Some(format!("form submission {id}")),
        None => None,
    };
    let max_title = MAX_TITLE;
    layout.page_with(status, &NewPage { layout, typed, source, request_id, tickets, files, error, max_title })
}

/// `GET /tickets/new`: the prefilled form. Creates nothing.
///
/// # Errors
/// *Invalid* when the source's id in the query isn't a valid id.
pub async fn show(app: AppData, agent: Agent, layout: Layout, query: Query<Typed>) -> Result<HttpResponse> {
    // Only the page itself offers to create another ticket.
    let typed = Typed { another: false, ..query.into_inner() };
    let source = typed.source()?;
    let (mut typed, tickets, files) = app
        .db
        .read(move |conn| {
            let Some(source) = source else { return Ok((typed, Vec::new(), Vec::new())) };
            let tickets = source_links::of_source(conn, agent.account_id, &source)?;
            let files = source_links::files(conn, agent.account_id, &source)?;
            let (is_here, keep_copy) =
                (source_links::is_here(conn, agent.account_id, &source)?, user::keeps_copies(conn, agent.id)?);
            let typed = Typed { is_here, keep_copy, ..typed };
            Ok((fill(conn, agent.account_id, &source, typed)?, tickets, files))
        })
        .await?;
    typed.fit();
    let files = ShownFile::of_team(&files, &layout).into_iter().map(|file| (file, true)).collect();
    render(&layout, StatusCode::OK, &typed, token::id()?, tickets, files, None)
}

/// Fills the fields that the query leaves empty from the source, if it is stored here.
fn fill(conn: &mut crate::db::Connection, account_id: i64, source: &Source, typed: Typed) -> Result<Typed> {
    let known = source_links::known(conn, account_id, source)?;
    let otherwise = match (source.kind, known.is_some()) {
        (SourceKind::Chat, true) => "Conversation with a visitor",
        (SourceKind::Chat, false) => "Conversation",
        (SourceKind::Form, true) => "Form submission of a visitor",
        (SourceKind::Form, false) => "Form submission",
    };
    let known = known.unwrap_or_default();
    let (name, email, words) = (known.name, known.email, known.words);
    let or = |given: String, known: String| if given.trim().is_empty() { known } else { given };
    let (requester_name, requester_email) = (or(typed.requester_name, name), or(typed.requester_email, email));
    let suggested = suggest_title(&requester_name, &requester_email, &words, otherwise);
    let title = or(typed.title, suggested);
    Ok(Typed {
        offered: known.topics.into_iter().filter(|topic| *topic != title).collect(),
        title,
        requester_name,
        requester_email,
        words: text::shorten(&words, 300),
        ..typed
    })
}

/// `POST /tickets`. Invalid fields are reported on the filled form.
pub async fn create(app: AppData, agent: Agent, layout: Layout, Form(typed): Form<Typed>) -> Result<HttpResponse> {
    let new = match typed.parse() {
        Ok(new) => new,
        Err(error) if error.kind == Kind::Invalid => {
            let request_id = typed.request_id.clone();
            return refused(&app, &agent, &layout, &typed, (request_id, Vec::new(), Some(error))).await;
        }
        Err(error) => return Err(error),
    };
    let (now, source, user_id) = (app.clock.now(), new.source.clone(), agent.id);
    let asks = source.is_some() && typed.asks_copy;
    let create = move |conn: &mut Connection, actor: &Actor| {
        if asks {
            user::remember_copies(conn, user_id, new.keeps_copy)?;
        }
        create::create(conn, actor, &new, now)
    };
    match app.write_as(&agent, Action::Work, create).await? {
        Outcome::Ticket(number) => {
            let failed = copy_files(&app, &agent, number, source, &typed.copy).await;
            let mut said = format!("Ticket #{number} created.");
            if !failed.is_empty() {
                said += &format!(" Not copied: {}", failed.join(" "));
            }
            layout.see_other_with(format!("/tickets/{number}"), &Flash::new(said))
        }
        Outcome::SourceHasTickets(tickets) => {
            let request_id = typed.request_id.clone();
            refused(&app, &agent, &layout, &typed, (request_id, tickets, None)).await
        }
        Outcome::RequestUsed(number) => {
            let message =
                format!("You already created ticket #{number} with this form. Send it again to create another ticket.");
            let error = Some(Error::new(Kind::Conflict, message));
            refused(&app, &agent, &layout, &typed, (token::id()?, Vec::new(), error)).await
        }
    }
}

/// Copies files of the source to the new ticket. The ticket stays even if that fails; returns a line
/// for each file that was not copied.
async fn copy_files(
    app: &AppData,
    agent: &Agent,
    number: i64,
    source: Option<Source>,
    wanted: &[String],
) -> Vec<String> {
    if wanted.is_empty() {
        return Vec::new();
    }
    let files = match source_files(app, agent, source).await {
        Ok(files) => files,
        Err(error) => return vec![error.message().to_owned()],
    };
    let (actor, mut failed) = (Actor::from(agent), Vec::new());
    for file in files.iter().filter(|file| wanted.contains(&file.id)) {
        if let Err(error) = upload::copy(app, &actor, number, file).await {
            tracing::warn!(cause = error.cause(), "a file was not copied to a ticket");
            failed.push(format!("{}: {}", file.filename, error.message()));
        }
    }
    failed
}
