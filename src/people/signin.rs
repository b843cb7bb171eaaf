//! Signing in and out.

use crate::app::AppData;
use crate::error::{Error, Kind, Result};
use crate::live::{Event, Topic};
use crate::people::model::Email;
use crate::people::passwords::Passwords;
use crate::people::throttle::Throttle;
use crate::people::{sessions, store};
use crate::web::fields::Fields;
use crate::web::layout::{Layout, is_local_path};
use crate::web::{client, token};
use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use std::time::Instant;

/// Prefix of the hidden fields that carry a kept form through signing in.
const KEPT: &str = "kept.";

/// Fields of kept forms that a person wrote; the others travel along unseen.
const WRITTEN: [&str; 11] = [
    "title",
    "notes",
    "line",
    "body",
    "requesterName",
    "requesterEmail",
    "add",
    "name",
    "email",
    "timeZone",
    "allowedOrigins",
];

/// One field of a kept form.
#[derive(Clone, Debug)]
pub struct KeptField {
    name: String,
    value: String,
    is_written: bool,
}

/// A form that came in when nobody was signed in any more.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Where it was sent.
    path: String,
    fields: Vec<KeptField>,
}

impl Kept {
    /// Keeps all fields but passwords.
    #[must_use]
    pub fn new(path: String, sent: &Fields) -> Self {
        let fields = sent
            .iter()
            .filter(|(name, _)| !name.to_lowercase().contains("password"))
            .map(|(name, value)| KeptField {
                name: name.clone(),
                value: value.clone(),
                is_written: WRITTEN.contains(&name.as_str()),
            })
            .collect();
        Self { path, fields }
    }

    /// Reads back what the sign-in page carried.
    fn from_sign_in(sent: &Fields) -> Option<Self> {
        let path = sent.get("keptPath");
        let fields: Vec<KeptField> = sent
            .iter()
            .filter_map(|(name, value)| name.strip_prefix(KEPT).map(|name| (name, value)))
            .map(|(name, value)| KeptField {
                name: name.to_owned(),
                value: value.clone(),
                is_written: WRITTEN.contains(&name),
            })
            .collect();
        (is_local_path(&path) && !fields.is_empty()).then_some(Self { path, fields })
    }

    fn is_written(&self) -> bool {
        self.fields.iter().any(|field| field.is_written && !field.value.is_empty())
    }

    /// The page on which the form stood: its address without the last word.
    fn page(&self) -> &str {
        let parent = self.path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if parent.is_empty() { &self.path } else { parent.trim_end_matches("/notes") }
    }
}

#[derive(Template)]
#[template(path = "people/sign_in.html")]
struct SignInPage<'a> {
    layout: &'a Layout,
    email: &'a str,
    next: &'a str,
    error: Option<&'a str>,
    kept: Option<&'a Kept>,
}

#[derive(Template)]
#[template(path = "people/kept.html")]
struct KeptPage<'a> {
    layout: &'a Layout,
    kept: &'a Kept,
}

/// `401` with the sign-in page, which carries what was sent.
///
/// # Errors
/// *Internal* when the template fails.
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
///
/// # Errors
/// When the database or the template fails.
pub async fn show(app: AppData, layout: Layout, query: web::Query<Wanted>) -> Result<HttpResponse> {
    if app.db.read(store::is_empty).await? {
        let message = "Nobody has an account yet. The link that opens the first one stands in the server's log.";
        return Err(Error::new(Kind::NotFound, message));
    }
    let next = query.into_inner().next.unwrap_or_default();
    layout.page(&SignInPage { layout: &layout, email: "", next: &next, error: None, kept: None })
}

/// `POST /login`
///
/// # Errors
/// *Too many* after repeated failures; otherwise when the database fails.
pub async fn sign_in(
    req: HttpRequest,
    app: AppData,
    layout: Layout,
    passwords: web::Data<Passwords>,
    throttle: web::Data<Throttle>,
    sent: Fields,
) -> Result<HttpResponse> {
    let (email, next) = (sent.get("email"), sent.get("next"));
    let address = client::address(&req, &app.config);
    let kept = Kept::from_sign_in(&sent);
    let key = email.trim().to_lowercase();
    if let Err(seconds) = throttle.begin(address, &key, Instant::now()) {
        tracing::warn!(%address, "sign-in throttled");
        let error = format!("Too many failed tries. Please wait {seconds} seconds.");
        let page = SignInPage { layout: &layout, email: &email, next: &next, error: Some(&error), kept: kept.as_ref() };
        let mut answer = layout.page_with(Kind::TooMany.status(), &page)?;
        answer.headers_mut().insert(RETRY_AFTER, seconds.into());
        return Ok(answer);
    }
    let user = match Email::parse(&email) {
        Ok(email) => app.db.read(move |conn| store::find_by_email(conn, &email)).await?,
        Err(_) => None,
    };
    let user = user.filter(|user| user.disabled_at.is_none());
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let right = passwords.verify(sent.get("password"), hash).await?;
    let Some(user) = user.filter(|_| right) else {
        tracing::info!(%address, "sign-in failed");
        let error = Some("Email address or password is wrong.");
        let page = SignInPage { layout: &layout, email: &email, next: &next, error, kept: kept.as_ref() };
        return layout.page_with(StatusCode::UNAUTHORIZED, &page);
    };
    throttle.succeeded(address, &key);
    tracing::info!(user = user.id, "signed in");
    let mut response = match kept.filter(Kept::is_written) {
        Some(kept) => layout.page(&KeptPage { layout: &layout, kept: &kept })?,
        None => layout.see_other(if is_local_path(&next) { &next } else { "/tickets" }),
    };
    start_session(&req, &app, user.id, &mut response).await?;
    Ok(response)
}

/// Opens a session for a user and puts its cookie on the answer.
///
/// # Errors
/// When the database fails.
pub async fn start_session(req: &HttpRequest, app: &AppData, user_id: i64, response: &mut HttpResponse) -> Result<()> {
    let (secret, old) = (token::secret()?, sessions::token_of(req, &app.config));
    let now = app.clock.now();
    let stored = secret.clone();
    app.db.write(move |conn| sessions::open(conn, user_id, &stored, old.as_deref(), now)).await?;
    let cookie = sessions::cookie(&app.config, secret);
    response.add_cookie(&cookie).map_err(|source| Error::internal("cookie", source))
}

/// `POST /logout`
///
/// # Errors
/// When the database fails.
pub async fn sign_out(req: HttpRequest, app: AppData, layout: Layout) -> Result<HttpResponse> {
    if let Some(token) = sessions::token_of(&req, &app.config) {
        let (now, wanted) = (app.clock.now(), token.clone());
        let found = app.db.read(move |conn| sessions::find(conn, &wanted, now)).await?;
        app.db.write(move |conn| sessions::close(conn, &token)).await?;
        if let Some((user, _)) = found {
            app.live.tell(Topic::Account(user.account_id), Event::recheck());
        }
    }
    let mut response = layout.see_other("/login");
    let removal = sessions::removal(&app.config);
    response.add_removal_cookie(&removal).map_err(|source| Error::internal("cookie", source))?;
    Ok(response)
}
