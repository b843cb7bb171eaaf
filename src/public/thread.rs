//! `/thread/{token}`: the page that mails to visitors link to. It shows one conversation and takes
//! answers, without scripts and cookies. Opening it changes nothing, because mail scanners follow
//! links, too.

use crate::accounts::account;
use crate::conversations::conversation::Conversation;
use crate::conversations::messages::{Channel, Message, NewMessage, parse_message_with, parse_request_id};
use crate::conversations::stopped::Reason;
use crate::conversations::texts::Texts;
use crate::conversations::{messages, stopped, thread_links, visitor, widgets};
use crate::db::Connection;
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::files::message::{From, Received};
use crate::files::serve::Wish;
use crate::files::shown::ShownFile;
use crate::files::{message, serve};
use crate::public::chat;
use crate::source_files::file;
use crate::source_files::file::SourceFile;
use crate::tickets::source_links;
use crate::values::{text, time, token};
use crate::web::fields::{Fields, Form};
use crate::web::layout::Layout;
use crate::web::prose::{Span, spans};
use crate::web::query::Query;
use crate::web::{AppData, client};
use actix_web::http::header::{HeaderName, HeaderValue, REFERRER_POLICY};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use askama::Template;
use chrono_tz::Tz;
use serde::Deserialize;
use std::collections::BTreeMap;

struct Line {
    position: i64,
    author: String,
    from_agent: bool,
    body: String,
    /// In UTC, for scripts.
    iso: String,
    /// In the account's time zone.
    at: String,
    files: Vec<ShownFile>,
}

impl Line {
    fn spans(&self) -> Vec<Span<'_>> {
        spans(&self.body)
    }

    fn new(message: Message, files: Vec<ShownFile>, team: &str, you: &str, zone: Tz) -> Self {
        let from_agent = message.is_from_agent();
        let author = match from_agent {
            true => text::first_filled(&[&message.author_name, team]),
            false => text::first_filled(&[&message.from_address, you]),
        };
        let at = message.created_at.and_utc();
        Self {
            position: message.position,
            author: author.to_owned(),
            from_agent,
            iso: time::exact(message.created_at),
            at: at.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z").to_string(),
            body: ShownFile::text_beside(&files, message.body),
            files,
        }
    }
}

/// How a conversation is shown to its visitor.
struct Thread {
    team: String,
    zone: Tz,
    texts: Texts,
    language: String,
}

impl Thread {
    fn load(conn: &mut Connection, of: &Conversation) -> Result<Self> {
        let account = account::find(conn, of.account_id)?;
        let (texts, language) = widgets::texts_of(conn, of)?;
        Ok(Self { team: account.name, zone: time::zone(&account.time_zone), texts, language })
    }
}

#[derive(Template)]
#[template(path = "public/thread.html")]
struct ThreadPage<'a> {
    layout: &'a Layout,
    token: &'a str,
    team: &'a str,
    language: &'a str,
    texts: BTreeMap<&'static str, &'a str>,
    lines: Vec<Line>,
    /// The position before which there are earlier messages.
    earlier: Option<i64>,
    is_sent: bool,
    body: &'a str,
    error: Option<Error>,
    request_id: String,
}

#[derive(Template)]
#[template(path = "public/thread_stop.html")]
struct StopPage<'a> {
    layout: &'a Layout,
    token: &'a str,
    team: &'a str,
    address: &'a str,
    language: &'a str,
    texts: BTreeMap<&'static str, &'a str>,
    is_stopped: bool,
}

#[derive(Template)]
#[template(path = "public/thread_gone.html")]
struct GonePage<'a> {
    layout: &'a Layout,
    error: &'a Error,
    body: &'a str,
}

/// The address is a secret: it must not leave the browser, nor be found by a search engine.
fn kept_secret(mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow"));
    response
}

async fn find(req: &HttpRequest, app: &AppData, token: &str) -> Result<Conversation> {
    app.limits.chat_reading.check(client::network(req, &app.config))?;
    let (secret, now) = (token.to_owned(), app.clock.now());
    app.db.read(move |conn| thread_links::find(conn, &secret, now)).await
}

/// Query of `GET /thread/{token}`.
#[derive(Deserialize)]
pub struct Place {
    before: Option<i64>,
    sent: Option<String>,
}

/// `GET /thread/{token}`
///
/// # Errors
/// *Not found* when the link does not work any more.
pub async fn show(
    req: HttpRequest,
    app: AppData,
    layout: Layout,
    path: web::Path<String>,
    query: Query<Place>,
) -> Result<HttpResponse> {
    let (token, place) = (path.into_inner(), query.into_inner());
    let conversation = find(&req, &app, &token).await?;
    render(&app, &layout, &token, conversation, &place, "", None).await
}

