//! `/settings`: the account's name, its time zone, and the addresses of other systems.

use crate::accounts::account::{MailSettings, Settings};
use crate::accounts::agent::Agent;
use crate::accounts::retention::Typed;
use crate::accounts::role::Action;
use crate::accounts::{account, retention, samples};
use crate::db::Connection;
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::events::actor::Actor;
use crate::figures::read;
use crate::jobs::job::Kind;
use crate::jobs::queue;
use crate::upkeep::sample;
use crate::upkeep::sample::{Plan, removal};
use crate::values::text;
use crate::web::AppData;
use crate::web::fields::Form;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use actix_web::HttpResponse;
use askama::Template;

#[derive(Template)]
#[template(path = "desk/account.html")]
struct AccountPage<'a> {
    layout: &'a Layout,
    settings: &'a Settings,
    zones: Vec<&'static str>,
    has_sample: bool,
    mail: MailSettings,
    email: &'a str,
    retention: Typed,
    error: Option<&'a Error>,
}

async fn render(
    app: &AppData,
    agent: &Agent,
    layout: &Layout,
    settings: &Settings,
    retention: Option<&Typed>,
    error: Option<&Error>,
) -> Result<HttpResponse> {
    let account_id = agent.account_id;
    let read = move |conn: &mut _| Ok((!samples::of(conn, account_id)?.is_empty(), account::find(conn, account_id)?));
    let (has_sample, account) = app.db.read(read).await?;
    let mail = MailSettings::from(&account);
    let zones = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
    let email = agent.email.as_str();
    let retention = retention.cloned().unwrap_or_else(|| Typed::from(&account));
    let page = AccountPage { layout, settings, zones, has_sample, mail, email, retention, error };
    layout.page_showing(error, &page)
}

/// `GET /settings`
pub async fn show(app: AppData, agent: Agent, layout: Layout) -> Result<HttpResponse> {
    let account_id = agent.account_id;
    let account = app.db.read(move |conn| account::find(conn, account_id)).await?;
    render(&app, &agent, &layout, &account.into(), None, None).await
}

/// `POST /settings`: `name`, `timeZone`, `conversationUrl`, `submissionUrl`
pub async fn save(app: AppData, agent: Agent, layout: Layout, Form(typed): Form<Settings>) -> Result<HttpResponse> {
    let now = app.clock.now();
    let parsed = match typed.parse() {
        Ok(parsed) => parsed,
        Err(error) => return render(&app, &agent, &layout, &typed, None, Some(&error)).await,
    };
    let write = move |conn: &mut Connection, actor: &Actor| {
        account::change_settings(conn, actor, &parsed, now)?;
        if read::is_building(conn, actor.account_id)? {
            queue::ensure(conn, Kind::Figures, Some(actor.account_id), now)?;
        }
        Ok(())
    };
    app.write_as(&agent, Action::Configure, write).await?;
    layout.see_other_with("/settings", &Flash::new("Saved."))
}

/// `POST /settings/sample`: adds sample data
pub async fn add_sample(app: AppData, agent: Agent, layout: Layout) -> Result<HttpResponse> {
    sample::load(&app, agent.account_id, &Plan::default(), |_| {}).await?;
    layout.see_other_with("/tickets", &Flash::new("Sample data added. Remove it in the settings when you are done."))
}

/// `POST /settings/sample/remove`
pub async fn remove_sample(app: AppData, agent: Agent, layout: Layout) -> Result<HttpResponse> {
    let now = app.clock.now();
    let write = move |conn: &mut Connection, actor: &Actor| removal::request(conn, actor.account_id, now);
    app.write_as(&agent, Action::Configure, write).await?;
    layout.see_other_with("/settings", &Flash::new("Removing the sample data. This takes a moment."))
}

/// `POST /settings/email`: `mailsReplies`, `replyMinutes`
pub async fn save_mail(
    app: AppData,
    agent: Agent,
    layout: Layout,
    Form(typed): Form<MailSettings>,
) -> Result<HttpResponse> {
    let (now, account_id) = (app.clock.now(), agent.account_id);
    let write = move |conn: &mut Connection, actor: &Actor| account::change_mail(conn, actor, &typed, now);
    match app.write_as(&agent, Action::Configure, write).await {
        Ok(()) => layout.see_other_with("/settings", &Flash::new("Saved.")),
        Err(error) if error.kind == ErrorKind::Invalid => {
            let account = app.db.read(move |conn| account::find(conn, account_id)).await?;
            render(&app, &agent, &layout, &account.into(), None, Some(&error)).await
        }
        Err(error) => Err(error),
    }
}

/// `POST /settings/retention`: `ticketDays`, `conversationDays`, `submissionDays`
pub async fn save_retention(
    app: AppData,
    agent: Agent,
    layout: Layout,
    Form(typed): Form<Typed>,
) -> Result<HttpResponse> {
    let (now, account_id) = (app.clock.now(), agent.account_id);
    let parsed = match typed.parse() {
        Ok(parsed) => parsed,
        Err(error) => {
            let account = app.db.read(move |conn| account::find(conn, account_id)).await?;
            return render(&app, &agent, &layout, &account.into(), Some(&typed), Some(&error)).await;
        }
    };
    let write = move |conn: &mut Connection, actor: &Actor| retention::change(conn, actor, &parsed, now);
    app.write_as(&agent, Action::Configure, write).await?;
    layout.see_other_with("/settings", &Flash::new("Saved."))
}

/// `POST /settings/test-email`: sends an email to the user, to see whether emails arrive
pub async fn send_test_email(app: AppData, agent: Agent, layout: Layout) -> Result<HttpResponse> {
    app.limits.test_mails.check(agent.account_id)?;
    let mailer = app.mail.as_ref().ok_or_else(Error::not_found)?;
    let text = match mailer.send_test(&agent.email).await {
        Ok(()) => format!("The mail server accepted the email to {}. Look in your inbox.", agent.email),
        Err(error) => format!("The email could not be sent: {}", text::shorten(&error.cause(), 500)),
    };
    layout.see_other_with("/settings", &Flash::new(text))
}

/// `POST /settings/steps/hide`: dismisses the list of first steps
pub async fn hide_steps(app: AppData, agent: Agent, layout: Layout) -> Result<HttpResponse> {
    let write = |conn: &mut Connection, actor: &Actor| account::hide_steps(conn, actor.account_id);
    app.write_as(&agent, Action::Configure, write).await?;
    Ok(layout.see_other("/tickets"))
}
