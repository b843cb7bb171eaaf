//! `/settings/team`: the members of the account and their roles.

use crate::accounts::agent::Agent;
use crate::accounts::members::Changed;
use crate::accounts::role::{Action, Role};
use crate::accounts::user::User;
use crate::accounts::{account, invitations, members, password_links, rights, user};
use crate::desk::confirm::Confirm;
use crate::desk::undo;
use crate::error::{Error, Kind, OfField, Result};
use crate::upkeep::link_mails::LinkMail;
use crate::values::email::Email;
use crate::values::token;
use crate::web::fields::Form;
use crate::web::flash::Flash;
use crate::web::layout::Layout;
use crate::web::when::When;
use crate::web::{AppData, client};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

struct MemberRow {
    id: i64,
    name: String,
    email: String,
    role: &'static str,
    is_disabled: bool,
    is_me: bool,
    may_change: bool,
}

struct InvitationRow {
    id: i64,
    email: String,
    role: &'static str,
    expires: When,
    may_revoke: bool,
}

/// The link that was just created. It is never shown again.
struct OneTimeLink {
    url: String,
    label: &'static str,
    instructions: String,
    lifetime: String,
}

#[derive(Template)]
#[template(path = "desk/team.html")]
struct TeamPage<'a> {
    layout: &'a Layout,
    members: Vec<MemberRow>,
    invitations: Vec<InvitationRow>,
    roles: Vec<&'static str>,
    link: Option<OneTimeLink>,
    email: String,
    error: Option<Error>,
}

async fn page<'a>(app: &AppData, layout: &'a Layout, agent: &Agent) -> Result<TeamPage<'a>> {
    let (account_id, now) = (agent.account_id, app.clock.now());
    let (members, pending) = app
        .db
        .read(move |conn| Ok((user::members(conn, account_id)?, invitations::pending(conn, account_id, now)?)))
        .await?;
    let members = members.into_iter().map(|user| member_row(user, agent)).collect();
    let invitations = pending
        .into_iter()
        .map(|row| InvitationRow {
            id: row.id,
            expires: When::new(row.expires_at, agent.zone),
            may_revoke: agent.role.may_manage(row.role),
            email: row.email,
            role: row.role.as_str(),
        })
        .collect();
    let roles = Role::ALL.into_iter().filter(|role| agent.role.may_manage(*role)).map(Role::as_str).collect();
    Ok(TeamPage { layout, members, invitations, roles, link: None, email: String::new(), error: None })
}

fn member_row(user: User, agent: &Agent) -> MemberRow {
    let role = user.role;
    MemberRow {
        id: user.id,
        is_disabled: user.disabled_at.is_some(),
        is_me: user.id == agent.id,
        may_change: user.id != agent.id && agent.role.may_manage(role),
        role: role.as_str(),
        name: user.name,
        email: user.email,
    }
}

/// `GET /settings/team`
pub async fn show(app: AppData, agent: Agent, layout: Layout) -> Result<HttpResponse> {
    layout.page(&page(&app, &layout, &agent).await?)
}

#[derive(Deserialize)]
pub struct Invite {
    #[serde(default)]
    email: String,
    #[serde(flatten)]
    grant: Grant,
}

/// A role to grant. For the owner role, `current` is the password of the user who grants it.
#[derive(Deserialize)]
pub struct Grant {
    role: Role,
    #[serde(default)]
    current: String,
}

/// `POST /settings/team/invitations`: `email`, `role`. Mails the link; without a mail server, it
/// is shown once, for the inviter to send.
///
/// # Errors
/// *Forbidden* when an admin invites an owner.
pub async fn invite(
    req: HttpRequest,
    app: AppData,
    agent: Agent,
    layout: Layout,
    confirm: Confirm,
    Form(sent): Form<Invite>,
) -> Result<HttpResponse> {
    let role = sent.grant.role;
    agent.role.must_manage(role)?;
    let (secret, now, is_mailed) = (token::secret()?, app.clock.now(), app.mail.is_some());
    if is_mailed {
        app.limits.invitations.check(agent.account_id)?;
    }
    let needs_password = role == Role::Owner;
    let invited = match confirm_if(needs_password, &app, &agent, &confirm, sent.grant.current)
        .await
        .and_then(|()| Email::parse(&sent.email).of_field("email"))
    {
        Ok(email) => {
            let (stored, by) = (secret.clone(), agent.clone());
            let invite = move |conn: &mut _| {
                account::lock(conn, by.account_id)?;
                let inviter = rights::acting(conn, by.account_id, by.id, Action::Configure)?;
                inviter.role.must_manage(role)?;
                let id = invitations::invite(conn, &inviter, &email, role, &stored, now)?;
                if is_mailed { LinkMail::Invitation(id).request(conn, by.account_id, now) } else { Ok(()) }
            };
            app.db.write(invite).await
        }
        Err(error) => Err(error),
    };
    if invited.is_ok() {
        tracing::info!(role = role.as_str(), "invited");
        if is_mailed {
            let flash = Flash::new(format!("The invitation to {} is on its way.", sent.email.trim()));
            return layout.see_other_with("/settings/team", &flash);
        }
    }
    let mut page = page(&app, &layout, &agent).await?;
    match invited {
        Ok(()) => {
            page.link = Some(OneTimeLink {
                url: full_url(&req, &app, &layout, &format!("/invitations/{secret}")),
                label: "Invitation link",
                instructions: "Send this link to your colleague.".into(),
                lifetime: format!("{} days", invitations::LINK_DAYS),
            });
            layout.page_with(StatusCode::CREATED, &page)
        }
        Err(error) if matches!(error.kind, Kind::Invalid | Kind::Conflict) => {
            (page.email, page.error) = (sent.email, Some(error));
            layout.page_showing(page.error.as_ref(), &page)
        }
        Err(error) => Err(error),
    }
}

