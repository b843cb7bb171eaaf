//! Signing in and out.

use crate::accounts::failed_sign_ins::Attempt;
use crate::accounts::password_check::Checked;
use crate::accounts::sessions::Used;
use crate::accounts::user::User;
use crate::accounts::{devices, password_check, sessions, user};
use crate::db::Connection;
use crate::desk::{browser, cookies};
use crate::error::{Error, Kind, Result};
use crate::values::email::Email;
use crate::values::token;
use crate::web::fields::{Fields, is_secret};
use crate::web::layout::Layout;
use crate::web::links::is_local_path;
use crate::web::query::Query;
use crate::web::{AppData, client};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use chrono::NaiveDateTime;
use serde::Deserialize;

/// Prefix of the hidden fields that carry a kept form through sign-in.
const KEPT: &str = "kept.";

/// Maximum size of a kept form, in bytes of HTML. Our longest form fits.
const MAX_KEPT: usize = 1024 * 1024;

/// Fields that pages fill in themselves. They stay hidden. All others are shown, so that
/// nothing that a user wrote is lost.
const CARRIED: [&str; 16] = [
    "another",
    "assignee",
    "colour",
    "conversationId",
    "doing",
    "formSubmissionId",
    "from",
    "language",
    "mail",
    "place",
    "remove",
    "requestId",
    "role",
    "sample",
    "status",
    "version",
];

/// One field of a kept form.
#[derive(Clone, Debug)]
pub struct KeptField {
    name: String,
    value: String,
}

impl KeptField {
    /// Whether the user wrote it. `1` is the value of a ticked checkbox.
    fn is_written(&self) -> bool {
        self.value != "1" && !CARRIED.contains(&self.name.as_str())
    }
}

/// A form that was sent after the session had ended.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The path that it was sent to.
    path: String,
    fields: Vec<KeptField>,
}

impl Kept {
    /// Keeps all fields except passwords.
    ///
    /// # Errors
    /// *Too large* for more than any of our forms sends.
    pub fn new(path: String, sent: &Fields) -> Result<Self> {
        let size = |text: &str| text.len() + 4 * text.bytes().filter(|byte| b"&<>'\"".contains(byte)).count();
        if sent.iter().map(|(name, value)| size(name) + size(value)).sum::<usize>() > MAX_KEPT {
            return Err(Error::new(
                Kind::TooLarge,
                "You are signed out, and the form is too large to be kept while you sign in.",
            ));
        }
        let fields = sent
            .iter()
            .filter(|(name, _)| !is_secret(name))
            .map(|(name, value)| KeptField { name: name.clone(), value: value.clone() })
            .collect();
        Ok(Self { path, fields })
    }

    /// Reads the kept form from the fields of the sign-in page.
    fn from_sign_in(sent: &Fields) -> Option<Self> {
        let path = sent.get("keptPath");
        let fields: Vec<KeptField> = sent
            .iter()
            .filter_map(|(name, value)| name.strip_prefix(KEPT).map(|name| (name, value)))
            .map(|(name, value)| KeptField { name: name.to_owned(), value: value.clone() })
            .collect();
        (is_local_path(&path) && !fields.is_empty()).then_some(Self { path, fields })
    }

    fn is_written(&self) -> bool {
        self.fields.iter().any(|field| field.is_written() && !field.value.is_empty())
    }

    /// The page that contained the form: the path without its last segment.
    fn page(&self) -> &str {
        let parent = self.path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if parent.is_empty() { &self.path } else { parent.trim_end_matches("/notes") }
    }
}

#[derive(Template)]
#[template(path = "desk/sign_in.html")]
struct SignInPage<'a> {
    layout: &'a Layout,
    email: &'a str,
    next: &'a str,
    error: Option<Error>,
    kept: Option<&'a Kept>,
}

#[derive(Template)]
#[template(path = "desk/kept.html")]
struct KeptPage<'a> {
    layout: &'a Layout,
    why: &'a str,
    kept: &'a Kept,
}

/// The form that was refused, to be sent again later.
///
/// # Errors
/// The refusal itself, if nothing was written.
pub fn page_given_back(layout: &Layout, kept: &Kept, refused: Error) -> Result<HttpResponse> {
    if !kept.is_written() {
        return Err(refused);
    }
    let page = KeptPage { layout, why: "Keep this page open, and save later.", kept };
    let mut response = layout.page_with(StatusCode::SERVICE_UNAVAILABLE, &page)?;
    if let Some(seconds) = refused.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    Ok(response)
}

/// `401` with the sign-in page, which carries the kept form.
pub fn page_for_kept(layout: &Layout, kept: &Kept) -> Result<HttpResponse> {
    let page = SignInPage { layout, email: "", next: kept.page(), error: None, kept: Some(kept) };
    layout.page_with(StatusCode::UNAUTHORIZED, &page)
}

/// Query of `GET /login`.
#[derive(Deserialize)]
pub struct Wanted {
    next: Option<String>,
}

