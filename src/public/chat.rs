//! `/chat/{widgetKey}/…`: the endpoints of the chat bubble on other websites. They are open
//! to every allowed origin, ignore cookies, and give access only to the conversation of the
//! visitor's secret.

use crate::conversations::conversation::{Conversation, Status};
use crate::conversations::messages::{Message, NewMessage, parse_message_with};
use crate::conversations::visitor::Visitor;
use crate::conversations::widgets::Widget;
use crate::conversations::{conversation, messages, visitor, widgets};
use crate::db::Connection;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::files::serve::Wish;
use crate::files::{message, serve};
use crate::limits::rates::Stream;
use crate::live::event::{Event, Topic};
use crate::live::subscription::{Subscription, Waited};
use crate::source_files::file;
use crate::source_files::file::SourceFile;
use crate::source_files::keep::Stored;
use crate::tickets::source_links;
use crate::validation::kind::Kind;
use crate::values::network::Network;
use crate::values::{email, text, time, token};
use crate::web::fields::{content_type, read_body};
use crate::web::query::Query;
use crate::web::stream::{KEEP_ALIVE, frame};
use crate::web::{AppData, charset, client, cross_origin, stream};
use actix_web::http::header::{CACHE_CONTROL, VARY};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Maximum size of a request, in bytes: enough for 10,000 four-byte characters, escaped.
const MAX_BYTES: usize = 128 * 1024;
/// How many event streams one conversation may have.
const MAX_STREAMS: usize = 20;
/// How many messages a bubble gets at once when it catches up.
const CATCH_UP: i64 = 100;

/// `GET /chat/{widgetKey}/config`: the bubble's settings and texts.
///
/// # Errors
/// *Not found* for an unknown key, *forbidden* for an origin that is not allowed.
pub async fn config(req: HttpRequest, app: AppData, path: web::Path<String>) -> Result<HttpResponse> {
    app.limits.chat_reading.check(sender(&req, &app))?;
    let widget = widget(&req, &app, path.into_inner()).await?;
    let texts = widget.texts();
    let config = json!({
        "askName": widget.ask_name,
        "askEmail": widget.ask_email,
        "colour": widget.colour,
        "language": widget.language,
        "files": Kind::accepted(),
        "texts": texts.all(),
    });
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "public, max-age=60"))
        .insert_header((VARY, "Origin"))
        .json(config))
}

/// A message as the bubble receives it.
#[derive(Serialize)]
struct Line {
    id: Option<String>,
    position: i64,
    from: &'static str,
    name: String,
    body: String,
    at: String,
    files: Vec<FileLine>,
}

/// A file of a message as the bubble receives it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileLine {
    id: String,
    name: String,
    has_thumbnail: bool,
}

impl Line {
    fn new(message: Message, files: &[SourceFile]) -> Self {
        let id = message.bubble_id().map(ToOwned::to_owned);
        let names = files.iter().map(|file| file.filename.as_str());
        let file = |file: &SourceFile| FileLine {
            id: file.id.clone(),
            name: file.filename.clone(),
            has_thumbnail: file.thumbnail.is_some(),
        };
        Self {
            id,
            position: message.position,
            from: message.sender.as_str(),
            name: message.author_name,
            body: messages::text_beside(message.body, names),
            at: time::exact(message.created_at),
            files: files.iter().map(file).collect(),
        }
    }

    /// Messages of a conversation, with their files.
    fn of(conn: &mut Connection, seq: i64, rows: Vec<Message>) -> Result<Vec<Self>> {
        let mut files = messages::files_of(conn, seq, &rows)?;
        let line = |row: Message| {
            let files = files.remove(&row.position).unwrap_or_default();
            Self::new(row, &files)
        };
        Ok(rows.into_iter().map(line).collect())
    }
}

#[derive(Deserialize)]
struct Sent {
    id: String,
    body: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    page: String,
}

