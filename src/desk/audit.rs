//! `/settings/audit`: what happened to people, keys and settings.

use crate::accounts::agent::Agent;
use crate::accounts::role::Role;
use crate::accounts::user;
use crate::error::Result;
use crate::events::audit;
use crate::events::audit::Filter;
use crate::events::event::{Event, Kind};
use crate::values::page::{Cursor, Place, Window};
use crate::values::text;
use crate::web::AppData;
use crate::web::csv::{CONTENT_TYPE, Rows, download};
use crate::web::layout::Layout;
use crate::web::lists::{Choice, LIST_BUSY, LIST_PATIENCE};
use crate::web::query::Query;
use crate::web::when::When;
use actix_web::HttpResponse;
use askama::Template;
use serde::Deserialize;

/// Rows of one read for the CSV file.
const CHUNK: usize = 1_000;
/// Most rows of the CSV file.
const MOST: usize = 50_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct AuditQuery {
    actor: String,
    kind: String,
    after: String,
    before: String,
}

impl AuditQuery {
    fn filter(&self) -> Filter {
        Filter { actor: self.actor.parse().ok(), kind: self.kind.parse().ok() }
    }
}

struct Row {
    actor: String,
    what: String,
    place: String,
    /// The page with the receipt of an erasure.
    receipt: Option<String>,
    at: When,
}

#[derive(Template)]
#[template(path = "desk/audit.html")]
struct AuditPage<'a> {
    layout: &'a Layout,
    actors: Vec<Choice>,
    kinds: Vec<Choice>,
    csv: String,
    is_filtered: bool,
    rows: Vec<Row>,
    newer: Option<String>,
    older: Option<String>,
}

/// `GET /settings/audit`
pub async fn show(app: AppData, agent: Agent, layout: Layout, query: Query<AuditQuery>) -> Result<HttpResponse> {
    let query = query.into_inner();
    let (filter, place) = (query.filter(), Place::parse(&query.after, &query.before));
    let (wanted, account_id) = (filter.clone(), agent.account_id);
    let load = move |conn: &mut _| {
        Ok((audit::page(conn, account_id, &wanted, place.into())?, user::members(conn, account_id)?))
    };
    let slot = app.lists.take(agent.holder(), LIST_PATIENCE, LIST_BUSY).await?;
    let (page, team) = app.db.read(load).await?;
    drop(slot);
    let address = |path: &str, cursor: Option<(&str, Cursor)>| {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        let kept = [("actor", &query.actor), ("kind", &query.kind)];
        pairs.extend_pairs(kept.iter().filter(|(_, value)| !value.is_empty()));
        if let Some((word, cursor)) = cursor {
            pairs.append_pair(word, &cursor.to_string());
        }
        layout.href(&format!("{path}?{}", pairs.finish()))
    };
    let mut actors =
        vec![Choice { value: String::new(), label: "Everybody".into(), is_chosen: filter.actor.is_none() }];
    actors.extend(team.into_iter().map(|user| Choice {
        value: user.id.to_string(),
        is_chosen: filter.actor == Some(user.id),
        label: user.name,
    }));
    let mut kinds = vec![Choice { value: String::new(), label: "Everything".into(), is_chosen: filter.kind.is_none() }];
    kinds.extend(Kind::ALL.iter().filter(|kind| kind.is_for_audit()).map(|kind| Choice {
        value: kind.as_str().to_owned(),
        label: label(*kind).to_owned(),
        is_chosen: filter.kind == Some(*kind),
    }));
    let row = |event: Event| Row {
        what: what(&event),
        place: place_of(&event).to_owned(),
        receipt: (event.kind == Kind::ContactErased)
            .then(|| layout.href(&format!("/contacts/{}/erasure", event.subject))),
        at: When::new(event.at, agent.zone),
        actor: actor(event),
    };
    let page = AuditPage {
        layout: &layout,
        actors,
        kinds,
        csv: address("/settings/audit.csv", None),
        is_filtered: filter.actor.is_some() || filter.kind.is_some(),
        newer: page.newer.map(|cursor| address("/settings/audit", Some(("before", cursor)))),
        older: page.older.map(|cursor| address("/settings/audit", Some(("after", cursor)))),
        rows: page.rows.into_iter().map(row).collect(),
    };
    layout.page(&page)
}

/// `GET /settings/audit.csv`: the same, at most 50,000 rows.
pub async fn csv(app: AppData, agent: Agent, query: Query<AuditQuery>) -> Result<HttpResponse> {
    let (filter, account_id) = (query.filter(), agent.account_id);
    let _slot = app.lists.take(agent.holder(), LIST_PATIENCE, LIST_BUSY).await?;
    let mut file = Rows::with_head(["at", "actor", "event", "subject", "description", "place"])?;
    let (mut place, mut count) = (Place::First, 0);
    while count < MOST {
        let wanted = filter.clone();
        let window = Window { place, size: CHUNK };
        // Each chunk is a short read of its own.
        let page = app.db.read(move |conn| audit::page(conn, account_id, &wanted, window)).await?;
        count += page.rows.len();
        for event in page.rows {
            let (at, kind) = (event.at.and_utc().to_rfc3339(), event.kind.as_str());
            let (what, place, subject) = (what(&event), place_of(&event).to_owned(), event.subject.clone());
            let cells = [at, actor(event), kind.to_owned(), subject, what, place];
            file.add(cells)?;
        }
        let Some(cursor) = page.older else { break };
        place = Place::After(cursor);
    }
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).insert_header(download("audit.csv")).body(file.into_bytes()?))
}