/// `GET /login`
pub async fn show(app: AppData, layout: Layout, query: Query<Wanted>) -> Result<HttpResponse> {
    if app.db.read(user::is_empty).await? {
        let message = "Nobody has an account yet. Open the set-up link that the server printed when it started, or run “docket setup-link” for a new one.";
        return Err(Error::new(Kind::NotFound, message));
    }
    let next = query.into_inner().next.unwrap_or_default();
    layout.page(&SignInPage { layout: &layout, email: "", next: &next, error: None, kept: None })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Credentials {
    email: String,
    next: String,
    password: String,
}

/// `POST /login`. After repeated failures, the status is `429`.
pub async fn sign_in(req: HttpRequest, app: AppData, layout: Layout, sent: Fields) -> Result<HttpResponse> {
    let Credentials { email, next, password } = sent.read()?;
    let network = client::network(&req, &app.config);
    let kept = Kept::from_sign_in(&sent);
    let device = cookies::token(&req, &app, cookies::Kind::Device);
    let (wanted, typed, now) = (device.clone().unwrap_or_default(), Email::parse(&email).ok(), app.clock.now());
    let found = app.db.read(move |conn| find(conn, typed.as_ref(), &wanted, now)).await?;
    let (user, is_known) = found.map_or((None, false), |(user, is_known)| (Some(user), is_known));
    let attempt = Attempt { network, user: email.clone(), device: device.filter(|_| is_known) };
    let error = match (password_check::check(&app, user.as_ref(), attempt, password).await?, user) {
        (Checked::Right, Some(user)) => return welcome(&req, &app, &layout, user, &next, kept).await,
        (Checked::TooOften(seconds), _) => {
            tracing::warn!(%network, "sign-in throttled");
            Error::too_many(&format!("Too many failed attempts. Wait {seconds} seconds and try again."), seconds)
        }
        (_, user) => {
            tracing::info!(%network, "sign-in failed");
            if let Some(user) = user {
                let used = used(&req, &app);
                app.db.write(move |conn| sessions::record_failure(conn, &user, &used)).await?;
            }
            Error::new(Kind::SignedOut, "Wrong email address or password.")
        }
    };
    let seconds = error.retry_after();
    let page = SignInPage { layout: &layout, email: &email, next: &next, error: Some(error), kept: kept.as_ref() };
    let mut response = layout.page_showing(page.error.as_ref(), &page)?;
    if let Some(seconds) = seconds {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    Ok(response)
}

/// Signs a user in, and shows them the form that was kept.
async fn welcome(
    req: &HttpRequest,
    app: &AppData,
    layout: &Layout,
    user: User,
    next: &str,
    kept: Option<Kept>,
) -> Result<HttpResponse> {
    tracing::info!(user = user.id, "signed in");
    let mut response = match kept.filter(Kept::is_written) {
        Some(kept) => layout.page(&KeptPage { layout, why: "You’re signed in again.", kept: &kept })?,
        None => layout.see_other(if is_local_path(next) { next } else { "/tickets" }),
    };
    start_session(req, app, user.id, &mut response).await?;
    Ok(response)
}

/// The user with this email address, unless disabled, and whether they have signed in with
/// this browser before.
fn find(
    conn: &mut Connection,
    email: Option<&Email>,
    device: &str,
    now: NaiveDateTime,
) -> Result<Option<(User, bool)>> {
    let Some(email) = email else { return Ok(None) };
    let user = user::find_by_email(conn, email)?.filter(|user| user.disabled_at.is_none());
    user.map(|user| devices::is_known(conn, user.id, device, now).map(|is_known| (user, is_known))).transpose()
}

/// The browser, the network and the time of a request that uses a session.
pub fn used(req: &HttpRequest, app: &AppData) -> Used {
    let agent = req.headers().get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let network = client::network(req, &app.config).to_string();
    Used { device: browser::describe(agent), network, last_seen_at: app.clock.now() }
}

/// Opens a session for a user, adds its cookie to the response, and remembers the browser.
pub async fn start_session(req: &HttpRequest, app: &AppData, user_id: i64, response: &mut HttpResponse) -> Result<()> {
    let (session, device) = (token::secret()?, token::secret()?);
    let (old_session, old_device) =
        (cookies::token(req, app, cookies::Kind::Session), cookies::token(req, app, cookies::Kind::Device));
    let (used, stored) = (used(req, app), (session.clone(), device.clone()));
    let open = move |conn: &mut Connection| {
        sessions::open(conn, user_id, &stored.0, old_session.as_deref(), &used)?;
        devices::remember(conn, user_id, old_device.as_deref(), &stored.1, used.last_seen_at)
    };
    app.db.write(open).await?;
    for cookie in
        [cookies::cookie(app, cookies::Kind::Session, session), cookies::cookie(app, cookies::Kind::Device, device)]
    {
        response.add_cookie(&cookie).map_err(|source| Error::internal("cookie", source))?;
    }
    Ok(())
}

/// `POST /logout`
pub async fn sign_out(req: HttpRequest, app: AppData, layout: Layout) -> Result<HttpResponse> {
    if let Some(token) = cookies::token(&req, &app, cookies::Kind::Session) {
        let (now, wanted) = (app.clock.now(), token.clone());
        let config = app.config.clone();
        let found = app.db.read(move |conn| sessions::find(conn, &config, &wanted, now)).await?;
        if let Some((user, _)) = found {
            tracing::info!(user = user.id, "signed out");
            app.db.write(move |conn| sessions::close_own(conn, &user, &token, now)).await?;
        }
    }
    let mut response = layout.see_other("/login");
    // Clear the pages and pictures in the browser's cache, too.
    response.headers_mut().insert(HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\""));
    let removal = cookies::removal(&app, cookies::Kind::Session);
    response.add_removal_cookie(&removal).map_err(|source| Error::internal("cookie", source))?;
    Ok(response)
}
