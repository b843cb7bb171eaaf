//! `/profile`: a user's own name, time zone, mail settings and password.

use crate::accounts::agent::Agent;
use crate::accounts::role::Action;
use crate::accounts::user::{MAX_NAME, Profile};
use crate::accounts::{account, passwords, user};
use crate::desk::confirm::Confirm;
use crate::desk::sign_in;
use crate::error::{Error, Kind, OfField, Result};
use crate::events::actor::Actor;
use crate::limits;
use crate::limits::passwords::Turn;
use crate::values::text;
use crate::values::text::ticked;
use crate::values::time::parse_zone;
use crate::web::AppData;
use crate::web::fields::Form;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

/// Which events a user wants to be notified about by mail.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Wanted {
    submissions: bool,
    waiting: bool,
    assignments: bool,
}

impl Wanted {
    async fn load(app: &AppData, agent: &Agent) -> Result<Self> {
        let (account_id, id) = (agent.account_id, agent.id);
        let user = app.db.read(move |conn| user::find(conn, account_id, id)).await?;
        let (submissions, waiting, assignments) = (user.mail_submissions, user.mail_waiting, user.mail_assignments);
        Ok(Self { submissions, waiting, assignments })
    }
}

/// The form of a profile. Without `mail`, the mail settings don't change; without `keys`, the
/// shortcuts don't.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    time_zone: String,
    #[serde(default, deserialize_with = "ticked")]
    keys: bool,
    #[serde(default, deserialize_with = "ticked")]
    shortcuts: bool,
    #[serde(default, deserialize_with = "ticked")]
    mail: bool,
    #[serde(default, deserialize_with = "ticked")]
    mail_submissions: bool,
    #[serde(default, deserialize_with = "ticked")]
    mail_waiting: bool,
    #[serde(default, deserialize_with = "ticked")]
    mail_assignments: bool,
}

impl Typed {
    fn wanted(&self) -> Option<Wanted> {
        let (submissions, waiting, assignments) = (self.mail_submissions, self.mail_waiting, self.mail_assignments);
        self.mail.then_some(Wanted { submissions, waiting, assignments })
    }
}

#[derive(Template)]
#[template(path = "desk/profile.html")]
struct ProfilePage<'a> {
    layout: &'a Layout,
    email: &'a str,
    role: &'a str,
    name: &'a str,
    zone: &'a str,
    zones: Vec<&'static str>,
    mail: Wanted,
    has_keys: bool,
    error: Option<&'a Error>,
    password_error: Option<&'a Error>,
}

impl<'a> ProfilePage<'a> {
    fn new(layout: &'a Layout, agent: &'a Agent, mail: Wanted) -> Self {
        let zones = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
        let (email, role, name, zone) = (&agent.email, agent.role.as_str(), &agent.name, agent.zone.name());
        let has_keys = agent.has_keys;
        Self { layout, email, role, name, zone, zones, mail, has_keys, error: None, password_error: None }
    }
}

/// `GET /profile`
pub async fn show(app: AppData, agent: Agent, layout: Layout) -> Result<HttpResponse> {
    let wanted = Wanted::load(&app, &agent).await?;
    layout.page(&ProfilePage::new(&layout, &agent, wanted))
}

/// `POST /profile`: `name`, `timeZone`, and with `mail=1` the settings `mailSubmissions`,
/// `mailWaiting`, `mailAssignments`, with `keys=1` the setting `shortcuts`
pub async fn save(app: AppData, agent: Agent, layout: Layout, Form(typed): Form<Typed>) -> Result<HttpResponse> {
    let (name, zone) = (&typed.name, &typed.time_zone);
    let stored = Wanted::load(&app, &agent).await?;
    let wanted = typed.wanted().unwrap_or(stored);
    let parsed = text::required_line("The name", name, MAX_NAME)
        .of_field("name")
        .and_then(|name| Ok((name, parse_zone(zone).of_field("timeZone")?)));
    let (new_name, new_zone) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            let error = Some(&error);
            let page = ProfilePage { name, zone, error, ..ProfilePage::new(&layout, &agent, wanted) };
            return layout.page_showing(page.error, &page);
        }
    };
    let now = app.clock.now();
    let profile = Profile {
        name: new_name,
        time_zone: new_zone,
        mail_submissions: wanted.submissions,
        mail_waiting: wanted.waiting,
        mail_assignments: wanted.assignments,
        keys_off: if typed.keys { !typed.shortcuts } else { !agent.has_keys },
    };
    app.write_as_user(&agent, Action::Read, move |conn, user| user::change_profile(conn, user, &profile, now)).await?;
    layout.see_other_with("/profile", &Flash::new("Saved."))
}

#[derive(Deserialize)]
pub struct NewPassword {
    #[serde(default)]
    current: String,
    #[serde(default)]
    password: String,
}

/// `POST /profile/password`: `current`, `password`. Ends all other sessions.
pub async fn change_password(
    req: HttpRequest,
    app: AppData,
    agent: Agent,
    layout: Layout,
    confirm: Confirm,
    Form(sent): Form<NewPassword>,
) -> Result<HttpResponse> {
    let hash = match new_hash(&app, &agent, &confirm, sent).await {
        Ok(hash) => hash,
        Err(error) if error.kind == Kind::Invalid => {
            let password_error = Some(&error);
            let wanted = Wanted::load(&app, &agent).await?;
            let page = ProfilePage { password_error, ..ProfilePage::new(&layout, &agent, wanted) };
            return layout.page_showing(page.password_error, &page);
        }
        Err(error) => return Err(error),
    };
    let (id, now) = (agent.id, app.clock.now());
    let replace = move |conn: &mut _, user: &_| passwords::replace_password(conn, &Actor::from(user), user, &hash, now);
    app.write_as_user(&agent, Action::Read, replace).await?;
    tracing::info!("password changed");
    let flash = Flash::new("Password changed. You are signed out everywhere else.");
    let mut response = layout.see_other_with("/profile", &flash)?;
    sign_in::start_session(&req, &app, id, &mut response).await?;
    Ok(response)
}

async fn new_hash(app: &AppData, agent: &Agent, confirm: &Confirm, sent: NewPassword) -> Result<String> {
    confirm.password(app, agent, sent.current).await?;
    let account_id = agent.account_id;
    let account = app.db.read(move |conn| account::find(conn, account_id)).await?;
    let password = sent.password;
    limits::passwords::check(&password, &[&agent.email, &agent.name, &account.name]).of_field("password")?;
    app.passwords.hash(Turn { user: agent.email.clone(), is_known: true }, password).await
}
