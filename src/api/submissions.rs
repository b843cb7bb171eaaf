//! `/api/v1/form-submissions`: submissions, also those imported from another form system.

use crate::accounts::role::Action;
use crate::accounts::user::MAX_NAME;
use crate::api::answers::{ApiError, List};
use crate::api::read;
use crate::api::read::{Body, OnceHeader, window};
use crate::db::Connection;
use crate::error::Result;
use crate::events::actor::Actor;
use crate::submissions::fields::Parsed;
use crate::submissions::list::Filter;
use crate::submissions::submission::Origin;
use crate::submissions::{form, list, submission, trash};
use crate::values::{text, token};
use crate::web::AppData;
use crate::web::lists::{LIST_BUSY, LIST_PATIENCE};
use crate::web::query::Query;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;
use utoipa::{IntoParams, ToSchema};

/// The form of submissions that say nothing of one.
const OTHER_SYSTEM: &str = "Other system";

/// One field, as it was filled in.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    name: String,
    value: String,
}

/// A filled-in form.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FormSubmission {
    id: String,
    /// The name of the form.
    form: String,
    /// Every field in order, repeated ones too.
    fields: Vec<Field>,
    visitor_name: String,
    visitor_email: String,
    page_url: Option<String>,
    /// ISO 3166-1 alpha-2.
    country: Option<String>,
    spam: bool,
    created_at: DateTime<Utc>,
}

impl FormSubmission {
    pub(super) fn new(row: submission::Submission, form: String) -> Self {
        Self {
            fields: row.fields().into_iter().map(|(name, value)| Field { name, value }).collect(),
            spam: row.spam,
            created_at: row.created_at.and_utc(),
            id: row.id,
            form,
            visitor_name: row.visitor_name,
            visitor_email: row.visitor_email,
            page_url: row.page_url,
            country: row.country,
        }
    }
}

/// Filters of the list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SubmissionsQuery {
    /// Only spam, or only what is not spam.
    spam: Option<bool>,
    /// Words to search for.
    q: Option<String>,
    /// How many rows; 50, if you leave it out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// `nextCursor` of an earlier response.
    #[param(min_length = 1, pattern = "^[0-9TZ:.-]+_[0-9]+$")]
    cursor: Option<String>,
}

/// Submissions, the newest first.
///
/// # Errors
/// *Invalid* for a limit or a cursor that is none.
#[utoipa::path(
    get, path = "/form-submissions", tag = "Form submissions", params(SubmissionsQuery),
    responses((status = 200, description = "A page of the list", body = List<FormSubmission>))
)]
pub async fn list(app: AppData, actor: Actor, query: Query<SubmissionsQuery>) -> Result<HttpResponse> {
    let query = query.into_inner();
    let window = window(query.limit, query.cursor.as_deref())?;
    let filter = Filter { form_id: None, spam: query.spam, done: None, q: query.q.unwrap_or_default() };
    let _place = app.lists.take(actor.holder(), LIST_PATIENCE, LIST_BUSY).await?;
    let page = app.db.read(move |conn| {
        let page = list::page(conn, actor.account_id, &filter, window)?;
        let names: HashMap<i64, String> =
            form::all(conn, actor.account_id)?.into_iter().map(|form| (form.id, form.name)).collect();
        Ok(page.map(|row| {
            let form = names.get(&row.form_id).cloned().unwrap_or_default();
            FormSubmission::new(row, form)
        }))
    });
    Ok(List::answer(page.await?))
}

/// A submission to import.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateSubmission {
    /// The id in your system; random if you leave it out.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[A-Za-z0-9_.:-]+$")]
    id: Option<String>,
    /// The name of the form. It is created if it does not exist.
    #[serde(default)]
    #[schema(max_length = 100)]
    form: String,
    /// At most 64 KB together.
    #[schema(inline, min_items = 1, max_items = 100)]
    fields: Vec<Field>,
    /// The page that the visitor was on.
    #[schema(max_length = 2000, format = Uri)]
    page_url: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[schema(min_length = 2, max_length = 2, pattern = "^[A-Za-z]{2}$")]
    country: Option<String>,
    /// When it was sent; now, if you leave it out.
    created_at: Option<DateTime<Utc>>,
}

/// Imports a submission.
///
/// # Errors
/// *Conflict* when there is one of that id; *invalid*.
#[utoipa::path(
    post, path = "/form-submissions", tag = "Form submissions", request_body = CreateSubmission,
    params(OnceHeader),
    responses(
        (status = 201, description = "The submission", body = FormSubmission),
        (status = 409, description = "The id exists already, or the key was used for another request", body = ApiError),
    )
)]
pub async fn create(app: AppData, actor: Actor, body: Body<CreateSubmission>) -> Result<HttpResponse> {
    let (typed, now, once) = (body.value, app.clock.now(), body.once);
    let id = read::source_id(typed.id)?;
    let form_name = match text::line("form", &typed.form, MAX_NAME)? {
        name if name.is_empty() => OTHER_SYSTEM.to_owned(),
        name => name,
    };
    let parsed = Parsed::of_program(typed.fields.into_iter().map(|field| (field.name, field.value)).collect())?;
    let page_url = read::page_url(typed.page_url.as_deref())?;
    let from = Origin { page_url, country: read::country(typed.country.as_deref())? };
    let (at, form_key, account_id) = (read::stored(typed.created_at, now), token::id()?, actor.account_id);
    let (status, answer) = app
        .write_as(&actor, Action::Work, move |conn, actor| {
            once.run(conn, account_id, now, |conn| {
                let form = form::find_or_add(conn, actor, &form_name, &form_key, now)?;
                let created = submission::add(conn, actor, &form, &id, &parsed, &from, at)?;
                Ok((StatusCode::CREATED, json!(FormSubmission::new(created, form.name))))
            })
        })
        .await?;
    Ok(HttpResponse::build(status).json(answer))
}

/// One submission.
#[utoipa::path(
    get, path = "/form-submissions/{id}", tag = "Form submissions", params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The submission", body = FormSubmission), (status = 404, description = "Not found", body = ApiError))
)]
pub async fn show(app: AppData, actor: Actor, path: web::Path<String>) -> Result<HttpResponse> {
    let id = path.into_inner();
    let load = move |conn: &mut Connection| {
        let found = submission::get(conn, actor.account_id, &id)?;
        let form = form::find(conn, actor.account_id, found.form_id)?;
        Ok(FormSubmission::new(found, form.name))
    };
    Ok(HttpResponse::Ok().json(app.db.read(load).await?))
}

/// Deletes a submission. It can be restored in the web interface for 30 days; its tickets stay.
#[utoipa::path(
    delete, path = "/form-submissions/{id}", tag = "Form submissions", params(("id" = String, Path, description = "Its id")),
    responses((status = 204, description = "Deleted"), (status = 404, description = "Not found", body = ApiError))
)]
pub async fn delete(app: AppData, actor: Actor, path: web::Path<String>) -> Result<HttpResponse> {
    let (id, now) = (path.into_inner(), app.clock.now());
    app.write_as(&actor, Action::Work, move |conn, actor| trash::delete(conn, actor, &id, now)).await?;
    Ok(HttpResponse::NoContent().finish())
}
