//! Where the virus scanner listens.

use std::path::PathBuf;
use std::str::FromStr;

/// Where clamd listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scanner {
    Socket(PathBuf),
    /// Host and port.
    Tcp(String),
}

impl FromStr for Scanner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| path.starts_with('/')) {
            return Ok(Self::Socket(path.into()));
        }
        let has_port = |address: &str| {
            address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        match text.strip_prefix("tcp:").filter(|address| has_port(address)) {
            Some(address) => Ok(Self::Tcp(address.to_owned())),
            None => Err("clamd listens at unix:/PATH or tcp:HOST:PORT".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scanner_is_a_socket_or_an_address() {
        assert_eq!("unix:/run/clamd.ctl".parse(), Ok(Scanner::Socket("/run/clamd.ctl".into())));
        assert_eq!("tcp:clamd:3310".parse(), Ok(Scanner::Tcp("clamd:3310".into())));
        for text in ["", "unix:clamd", "tcp:clamd", "clamd:3310", "tcp::3310", "tcp:clamd:no"] {
            assert!(text.parse::<Scanner>().is_err(), "{text}");
        }
    }
}
