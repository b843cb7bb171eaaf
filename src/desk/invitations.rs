//! `/invitations/{token}`: joining an account.

use crate::accounts::invitations;
use crate::desk::join::{NewMember, new_user, welcome};
use crate::desk::sign_in;
use crate::error::{Error, Kind, Result};
use crate::web::AppData;
use crate::web::fields::Form;
use crate::web::layout::Layout;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "desk/invitation.html")]
struct InvitationPage<'a> {
    layout: &'a Layout,
    token: &'a str,
    account: &'a str,
    email: &'a str,
    name: &'a str,
    error: Option<&'a Error>,
}

/// `GET /invitations/{token}`
///
/// # Errors
/// *Not found* when the invitation was used or revoked, or has expired.
pub async fn show(app: AppData, layout: Layout, path: web::Path<String>) -> Result<HttpResponse> {
    let (secret, now) = (path.into_inner(), app.clock.now());
    let wanted = secret.clone();
    let (invitation, account) = app.db.read(move |conn| invitations::find(conn, &wanted, now)).await?;
    let email = &invitation.email;
    layout.page(&InvitationPage { layout: &layout, token: &secret, account: &account, email, name: "", error: None })
}

/// `POST /invitations/{token}`
///
/// # Errors
/// *Not found* when the invitation was used or revoked, or has expired.
pub async fn join(
    req: HttpRequest,
    app: AppData,
    layout: Layout,
    path: web::Path<String>,
    Form(typed): Form<NewMember>,
) -> Result<HttpResponse> {
    let (secret, now) = (path.into_inner(), app.clock.now());
    let wanted = secret.clone();
    let (invitation, account) = app.db.read(move |conn| invitations::find(conn, &wanted, now)).await?;
    let user = match new_user(&app, &typed, &invitation.email, &account).await {
        Ok(user) => user,
        Err(error) if error.kind == Kind::Invalid => {
            let (email, name) = (&invitation.email, &typed.name);
            let error = Some(&error);
            let page = InvitationPage { layout: &layout, token: &secret, account: &account, email, name, error };
            return layout.page_showing(page.error, &page);
        }
        Err(error) => return Err(error),
    };
    let id = app.db.write(move |conn| invitations::accept(conn, &secret, &user, now)).await?;
    let mut response = welcome(&layout, &typed.time_zone)?;
    tracing::info!(user = id, "invitation accepted");
    sign_in::start_session(&req, &app, id, &mut response).await?;
    Ok(response)
}
