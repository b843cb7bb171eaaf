//! The routes of the API, and their description: OpenAPI 3.1 for programs, a guide for people.

use crate::api::answers::{ApiError, Reason};
use crate::api::{attachments, conversations, events, me, messages, submissions, tickets};
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::gate::Gate;
use crate::web::layout::Layout;
use crate::web::{AppData, client};
use actix_web::http::Method;
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Responder};
use askama::Template;
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder, ServerBuilder};
use utoipa::{Modify, OpenApi};

/// Responses that every request may get.
const ALWAYS: [(&str, &str); 10] = [
    ("400", "The request cannot be read"),
    ("401", "The key is missing or unknown"),
    ("404", "Not found"),
    ("405", "The method is not allowed here"),
    ("413", "Too large"),
    ("415", "The body is not JSON"),
    ("422", "A field is wrong; the message says which and why"),
    ("429", "Too many requests; wait as many seconds as Retry-After says"),
    ("503", "The database or the file storage is unavailable; try again after Retry-After"),
    ("507", "Out of storage"),
];

/// Every address of the API, for the table of routes and for the description alike. Method
/// and path stand with each handler.
macro_rules! api {
    ($($module:ident::$handler:ident),* $(,)?) => {
        pastey::paste! {
            /// The lines of the API in the table of routes.
            pub fn endpoints() -> Vec<Endpoint> {
                vec![$(endpoint::<$module::[<__path_ $handler>], _, _>($module::$handler)),*]
            }
        }

        #[derive(OpenApi)]
        #[openapi(
            info(title = "Docket", description = "Tickets, conversations and form submissions of one account."),
            paths($($module::$handler),*),
            components(schemas(ApiError, Reason)),
            security(("key" = [])),
            modifiers(&Common),
        )]
        struct Description;
    };
}

api! {
    me::show,
    tickets::list, tickets::create, tickets::show, tickets::change, tickets::delete,
    attachments::files, attachments::attach, attachments::file,
    conversations::list, conversations::create, conversations::show, conversations::change, conversations::delete,
    messages::list, messages::post,
    events::list,
    submissions::list, submissions::create, submissions::show, submissions::delete,
}

fn endpoint<Described, F, Args>(handler: F) -> Endpoint
where
    Described: utoipa::Path,
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    let method = match Described::methods().first() {
        Some(HttpMethod::Post) => Method::POST,
        Some(HttpMethod::Patch) => Method::PATCH,
        Some(HttpMethod::Delete) => Method::DELETE,
        _ => Method::GET,
    };
    Endpoint::new(method, format!("/api/v1{}", Described::path()).into(), Gate::Api, handler)
}

/// What is the same for every address.
struct Common;

impl Modify for Common {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("dk_live_…")).build();
        if let Some(components) = &mut openapi.components {
            components.add_security_scheme("key", SecurityScheme::Http(scheme));
        }
        for (path, item) in &mut openapi.paths.paths {
            let nouns = path.split('/').filter(|part| !part.is_empty() && !part.starts_with('{'));
            let nouns = nouns.collect::<Vec<_>>().join("_").replace('-', "_");
            let operations = [&mut item.get, &mut item.post, &mut item.patch, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                add_errors(operation);
                // Handlers of several nouns share their names.
                operation.operation_id = operation.operation_id.take().map(|id| format!("{nouns}_{id}"));
                // What Rust's readers want to know of errors stands in the responses.
                operation.description = None;
            }
        }
    }
}

fn add_errors(operation: &mut Operation) {
    for (status, what) in ALWAYS {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ApiError"))).build();
        let response = ResponseBuilder::new().description(what).content("application/json", content).build();
        operation.responses.responses.entry(status.into()).or_insert(RefOr::T(response));
    }
}

/// `GET /api/v1/openapi.json`
pub async fn openapi(layout: Layout) -> Result<HttpResponse> {
    let mut description = Description::openapi();
    description.servers = Some(vec![ServerBuilder::new().url(layout.href("/api/v1")).build()]);
    let text = description.to_json().map_err(|source| Error::internal("description", source))?;
    Ok(HttpResponse::Ok().content_type("application/json").body(text))
}

#[derive(Template)]
#[template(path = "api/guide.html")]
struct Guide<'a> {
    layout: &'a Layout,
    base: String,
    per_minute: u32,
}

/// `GET /api`: how to use it.
///
/// # Errors
/// When the template fails.
pub async fn guide(req: HttpRequest, app: AppData, layout: Layout) -> Result<HttpResponse> {
    let base = format!("{}{}", client::our_origin(&req, &app.config), layout.href("/api/v1"));
    layout.page(&Guide { layout: &layout, base, per_minute: app.config.api_rate.get() })
}