fn actor(event: Event) -> String {
    if event.text.actor.is_empty() { "Somebody".into() } else { event.text.actor }
}

/// Where a session was opened, or failed to.
fn place_of(event: &Event) -> &str {
    match event.kind {
        Kind::UserSignedIn | Kind::UserSignInFailed => &event.text.new,
        _ => "",
    }
}

/// The rest of a sentence that begins with the actor.
fn what(event: &Event) -> String {
    let (old, new) = (&event.text.old, &event.text.new);
    let about = text::first_filled(&[&event.text.about, "somebody who was erased"]);
    let role = |key| event.data.word::<Role>(key).map_or("", Role::as_str);
    let is_own = event.user_id().is_some_and(|id| id.to_string() == event.subject);
    match event.kind {
        Kind::AccountCreated => "created the account".into(),
        Kind::AccountChanged => "changed the account’s settings".into(),
        Kind::UserAdded if is_own => format!("joined as {}", role("role")),
        Kind::UserAdded => format!("added {about} as {}", role("role")),
        Kind::UserRoleChanged => format!("changed the role of {about} from {} to {}", role("from"), role("to")),
        Kind::UserDisabled => format!("disabled {about}"),
        Kind::UserEnabled => format!("enabled {about}"),
        Kind::UserProfileChanged if old == new => "changed their profile".into(),
        Kind::UserProfileChanged => format!("changed their name from {old} to {new}"),
        Kind::UserPasswordChanged if is_own => "changed their password".into(),
        Kind::UserPasswordChanged => format!("changed the password of {about}"),
        Kind::UserPasswordLinkCreated => format!("created a link for a new password of {about}"),
        Kind::UserSignedIn => "signed in".into(),
        Kind::UserSignInFailed => format!("could not sign in as {about}"),
        Kind::UserSignedOut => "signed out".into(),
        Kind::UserSessionsEnded if is_own => "signed out elsewhere".into(),
        Kind::UserSessionsEnded => format!("signed out {about} everywhere"),
        Kind::InvitationCreated => format!("invited {about} as {}", role("role")),
        Kind::InvitationRevoked => format!("revoked the invitation of {about}"),
        Kind::ContactChanged => format!("changed what is known of {about}"),
        Kind::ContactMerged => format!("merged {about} into another person"),
        Kind::ContactSplit => format!("separated {about} from another person"),
        Kind::ContactExported => format!("downloaded everything of {about}"),
        Kind::ContactErased => "erased a person".into(),
        Kind::KeyCreated => format!("created the API key {about}"),
        Kind::KeyRevoked => format!("revoked the API key {about}"),
        Kind::FormCreated => format!("created the form {new}"),
        Kind::FormChanged => format!("changed the form {new}"),
        Kind::WidgetCreated => format!("created the chat bubble {new}"),
        Kind::WidgetChanged => format!("changed the chat bubble {new}"),
        // No other kind is in the audit log.
        kind => kind.as_str().into(),
    }
}

/// The name of a kind in the filter.
fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::AccountCreated => "Account created",
        Kind::AccountChanged => "Settings changed",
        Kind::UserAdded => "User added",
        Kind::UserRoleChanged => "Role changed",
        Kind::UserDisabled => "User disabled",
        Kind::UserEnabled => "User enabled",
        Kind::UserProfileChanged => "Profile changed",
        Kind::UserPasswordChanged => "Password changed",
        Kind::UserPasswordLinkCreated => "Password link created",
        Kind::UserSignedIn => "Signed in",
        Kind::UserSignInFailed => "Sign-in failed",
        Kind::UserSignedOut => "Signed out",
        Kind::UserSessionsEnded => "Sessions ended",
        Kind::InvitationCreated => "Invitation created",
        Kind::InvitationRevoked => "Invitation revoked",
        Kind::ContactChanged => "Person changed",
        Kind::ContactMerged => "People merged",
        Kind::ContactSplit => "People separated",
        Kind::ContactExported => "Person’s data downloaded",
        Kind::ContactErased => "Person erased",
        Kind::KeyCreated => "API key created",
        Kind::KeyRevoked => "API key revoked",
        Kind::FormCreated => "Form created",
        Kind::FormChanged => "Form changed",
        Kind::WidgetCreated => "Chat bubble created",
        Kind::WidgetChanged => "Chat bubble changed",
        kind => kind.as_str(),
    }
}
