//! Where the database is.

use std::path::PathBuf;

#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// The file of an embedded SQLite database.
    Sqlite(PathBuf),
    /// A libpq connection URL.
    Postgres(String),
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            // It holds a password.
            Self::Postgres(_) => f.write_str("postgres:…"),
        }
    }
}

impl std::str::FromStr for DatabaseUrl {
    type Err = String;

    /// An error message never contains part of the password. That is also why libpq only
    /// gets URLs that it can parse.
    fn from_str(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once(':').unwrap_or(("", ""));
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" if !rest.is_empty() => Ok(Self::Sqlite(rest.into())),
            "postgres" | "postgresql" => match rest.strip_prefix("//") {
                Some(place) if is_readable(place) => Ok(Self::Postgres(format!("postgres://{place}"))),
                _ => Err("the Postgres URL can't be read: it is postgres://USER:SECRET@HOST:PORT/DATABASE, and before its @ \
                          the signs @ # / % are written as %40 %23 %2F %25"
                    .into()),
            },
            _ if url.starts_with(['"', '\'']) => Err("remove the quotation marks around the database URL".into()),
            _ => Err("a database URL is sqlite:PATH or postgres://USER:SECRET@HOST:PORT/DATABASE".into()),
        }
    }
}

/// Whether libpq parses a URL as intended, so that none of its messages can contain part
/// of the password.
fn is_readable(place: &str) -> bool {
    let (authority, path) = place.split_at(place.find(['/', '?']).unwrap_or(place.len()));
    let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let is_encoded = |text: &str| {
        text.split('%')
            .skip(1)
            .all(|after| after.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)))
    };
    let has_port = |host: &str| {
        let after = host.rsplit_once(']').map_or(host, |(_, after)| after);
        after.split_once(':').is_none_or(|(_, port)| port.is_empty() || port.parse::<u16>().is_ok())
    };
    !place.contains(['#', ' '])
        && is_encoded(place)
        && !user.contains('@')
        && hosts.split(',').all(has_port)
        && !path.split('?').next().unwrap_or("").contains('@')
}

impl std::fmt::Display for DatabaseUrl {
    /// For messages to people: without the password.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(out, "the database {}", path.display()),
            Self::Postgres(url) => match url.parse::<url::Url>() {
                Ok(url) => write!(out, "the Postgres database {}{}", url.host_str().unwrap_or("localhost"), url.path()),
                Err(_) => out.write_str("the Postgres database"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DatabaseUrl;

    #[test]
    fn a_database_url_is_read_or_refused_without_a_word_of_its_password() {
        let fine = [
            "postgres://u@h/d",
            "Postgres://u:SECRETpw@127.0.0.1:5432/d",
            "postgresql://u:p%40ss%23w%2F1%25@localhost/d",
            "postgres://u:p@h1:5432,h2:5433/d?sslmode=verify-full",
            "postgres:///d?host=/var/run/postgresql",
            "postgres://u:p@[::1]:5432/d",
            "postgres://u:p@[::1]/d",
            "postgres://",
        ];
        for url in fine {
            assert!(matches!(url.parse(), Ok(DatabaseUrl::Postgres(_))), "{url}");
        }
        assert!(matches!("sqlite:/a/b.db".parse(), Ok(DatabaseUrl::Sqlite(_))));
        let refused = [
            ("\"postgres://u:SECRETpw@127.0.0.1:5432/d\"", "SECRETpw"),
            ("mysql://u:SECRETpw@127.0.0.1/d", "SECRETpw"),
            ("postgres://u:p%ss@127.0.0.1/d", "p%ss"),
            ("postgres://u:p@ss#w/1%@localhost/d", "ss"),
            ("postgres://u:abc/def@127.0.0.1/d", "abc"),
            ("postgres://u:abc?def@127.0.0.1/d", "abc"),
            ("postgres://u:ab@cd@127.0.0.1/d", "cd"),
            ("postgres:u:SECRETpw@h", "SECRETpw"),
            ("SECRETpw://x", "SECRETpw"),
            ("SECRETpw", "SECRETpw"),
            ("", "?"),
        ];
        for (url, secret) in refused {
            let error = url.parse::<DatabaseUrl>().unwrap_err();
            assert!(!error.to_lowercase().contains(&secret.to_lowercase()), "{url}: {error}");
        }
    }
}