/// `POST /settings/team/invitations/{id}/revoke`
pub async fn revoke(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    app.write_as_user(&agent, Action::Configure, move |conn, by| invitations::revoke(conn, by, id, now)).await?;
    tracing::info!(invitation = id, "invitation revoked");
    layout.see_other_with("/settings/team", &Flash::new("Invitation revoked."))
}

fn full_url(req: &HttpRequest, app: &AppData, layout: &Layout, path: &str) -> String {
    format!("{}{}", client::our_origin(req, &app.config), layout.href(path))
}

/// What makes or concerns an owner requires the password of the user who does it.
async fn confirm_if(
    needs_password: bool,
    app: &AppData,
    agent: &Agent,
    confirm: &Confirm,
    current: String,
) -> Result<()> {
    if needs_password { confirm.password(app, agent, current).await } else { Ok(()) }
}

/// `POST /settings/team/{id}/role`: `role`, and for an owner `current`, the
/// password of the user who grants it
pub async fn set_role(
    app: AppData,
    agent: Agent,
    layout: Layout,
    confirm: Confirm,
    path: web::Path<i64>,
    Form(grant): Form<Grant>,
) -> Result<HttpResponse> {
    let (id, role) = (path.into_inner(), grant.role);
    agent.role.must_manage(role)?;
    if let Err(error) = confirm_if(role == Role::Owner, &app, &agent, &confirm, grant.current).await {
        if error.kind != Kind::Invalid {
            return Err(error);
        }
        let page = TeamPage { error: Some(error), ..page(&app, &layout, &agent).await? };
        return layout.page_showing(page.error.as_ref(), &page);
    }
    let now = app.clock.now();
    let Changed { user, revoked_keys: keys, .. } =
        app.db.write(move |conn| members::change_role(conn, &agent, id, role, now)).await?;
    tracing::info!(member = id, role = role.as_str(), keys, "role changed");
    let text = format!("{} is now {}.{}", user.name, role.as_str(), revoked_keys_notice(keys));
    layout.see_other_with("/settings/team", &Flash::new(text))
}

fn revoked_keys_notice(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => " One API key that they created was revoked.".into(),
        count => format!(" {count} API keys that they created were revoked."),
    }
}

/// `POST /settings/team/{id}/disable`. Ends that user's sessions at once.
pub async fn disable(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let Changed { user, revoked_keys: keys, event } =
        app.db.write(move |conn| members::disable(conn, &agent, id, now)).await?;
    tracing::info!(member = id, keys, "member disabled");
    let text = format!("{} can no longer sign in.{}", user.name, revoked_keys_notice(keys));
    layout.see_other_with("/settings/team", &undo::flash(text, [event]))
}

/// The password of the agent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Current {
    current: String,
}

/// `POST /settings/team/{id}/password-link`: for an owner `current`, the agent's password. Shows
/// a link once, with which the member sets a new password.
pub async fn create_password_link(
    req: HttpRequest,
    app: AppData,
    agent: Agent,
    layout: Layout,
    confirm: Confirm,
    path: web::Path<i64>,
    Form(sent): Form<Current>,
) -> Result<HttpResponse> {
    let (id, account_id, now, secret) = (path.into_inner(), agent.account_id, app.clock.now(), token::secret()?);
    let is_owner = app.db.read(move |conn| user::find(conn, account_id, id)).await?.role == Role::Owner;
    let (stored, by) = (secret.clone(), agent.clone());
    let created = match confirm_if(is_owner, &app, &agent, &confirm, sent.current).await {
        Ok(()) => {
            let create = move |conn: &mut _| password_links::create_for_member(conn, &by, id, &stored, now);
            app.db.write(create).await
        }
        Err(error) => Err(error),
    };
    let mut page = page(&app, &layout, &agent).await?;
    match created {
        Ok(user) => {
            tracing::info!(member = id, "password link created");
            page.link = Some(OneTimeLink {
                url: full_url(&req, &app, &layout, &format!("/password/{secret}")),
                label: "Password link",
                instructions: format!("Send this link to {}, who can set a new password with it.", user.name),
                lifetime: format!("{} hours", password_links::HANDED_OVER_HOURS),
            });
            layout.page_with(StatusCode::CREATED, &page)
        }
        Err(error) if matches!(error.kind, Kind::Invalid | Kind::Conflict) => {
            page.error = Some(error);
            layout.page_showing(page.error.as_ref(), &page)
        }
        Err(error) => Err(error),
    }
}

/// `POST /settings/team/{id}/enable`
pub async fn enable(app: AppData, agent: Agent, layout: Layout, path: web::Path<i64>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    let user = app.db.write(move |conn| members::enable(conn, &agent, id, now)).await?;
    tracing::info!(member = id, "member enabled");
    layout.see_other_with("/settings/team", &Flash::new(format!("{} can sign in again.", user.name)))
}
