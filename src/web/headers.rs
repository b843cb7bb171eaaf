//! Headers that every response carries, whatever its status.

use crate::app::App;
use crate::config::Config;
use crate::error::Error;
use crate::web::cross_origin;
use crate::web::links::Links;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::web;
use url::Url;

const DESK_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
     connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const ALWAYS: [(HeaderName, &str); 2] =
    [(X_CONTENT_TYPE_OPTIONS, "nosniff"), (HeaderName::from_static("cross-origin-opener-policy"), "same-origin")];

/// Headers of a response whose handler didn't set them.
const UNLESS_SET: [(HeaderName, &str); 4] = [
    // Not no-referrer, which makes browsers send `Origin: null` with our own forms.
    (REFERRER_POLICY, "same-origin"),
    (CONTENT_SECURITY_POLICY, DESK_POLICY),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Paths for monitoring, which may use an IP address instead of the public host name.
const FOR_WATCHERS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Middleware that rejects requests for a host other than that of an https public URL. Such
/// a request bypassed the proxy, or another website's domain points to this server.
pub async fn expect_host(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let refused = req.app_data::<web::Data<App>>().and_then(|app| {
        let ours = app.config.public_origin().filter(|_| app.config.is_https())?;
        let host = req.headers().get(HOST).and_then(|value| value.to_str().ok()).unwrap_or("");
        let named = Url::parse(&format!("https://{host}")).map(|url| url.origin().ascii_serialization());
        let is_watcher = FOR_WATCHERS.contains(&Links::new(&app.config).local(req.path()));
        (!is_watcher && named.as_deref() != Ok(ours.as_str())).then(|| Error::misdirected(&ours))
    });
    match refused {
        Some(error) => Ok(req.error_response(error)),
        None => Ok(next.call(req).await?.map_into_boxed_body()),
    }
}

/// Middleware that adds the headers to every response.
pub async fn add(
    req: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let config = req.app_data::<web::Data<App>>().map(|app| &app.config);
    let is_open = config.is_some_and(|config| cross_origin::is_open(Links::new(config).local(req.path())));
    let by_tls_only = config.is_some_and(Config::is_https);
    let mut response = next.call(req).await?;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if by_tls_only {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if is_open {
        cross_origin::open(headers);
    }
    for (name, value) in UNLESS_SET {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    Ok(response)
}