/// `POST /chat/{widgetKey}/messages`: `id`, `body`, `name`, `email`, `page` as JSON, or with `files`
/// as a multipart form.
/// The first message starts the conversation. If the id is known, the response is the stored
/// message with `200`.
///
/// # Errors
/// *Signed out* without a secret, *not found*, *forbidden*, *too large*,
/// *invalid* or *too many*.
pub async fn send(
    req: HttpRequest,
    app: AppData,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse> {
    let (req, app, key) = (&req, &app, path.into_inner());
    app.limits.chat_address.check(sender(req, app))?;
    app.limits.chat_key.check(&key)?;
    let hash = secret_hash(req)?;
    let widget = widget(req, app, key).await?;
    let (sent, files): (Sent, Vec<Stored>) = if content_type(req) == "multipart/form-data" {
        let from = message::From::Visitor(widget.account_id, sender(req, app));
        let received = message::read(req, app, payload.into_inner(), from).await?;
        received.expect_all_files()?;
        (received.fields.read()?, received.files)
    } else {
        (read(req, payload, "message").await?, Vec::new())
    };
    let client_id = messages::parse_client_id(&sent.id)?;
    let visitor = Visitor {
        hash,
        name: text::line("The name", &sent.name, email::MAX)?,
        // A mistake in an optional field must not lose the message.
        email: Some(sent.email.trim()).filter(|email| email::is_email(email)).unwrap_or_default().to_owned(),
        page_url: text::page_url(&sent.page),
        country: client::country(req, &app.config),
    };
    let body = parse_message_with(&sent.body, &files)?;
    let message = NewMessage { files, ..NewMessage::of_visitor(body, Some(client_id), app.clock.now()) };
    let id = token::id()?;
    let send = move |conn: &mut Connection| {
        let posted = visitor::send(conn, &widget, &visitor, &message, &id)?;
        if posted.reopened {
            source_links::visitor_returned(conn, &posted.conversation, message.at)?;
        }
        Ok((posted.is_new, Line::of(conn, posted.conversation.seq, vec![posted.message])?))
    };
    let (is_new, lines) = app.db.write(send).await?;
    let mut answer = if is_new { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(answer.json(lines.first()))
}

/// Query of `GET /chat/{widgetKey}/messages` and `…/events`.
#[derive(Deserialize)]
pub struct Place {
    before: Option<i64>,
    after: Option<i64>,
}

/// `GET /chat/{widgetKey}/messages`: the latest messages, or those `before` or `after` a
/// position. Oldest first.
///
/// # Errors
/// *Signed out* without a secret, *not found*, *forbidden* or *too many*.
pub async fn history(
    req: HttpRequest,
    app: AppData,
    path: web::Path<String>,
    query: Query<Place>,
) -> Result<HttpResponse> {
    let (req, app, key, place) = (&req, &app, path.into_inner(), query.into_inner());
    app.limits.chat_reading.check(sender(req, app))?;
    let hash = secret_hash(req)?;
    let widget = widget(req, app, key).await?;
    let answer = app.db.read(move |conn| {
        let Some(found) = conversation::of_visitor(conn, widget.id, &hash)? else {
            return Ok(json!({ "status": "none", "messages": [], "more": false }));
        };
        let (rows, more) = match place.after {
            Some(after) => {
                let rows = messages::after(conn, found.seq, after, CATCH_UP)?;
                let more = rows.last().is_some_and(|last| last.position < found.message_count);
                (rows, more)
            }
            None => {
                let rows = messages::before(conn, found.seq, place.before, messages::MESSAGES)?;
                let more = rows.first().is_some_and(|first| first.position > 1);
                (rows, more)
            }
        };
        let lines = Line::of(conn, found.seq, rows)?;
        Ok(json!({ "conversation": tag(&found), "status": found.status.as_str(), "messages": lines, "more": more }))
    });
    Ok(HttpResponse::Ok().json(answer.await?))
}

/// `GET /chat/{widgetKey}/files/{id}`: a file of the conversation.
///
/// # Errors
/// *Signed out* without a secret, *not found*, *forbidden* or *too many*.
pub async fn file(
    req: HttpRequest,
    app: AppData,
    path: web::Path<(String, String)>,
    wish: Query<Wish>,
) -> Result<HttpResponse> {
    let file = find_file(&req, &app, path.into_inner()).await?;
    serve::source_file(&req, &app, &file, &wish).await
}

/// `GET /chat/{widgetKey}/files/{id}/thumbnail`
///
/// # Errors
/// The same, and *not found* when it has no thumbnail.
pub async fn thumbnail(req: HttpRequest, app: AppData, path: web::Path<(String, String)>) -> Result<HttpResponse> {
    let file = find_file(&req, &app, path.into_inner()).await?;
    serve::thumbnail_of(&req, &app, file.thumbnail_key(), &file.id).await
}

async fn find_file(req: &HttpRequest, app: &AppData, (key, id): (String, String)) -> Result<SourceFile> {
    app.limits.chat_reading.check(sender(req, app))?;
    let hash = secret_hash(req)?;
    let widget = widget(req, app, key).await?;
    app.db
        .read(move |conn| {
            let of = conversation::of_visitor(conn, widget.id, &hash)?.ok_or_else(Error::not_found)?;
            file::find_in_conversation(conn, of.seq, &id)
        })
        .await
}

/// What a visitor has seen.
#[derive(Deserialize)]
struct Seen {
    position: i64,
}

/// `POST /chat/{widgetKey}/seen`: `position` as JSON, that of the newest message that was shown.
///
/// # Errors
/// *Signed out* without a secret, *not found*, *forbidden* or *too many*.
pub async fn seen(
    req: HttpRequest,
    app: AppData,
    path: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse> {
    let (req, app, key) = (&req, &app, path.into_inner());
    app.limits.chat_reading.check(sender(req, app))?;
    let hash = secret_hash(req)?;
    let widget = widget(req, app, key).await?;
    let Seen { position } = read(req, payload, "position").await?;
    let of_visitor = move |conn: &mut Connection| conversation::of_visitor(conn, widget.id, &hash);
    let found = app.db.read(of_visitor).await?.ok_or_else(Error::not_found)?;
    note_seen(app, found, position).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Records what a visitor has seen. Pages of the team show it.
pub(super) async fn note_seen(app: &AppData, of: Conversation, position: i64) -> Result<()> {
    if position <= of.seen_position {
        return Ok(());
    }
    let row = of.clone();
    if app.db.write(move |conn| visitor::note_seen(conn, &row, position)).await? {
        app.live.publish(Topic::Account(of.account_id), Event::new("conversation", &json!({ "conversation": of.id })));
    }
    Ok(())
}

/// `GET /chat/{widgetKey}/events`: server-sent events. First the stored messages `after` a
/// position, then new ones.
///
/// # Errors
/// *Not found* while there is no conversation; *signed out* without a secret,
/// *forbidden* or *too many*.
pub async fn events(
    req: HttpRequest,
    app: AppData,
    path: web::Path<String>,
    query: Query<Place>,
) -> Result<HttpResponse> {
    let (req, app, key, after) = (&req, &app, path.into_inner(), query.after.unwrap_or(0));
    app.limits.chat_reading.check(sender(req, app))?;
    let hash = secret_hash(req)?;
    let widget = widget(req, app, key).await?;
    let found = app.db.read(move |conn| conversation::of_visitor(conn, widget.id, &hash)).await?;
    // A position beyond the end belongs to an earlier conversation.
    let found = found.filter(|found| after <= found.message_count).ok_or_else(Error::not_found)?;
    let topic = Topic::Conversation(found.seq);
    if app.live.subscribers(topic) >= MAX_STREAMS {
        // Each stream reads the table on every event.
        return Err(Error::too_many("This conversation is open in too many places.", 30));
    }
    let place = app.limits.streams.open(client::network(req, &app.config))?;
    let feed = Feed {
        // Subscribe before the first read, so that no event is missed.
        events: app.live.subscribe(topic),
        app: app.clone(),
        seq: found.seq,
        tag: tag(&found),
        after,
        status: found.status,
        step: Step::Greet,
        _place: place,
    };
    Ok(stream::events(futures_util::stream::unfold(feed, Feed::next)))
}

/// One visitor's event stream. Whatever wakes it, it reads the table from its last position
/// on, so that it sends messages in order and without gaps.
struct Feed {
    events: Subscription,
    app: AppData,
    seq: i64,
    tag: String,
    after: i64,
    status: Status,
    step: Step,
    _place: Stream,
}

/// What a stream does next.
enum Step {
    Greet,
    Read,
    Wait,
    End,
}

/// The result of reading the table for a stream.
enum News {
    Frames(String),
    Nothing,
    /// The conversation is gone or the database is unavailable: the bubble reconnects.
    End,
}

impl Feed {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        loop {
            match self.step {
                Step::Greet => {
                    self.step = Step::Read;
                    let hello = json!({ "conversation": self.tag, "status": self.status.as_str() });
                    return Some((frame("hello", None, &hello.to_string()).into(), self));
                }
                Step::Read => {
                    self.step = Step::Wait;
                    match self.read().await {
                        News::Frames(text) => return Some((text.into(), self)),
                        News::Nothing => {}
                        News::End => return None,
                    }
                }
                Step::Wait => match self.events.next().await {
                    Waited::Stopping => {
                        self.step = Step::End;
                        return Some((frame("bye", None, "{}").into(), self));
                    }
                    Waited::Quiet => {
                        // In case an event from another instance was lost.
                        self.step = Step::Read;
                        return Some((KEEP_ALIVE.into(), self));
                    }
                    Waited::Events(_) => self.step = Step::Read,
                },
                Step::End => return None,
            }
        }
    }

    async fn read(&mut self) -> News {
        let (seq, after) = (self.seq, self.after);
        let news = move |conn: &mut Connection| {
            let Some((status, rows)) = messages::news_of(conn, seq, after, CATCH_UP)? else { return Ok(None) };
            Ok(Some((status, Line::of(conn, seq, rows)?)))
        };
        let (status, lines) = match self.app.db.read(news).await {
            Ok(Some(found)) => found,
            Ok(None) => return News::End,
            Err(error) => {
                tracing::warn!(cause = error.cause(), "an event stream failed");
                return News::End;
            }
        };
        let mut text = String::new();
        for line in lines {
            self.after = line.position;
            // Writing plain text as JSON cannot fail.
            let data = serde_json::to_string(&line).unwrap_or_default();
            text += &frame("message", Some(self.after), &data);
            // There may be more than one reading returns.
            self.step = Step::Read;
        }
        if status != self.status {
            text += &frame("status", None, &json!({ "status": status.as_str() }).to_string());
            self.status = status;
        }
        if text.is_empty() { News::Nothing } else { News::Frames(text) }
    }
}

/// Distinguishes a visitor's conversation from their earlier ones. It is a hash of two
/// values that nobody can guess, so it reveals nothing else.
fn tag(conversation: &Conversation) -> String {
    let secret = conversation.visitor_hash.as_deref().unwrap_or_default();
    token::sha256(format!("{} {secret}", conversation.id).as_bytes())[..12].to_owned()
}

/// Reads a request's JSON; `what` names it in the error.
async fn read<T: DeserializeOwned>(req: &HttpRequest, payload: web::Payload, what: &str) -> Result<T> {
    let body = read_body(req, &mut payload.into_inner(), MAX_BYTES).await?;
    let unreadable = |error| Error::new(ErrorKind::Unreadable, format!("The {what} is not valid: {error}."));
    serde_json::from_str(&charset::body(body, charset::declared(req))).map_err(unreadable)
}

async fn widget(req: &HttpRequest, app: &AppData, key: String) -> Result<Widget> {
    let widget = app.db.read(move |conn| widgets::by_key(conn, &key)).await?;
    cross_origin::check(req, &app.config, &widget.allowed_origins)?;
    Ok(widget)
}

fn sender(req: &HttpRequest, app: &AppData) -> Network {
    client::network(req, &app.config)
}

/// The hash of the visitor's secret, the only way into their conversation.
fn secret_hash(req: &HttpRequest) -> Result<String> {
    let secret = client::bearer(req.headers()).unwrap_or("");
    let is_fine = (32..=128).contains(&secret.len())
        && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_fine {
        return Ok(token::sha256(secret.as_bytes()));
    }
    Err(Error::new(ErrorKind::SignedOut, "Send the visitor’s secret (Authorization: Bearer …, 32 to 128 letters)."))
}
