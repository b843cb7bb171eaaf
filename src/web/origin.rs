//! Cross-origin protection: an unsafe request must come from our own pages.
//!
//! The algorithm is that of Go's `http.CrossOriginProtection`, with two stricter rules:
//! `Origin` is compared with the public URL if one is set, and `null` counts as foreign. A
//! request without an origin comes from a program or from a very old browser, for which the
//! cookie's `SameSite` must suffice.

use actix_web::http::Method;
use actix_web::http::header::{HOST, HeaderMap, ORIGIN};

/// The parts of a request that the check needs.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub method: &'a Method,
    pub headers: &'a HeaderMap,
    /// The origin of the configured public URL.
    pub public_origin: Option<&'a str>,
}

/// Checks whether the request may change something.
///
/// # Errors
/// The reason for the refusal, for the log and the error page.
pub fn check(request: Request<'_>) -> Result<(), &'static str> {
    if matches!(*request.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    match (header("sec-fetch-site"), header(ORIGIN.as_str())) {
        (Some("same-origin" | "none"), _) => Ok(()),
        (Some(_), _) => Err("the browser says that another site sent it"),
        (None, Some("null")) => Err("its origin is hidden; a proxy may have added a Referrer-Policy of no-referrer"),
        (None, Some(origin)) if is_ours(origin, request.public_origin, header(HOST.as_str())) => Ok(()),
        (None, Some(_)) => Err("its origin is not this server's; behind a proxy, set DOCKET_PUBLIC_URL"),
        (None, None) => Ok(()),
    }
}

fn is_ours(origin: &str, public_origin: Option<&str>, host: Option<&str>) -> bool {
    if let Some(ours) = public_origin {
        return origin == ours;
    }
    let origin_host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    origin_host.is_some() && origin_host == host
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn allowed(method: &Method, pairs: &[(&str, &str)], public: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in [("host", "desk.example:8080")].iter().chain(pairs) {
            headers.insert(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        check(Request { method, headers: &headers, public_origin: public }).is_ok()
    }

    #[test]
    fn reading_is_always_allowed() {
        assert!(allowed(&Method::GET, &[("sec-fetch-site", "cross-site")], None));
    }

    #[test]
    fn the_browsers_own_word_decides() {
        for (site, expected) in
            [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false), ("?", false)]
        {
            assert_eq!(allowed(&Method::POST, &[("sec-fetch-site", site)], None), expected, "{site}");
        }
    }

    #[test]
    fn without_it_the_origin_decides() {
        let cases = [
            ("http://desk.example:8080", true),
            ("http://desk.example", false),
            ("http://desk.example:8081", false),
            ("http://DESK.example:8080", false),
            ("http://desk.example.:8080", false),
            ("http://evil@desk.example:8080", false),
            ("null", false),
            ("", false),
        ];
        for (origin, expected) in cases {
            assert_eq!(allowed(&Method::POST, &[("origin", origin)], None), expected, "{origin}");
        }
    }

    #[test]
    fn a_public_url_also_fixes_the_scheme() {
        let public = Some("https://desk.example");
        assert!(allowed(&Method::POST, &[("origin", "https://desk.example")], public));
        assert!(!allowed(&Method::POST, &[("origin", "http://desk.example")], public));
        assert!(!allowed(&Method::POST, &[("origin", "http://desk.example:8080")], public));
    }

    #[test]
    fn a_program_needs_no_origin() {
        assert!(allowed(&Method::POST, &[], None));
    }
}
