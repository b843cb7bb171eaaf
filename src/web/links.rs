//! The addresses of local paths, below the base path.

use crate::config::Config;
use crate::web::assets;
use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;

/// Builds every link of the program, so that it can run below a base path.
#[derive(Clone, Debug, Default)]
pub struct Links {
    base: String,
}

impl Links {
    /// Links below the base path of the public URL.
    pub fn new(config: &Config) -> Self {
        Self { base: config.base_path().to_owned() }
    }

    /// The address of a local path such as `/tickets/12`.
    pub fn href(&self, path: impl std::fmt::Display) -> String {
        format!("{}{path}", self.base)
    }

    /// Removes the base path from the path of a request.
    pub fn local<'a>(&self, path: &'a str) -> &'a str {
        path.strip_prefix(self.base.as_str()).unwrap_or(path)
    }

    /// The address of a file in `static/`.
    pub fn asset(&self, name: &str) -> String {
        self.href(assets::path(name))
    }

    /// `303 See Other` to a local path.
    pub fn see_other(&self, path: impl std::fmt::Display) -> HttpResponse {
        HttpResponse::SeeOther().insert_header((LOCATION, self.href(path))).finish()
    }
}

/// Whether an address can only lead to this server: it starts with exactly one slash and
/// contains nothing that a browser would read as another host.
pub fn is_local_path(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && !path.chars().any(|c| c == '\\' || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::is_local_path;

    #[test]
    fn only_our_own_paths_are_followed() {
        assert!(is_local_path("/tickets?status=all"));
        for bad in
            ["", "tickets", "//evil.example", "/\\evil.example", "https://evil.example", "/a\nb", "/\t/evil.example"]
        {
            assert!(!is_local_path(bad), "{bad:?}");
        }
    }
}
