//! `/api/v1/me`

use crate::accounts::role::Role;
use crate::accounts::{account, keys};
use crate::error::{Error, Result};
use crate::events::actor::Actor;
use crate::web::AppData;
use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

/// The account, the key and its role.
#[derive(Serialize, ToSchema)]
pub struct Me {
    account: Account,
    key: Key,
    role: Role,
}

/// The account that the key belongs to.
#[derive(Serialize, ToSchema)]
struct Account {
    id: i64,
    name: String,
}

/// The key of this request.
#[derive(Serialize, ToSchema)]
struct Key {
    id: i64,
    name: String,
    /// Its last characters.
    hint: String,
}

/// The account, the key and the role of this request.
#[utoipa::path(
    get, path = "/me", tag = "Account",
    responses((status = 200, description = "Account, key and role", body = Me))
)]
pub async fn show(app: AppData, actor: Actor) -> Result<HttpResponse> {
    let account_id = actor.account_id;
    let id = actor.key_id().ok_or_else(|| Error::internal("wiring", "API request without a key"))?;
    let (account, key) =
        app.db.read(move |conn| Ok((account::find(conn, account_id)?, keys::find(conn, account_id, id)?))).await?;
    let account = Account { id: account.id, name: account.name };
    Ok(HttpResponse::Ok().json(Me {
        account,
        key: Key { id: key.id, name: key.name, hint: key.hint },
        role: keys::ROLE,
    }))
}
