//! The check before every route: where the request comes from, who sent it, and whether
//! they may use the route.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::accounts::{keys, rights, sessions};
use crate::db::Connection;
use crate::desk::sign_in::Kept;
use crate::desk::{cookies, sign_in};
use crate::error::{Error, Kind, Result};
use crate::events::actor::Actor;
use crate::limits::rates::Left;
use crate::tickets::views;
use crate::tickets::views::View;
use crate::values::token;
use crate::web::fields::Fields;
use crate::web::layout::{CurrentUser, Layout, SavedList};
use crate::web::{AppData, answer, client, flow, log, origin};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use std::future::{Ready, ready};

/// Errors for which the form of a signed-out user is rejected instead of kept.
const NOT_KEPT: [Kind; 3] = [Kind::TooLarge, Kind::TooSlow, Kind::Unavailable];

/// CurrentUser may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Anyone, from any website. Ignores cookies.
    Public,
    /// Anyone, but changes only from our own pages: sign-in, set-up and invitations.
    Door,
    /// Signed-in users who may perform the action, from our own pages.
    Desk(Action),
    /// Programs with an API key. Ignores cookies.
    Api,
}

/// Passes a request on to its route, or responds to it.
pub async fn keep(
    gate: Gate,
    mut req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let mut response = match judge(gate, &mut req).await {
        Ok(None) => next.call(req).await?.map_into_boxed_body(),
        // Not `into_response`, which drops the error of a response.
        Ok(Some(answer)) => ServiceResponse::new(req.into_parts().0, answer),
        Err(error) => req.error_response(error),
    };
    let left = response.request().extensions().get::<Left>().copied();
    if let Some(Left { limit, remaining, reset }) = left {
        let now = app_of(response.request())?.clock.now().and_utc().timestamp();
        let headers = [
            ("x-ratelimit-limit", i64::from(limit)),
            ("x-ratelimit-remaining", i64::from(remaining)),
            // As Unix time.
            ("x-ratelimit-reset", now + i64::from(reset)),
        ];
        for (name, value) in headers {
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
    Ok(response)
}

/// `None` if the request may pass, otherwise the response to it.
async fn judge(gate: Gate, req: &mut ServiceRequest) -> Result<Option<HttpResponse>> {
    // No name or id contains NUL, and Postgres rejects text that does.
    if req.path().contains("%00") {
        return Err(Error::not_found());
    }
    let stopped = stopped(req)?;
    let action = match (gate, &stopped) {
        (Gate::Desk(action), _) => action,
        (_, Some(reason)) => return Err(Error::maintenance(reason)),
        (Gate::Public, None) => return Ok(None),
        (Gate::Api, None) => return admit_program(req).await.map(|()| None),
        (Gate::Door, None) => {
            check_origin(req)?;
            slow_down(req)?;
            return Ok(None);
        }
    };
    check_origin(req)?;
    let Some((agent, views)) = signed_in(req.request()).await? else { return turn_away(req).await.map(Some) };
    let allowed = agent.role.may(action);
    // First, because a refusal is shown in the user's layout, too.
    admit(req, agent, views)?;
    match stopped {
        _ if !allowed => Err(rights::not_allowed()),
        Some(reason) => give_back(req, &reason).await.map(Some),
        None => Ok(None),
    }
}

/// Why the operator has stopped all changes, if they have and the request is one.
fn stopped(req: &ServiceRequest) -> Result<Option<String>> {
    let is_change = !matches!(*req.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    Ok(app_of(req.request())?.config.maintenance.clone().filter(|_| is_change))
}

/// Responds to a change that is refused with what the user wrote.
async fn give_back(req: &mut ServiceRequest, reason: &str) -> Result<HttpResponse> {
    let refused = Error::maintenance(reason);
    if answer::wants_json(req.request()) {
        return Err(refused);
    }
    let layout = Layout::of(req.request());
    let path = layout.links.local(req.path()).to_owned();
    // A form with files cannot be given back.
    let sent = req.extract::<Fields>().await.unwrap_or_default();
    sign_in::page_given_back(&layout, &Kept::new(path, &sent)?, refused)
}

fn check_origin(req: &ServiceRequest) -> Result<()> {
    let app = app_of(req.request())?;
    let verdict = origin::check(origin::Request {
        method: req.method(),
        headers: req.headers(),
        public_origin: app.config.public_origin().as_deref(),
    });
    verdict.map_err(|reason| {
        Error::new(Kind::Forbidden, format!("The request did not come from a page of this server: {reason}."))
    })
}

fn app_of(req: &HttpRequest) -> Result<AppData> {
    let missing = || Error::internal("wiring", "the app is not registered");
    req.app_data::<AppData>().cloned().ok_or_else(missing)
}

async fn signed_in(req: &HttpRequest) -> Result<Option<(Agent, Vec<View>)>> {
    let app = app_of(req)?;
    let Some(token) = cookies::token(req, &app, cookies::Kind::Session) else { return Ok(None) };
    let used = sign_in::used(req, &app);
    let (wanted, config, now) = (token.clone(), app.config.clone(), used.last_seen_at);
    let find = move |conn: &mut Connection| {
        let Some((user, is_stale)) = sessions::find(conn, &config, &wanted, now)? else { return Ok(None) };
        let views = views::of(conn, user.account_id, user.id)?;
        Ok(Some((user, views, is_stale)))
    };
    let Some((user, views, is_stale)) = app.db.read(find).await? else { return Ok(None) };
    if is_stale {
        record_use(&app, move |conn| sessions::touch(conn, &token, &used)).await;
    }
    Ok(Some((user.into(), views)))
}

/// Records that a session or a key was used. Reading must work even when writing fails.
async fn record_use(app: &AppData, touch: impl FnMut(&mut Connection) -> Result<()> + Send + 'static) {
    if app.config.maintenance.is_none()
        && let Err(error) = app.db.write(touch).await
    {
        tracing::warn!(cause = error.cause(), "recording the use of a session or key failed");
    }
}

/// Authenticates a program by its API key.
async fn admit_program(req: &ServiceRequest) -> Result<()> {
    let app = app_of(req.request())?;
    let missing = || Error::new(Kind::SignedOut, "Send an API key (Authorization: Bearer dk_live_…).");
    let key = client::bearer(req.headers()).ok_or_else(missing)?;
    // Guesses are limited per network, requests per key.
    let hash = token::sha256(key.as_bytes());
    let (now, wanted) = (app.clock.now(), hash.clone());
    if !keys::is_well_formed(key) {
        return Err(keys::unknown());
    }
    match app.limits.api.check(&hash) {
        Ok(left) => req.extensions_mut().insert(left),
        Err(error) => {
            let reset = error.retry_after().unwrap_or(1);
            req.extensions_mut().insert(Left { limit: app.limits.api.burst(), remaining: 0, reset });
            return Err(error);
        }
    };
    let Some((actor, is_stale)) = app.db.read(move |conn| keys::bearer(conn, &wanted, now)).await? else {
        app.limits.guesses.check(client::network(req.request(), &app.config))?;
        return Err(keys::unknown());
    };
    if is_stale {
        record_use(&app, move |conn| keys::touch(conn, &hash, now)).await;
    }
    flow::share(req.request())?.sign_in();
    log::name_sender(actor.user_id(), actor.key_id());
    req.extensions_mut().insert(actor);
    Ok(())
}

/// Limits the rate of signed-out clients, before a body is read.
fn slow_down(req: &ServiceRequest) -> Result<()> {
    if matches!(*req.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    let app = app_of(req.request())?;
    app.limits.door.check(client::network(req.request(), &app.config)).map(drop)
}

fn admit(req: &ServiceRequest, agent: Agent, views: Vec<View>) -> Result<()> {
    flow::share(req.request())?.sign_in();
    log::name_sender(Some(agent.id), None);
    let user = CurrentUser {
        id: agent.id,
        name: agent.name.clone(),
        has_keys: agent.has_keys,
        may_work: agent.role.may(Action::Work),
        may_configure: agent.role.may(Action::Configure),
        may_own: agent.role.may(Action::Own),
        saved_lists: views.into_iter().map(|view| SavedList { name: view.name, query: view.query }).collect(),
    };
    let mut extensions = req.extensions_mut();
    extensions.insert(user);
    extensions.insert(Actor::from(&agent));
    extensions.insert(agent);
    Ok(())
}

/// Responds to a client that isn't signed in. The content of a form is kept.
async fn turn_away(req: &mut ServiceRequest) -> Result<HttpResponse> {
    let layout = Layout::of(req.request());
    if answer::wants_json(req.request()) {
        return Err(Error::new(Kind::SignedOut, "Please sign in first."));
    }
    if matches!(*req.method(), Method::GET | Method::HEAD) {
        let wanted = req.uri().path_and_query().map_or("/", |path| path.as_str());
        let next = form_urlencoded::byte_serialize(layout.links.local(wanted).as_bytes()).collect::<String>();
        return Ok(layout.see_other(format!("/login?next={next}")));
    }
    let path = layout.links.local(req.path()).to_owned();
    slow_down(req)?;
    let sent = match req.extract::<Fields>().await {
        Ok(sent) => sent,
        // Too large, too slow or out of memory: the response says why.
        Err(error) if error.as_error::<Error>().is_some_and(|error| NOT_KEPT.contains(&error.kind)) => {
            return Ok(HttpResponse::from_error(error));
        }
        // A form with files or an unreadable form isn't kept. The user still signs in first.
        Err(_) => Fields::default(),
    };
    sign_in::page_for_kept(&layout, &Kept::new(path, &sent)?)
}

/// What [`keep`] stored with the request. Fails closed: without it, nobody is signed in.
fn admitted<T: Clone + 'static>(req: &HttpRequest) -> Ready<Result<T, actix_web::Error>> {
    let found = req.extensions().get::<T>().cloned();
    ready(found.ok_or_else(|| Error::new(Kind::SignedOut, "Please sign in first.").into()))
}

impl FromRequest for Agent {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        admitted(req)
    }
}

impl FromRequest for Actor {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        admitted(req)
    }
}