async fn render(
    app: &AppData,
    layout: &Layout,
    token: &str,
    conversation: Conversation,
    place: &Place,
    body: &str,
    error: Option<Error>,
) -> Result<HttpResponse> {
    let before = place.before;
    let read = move |conn: &mut Connection| {
        let rows = messages::before(conn, conversation.seq, before, messages::MESSAGES)?;
        let files = messages::files_of(conn, conversation.seq, &rows)?;
        Ok((Thread::load(conn, &conversation)?, rows, files))
    };
    let (thread, rows, mut files) = app.db.read(read).await?;
    let (texts, base) = (thread.texts.all(), layout.href(&format!("/thread/{token}/files")));
    let line = |message: Message| {
        let files = files.remove(&message.position).unwrap_or_default();
        let files = files.iter().map(|file| ShownFile::new(file, &base)).collect();
        Line::new(message, files, &thread.team, texts["you"], thread.zone)
    };
    let lines: Vec<Line> = rows.into_iter().map(line).collect();
    let page = ThreadPage {
        layout,
        token,
        team: &thread.team,
        language: &thread.language,
        earlier: lines.first().map(|line| line.position).filter(|position| *position > 1),
        lines,
        texts,
        is_sent: place.sent.is_some(),
        body,
        error,
        request_id: token::id()?,
    };
    layout.page_showing(page.error.as_ref(), &page).map(kept_secret)
}

/// An answer from the page.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Answer {
    body: String,
    request_id: String,
}

/// `POST /thread/{token}/messages`: `body`, `requestId`, `files` (multipart). A request that is sent twice stores one
/// message.
///
/// # Errors
/// *Not found* when the link does not work any more, *too many*: the page shows what was written.
pub async fn send(
    req: HttpRequest,
    app: AppData,
    layout: Layout,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse> {
    let token = path.into_inner();
    let network = client::network(&req, &app.config);
    let found = match app.limits.chat_address.check(network) {
        Ok(_) => find(&req, &app, &token).await,
        Err(error) => Err(error),
    };
    // Files of somebody without a link are not read.
    let account = found.as_ref().map_or(0, |found| found.account_id);
    let received = match account {
        0 => Received::without_files(Fields::from_request(&req, &mut payload.into_inner()).await.unwrap_or_default()),
        account => message::read(&req, &app, payload.into_inner(), From::Visitor(account, network)).await?,
    };
    let answer: Answer = received.fields.read()?;
    let written = answer.body.clone();
    let stored = match found {
        Ok(conversation) => store(&app, &layout, &token, conversation, answer, &received).await,
        Err(error) => Err(error),
    };
    match stored {
        // What was written must not be lost with the link, or when the visitor was too quick.
        Err(error) if error.kind != Kind::Internal => {
            let page = GonePage { layout: &layout, error: &error, body: &written };
            layout.page_showing(Some(&error), &page).map(kept_secret)
        }
        shown => shown,
    }
}

async fn store(
    app: &AppData,
    layout: &Layout,
    token: &str,
    conversation: Conversation,
    answer: Answer,
    received: &Received,
) -> Result<HttpResponse> {
    let client_id = parse_request_id(&answer.request_id)?;
    let body = received.expect_all_files().and_then(|()| parse_message_with(&answer.body, &received.files));
    let message = match body {
        Ok(body) => {
            let (files, message) = (received.files.clone(), NewMessage::of_visitor(body, client_id, app.clock.now()));
            NewMessage { channel: Channel::Thread, files, ..message }
        }
        Err(error) => {
            let place = Place { before: None, sent: None };
            return render(app, layout, token, conversation, &place, &answer.body, Some(error)).await;
        }
    };
    let write = move |conn: &mut Connection| {
        let actor = Actor::visitor(conversation.account_id, conversation.visitor());
        let posted = messages::post(conn, &actor, &conversation.id, &message)?;
        let of = &posted.conversation;
        if posted.reopened {
            source_links::visitor_returned(conn, of, message.at)?;
        }
        visitor::note_seen(conn, of, posted.message.position)?;
        visitor::confirm_email(conn, of)
    };
    app.db.write(write).await?;
    Ok(kept_secret(layout.see_other(format!("/thread/{token}?sent=1#latest"))))
}

/// `GET /thread/{token}/files/{id}`
///
/// # Errors
/// *Not found* when the link does not work any more, or the conversation has no such file.
pub async fn file(
    req: HttpRequest,
    app: AppData,
    path: web::Path<(String, String)>,
    wish: Query<Wish>,
) -> Result<HttpResponse> {
    let file = find_file(&req, &app, path.into_inner()).await?;
    serve::source_file(&req, &app, &file, &wish).await.map(kept_secret)
}

/// `GET /thread/{token}/files/{id}/thumbnail`
///
/// # Errors
/// The same, and *not found* when it has no thumbnail.
pub async fn thumbnail(req: HttpRequest, app: AppData, path: web::Path<(String, String)>) -> Result<HttpResponse> {
    let file = find_file(&req, &app, path.into_inner()).await?;
    serve::thumbnail_of(&req, &app, file.thumbnail_key(), &file.id).await.map(kept_secret)
}

async fn find_file(req: &HttpRequest, app: &AppData, (token, id): (String, String)) -> Result<SourceFile> {
    let of = find(req, app, &token).await?;
    app.db.read(move |conn| file::find_in_conversation(conn, of.seq, &id)).await
}

/// What was shown.
#[derive(Deserialize)]
pub struct Seen {
    position: i64,
}

/// `POST /thread/{token}/seen`: `position`, that of the newest message that was shown. The page's
/// script sends it when somebody uses the page.
///
/// # Errors
/// *Not found* when the link does not work any more.
pub async fn seen(
    req: HttpRequest,
    app: AppData,
    path: web::Path<String>,
    Form(sent): Form<Seen>,
) -> Result<HttpResponse> {
    let conversation = find(&req, &app, &path.into_inner()).await?;
    if !conversation.has_confirmed_email() {
        let row = conversation.clone();
        app.db.write(move |conn| visitor::confirm_email(conn, &row)).await?;
    }
    chat::note_seen(&app, conversation, sent.position).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `GET /thread/{token}/stop`: asks whether mails about replies shall end
///
/// # Errors
/// *Not found* for an unknown link.
pub async fn ask_to_stop(
    req: HttpRequest,
    app: AppData,
    layout: Layout,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    app.limits.chat_reading.check(client::network(&req, &app.config))?;
    let token = path.into_inner();
    let secret = token.clone();
    let read = move |conn: &mut Connection| {
        let (conversation, address) = thread_links::sent_to(conn, &secret)?;
        Stopping::load(conn, &conversation, address)
    };
    app.db.read(read).await?.page(&layout, &token)
}

/// `POST /thread/{token}/stop`: ends mails about replies to this address, from the page or by one
/// click in a mail program, which follows no redirection (RFC 8058, 3.1)
///
/// # Errors
/// *Not found* for an unknown link.
pub async fn stop(req: HttpRequest, app: AppData, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let now = app.clock.now();
    let change = move |conn: &mut Connection, account_id, address: &str| {
        stopped::stop(conn, account_id, address, Reason::Unsubscribed, now)
    };
    change_mails(&req, &app, &layout, path.into_inner(), change).await
}

/// `POST /thread/{token}/resume`: sends mails about replies again
///
/// # Errors
/// *Not found* for an unknown link.
pub async fn resume(req: HttpRequest, app: AppData, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    change_mails(&req, &app, &layout, path.into_inner(), stopped::resume).await
}

/// Does a change for the address that a mail went to, and shows whether it gets mails.
async fn change_mails(
    req: &HttpRequest,
    app: &AppData,
    layout: &Layout,
    token: String,
    change: impl Fn(&mut Connection, i64, &str) -> Result<()> + Send + Sync + 'static,
) -> Result<HttpResponse> {
    app.limits.chat_reading.check(client::network(req, &app.config))?;
    let secret = token.clone();
    let write = move |conn: &mut Connection| {
        let (conversation, address) = thread_links::sent_to(conn, &secret)?;
        change(conn, conversation.account_id, &address)?;
        Stopping::load(conn, &conversation, address)
    };
    app.db.write(write).await?.page(layout, &token)
}

/// Whether mails go to the address of a link. That can be changed for longer than the link opens the
/// conversation.
struct Stopping {
    thread: Thread,
    address: String,
    is_stopped: bool,
}

impl Stopping {
    fn load(conn: &mut Connection, of: &Conversation, address: String) -> Result<Self> {
        let is_stopped = stopped::reason(conn, of.account_id, &address)?.is_some();
        Ok(Self { thread: Thread::load(conn, of)?, address, is_stopped })
    }

    fn page(&self, layout: &Layout, token: &str) -> Result<HttpResponse> {
        let (thread, address) = (&self.thread, self.address.as_str());
        let (team, language, texts) = (thread.team.as_str(), thread.language.as_str(), thread.texts.all());
        let page = StopPage { layout, token, team, address, language, texts, is_stopped: self.is_stopped };
        layout.page(&page).map(kept_secret)
    }
}
