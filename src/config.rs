//! Every setting, in one table. An invalid setting stops the start with a line that says
//! so.

use crate::db;
use crate::db::DatabaseUrl;
use crate::limits::pace::Pace;
use crate::values::backup_key::BackupKey;
use crate::values::backup_plan::BackupPlan;
use crate::values::listen::Listen;
use crate::values::reply_address::ReplyAddress;
use crate::values::scanner::Scanner;
use bytesize::ByteSize;
use chrono::TimeDelta;
use clap::{Args, value_parser};
use ipnet::IpNet;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// The settings of a running program; each is a flag or an environment variable.
/// Not `Debug`, because some hold passwords.
#[derive(Args, Clone)]
pub struct Config {
    /// Address and port to listen on, or unix:/PATH; port 0 picks a free one
    #[arg(long, env = "DOCKET_LISTEN", default_value = "127.0.0.1:8080", global = true)]
    pub listen: Listen,

    /// Folder of the embedded database and the files
    #[arg(long, env = "DOCKET_DATA_DIR", default_value = "./data", global = true)]
    pub data_dir: PathBuf,

    /// sqlite:PATH or postgres://… [default: sqlite:<data dir>/docket.db]
    #[arg(long, env = "DATABASE_URL", global = true, hide_env_values = true)]
    pub database_url: Option<DatabaseUrl>,

    /// postgres://… of Postgres itself, where DATABASE_URL names a pooler that gives out sessions by transaction
    #[arg(long, env = "DATABASE_DIRECT_URL", global = true, hide_env_values = true)]
    pub database_direct_url: Option<DatabaseUrl>,

    /// Connections to Postgres for reading, and as many for writing
    #[arg(long, env = "DOCKET_DATABASE_CONNECTIONS", default_value_t = db::POSTGRES_READERS, value_parser = value_parser!(u32).range(3..=500), global = true)]
    pub database_connections: u32,

    /// How long a request waits for the database, as 10s
    #[arg(long, env = "DOCKET_DATABASE_TIMEOUT", default_value = "10s", value_parser = parse_patience, global = true)]
    pub database_timeout: Duration,

    /// Statements of the database that take as long are logged, as 1s
    #[arg(long, env = "DOCKET_SLOW_QUERY", default_value = "1s", value_parser = humantime::parse_duration, global = true)]
    pub slow_query: Duration,

    /// file:PATH, s3://bucket/prefix or memory: [default: file:<data dir>/files]
    #[arg(long, env = "STORAGE_URL", global = true)]
    pub storage_url: Option<String>,

    /// Scheme, host and base path under which people reach this server
    #[arg(long, env = "DOCKET_PUBLIC_URL", value_parser = parse_public_url, global = true)]
    pub public_url: Option<Url>,

    /// Addresses and networks whose X-Forwarded-For and country header are believed, separated by commas
    #[arg(long, env = "DOCKET_TRUSTED_PROXIES", default_value = "", hide_default_value = true, global = true)]
    pub trusted_proxies: Proxies,

    /// Header with the visitor's country (ISO 3166-1 alpha-2), believed from trusted proxies only
    #[arg(long, env = "DOCKET_COUNTRY_HEADER", default_value = "CF-IPCountry", global = true)]
    pub country_header: String,

    /// Most that the files of one account may take, as 20GB [default: no limit]
    #[arg(long, env = "DOCKET_ACCOUNT_QUOTA", global = true)]
    pub account_quota: Option<ByteSize>,

    /// Most that the files may take that visitors send to one account, apart from the account's own
    #[arg(long, env = "DOCKET_VISITOR_QUOTA", default_value = "2GB", global = true)]
    pub visitor_quota: ByteSize,

    /// Where clamd scans files, as unix:/run/clamav/clamd.ctl or tcp:HOST:PORT [default: no scanning]
    #[arg(long, env = "DOCKET_CLAMD", global = true)]
    pub clamd: Option<Scanner>,

    /// Free disk space below which no files are taken; everything else goes on
    #[arg(long, env = "DOCKET_FREE_DISK_FLOOR", default_value = "256MB", global = true)]
    pub free_disk_floor: ByteSize,

    /// Requests a minute that one API key may make
    #[arg(long, env = "DOCKET_API_RATE", default_value = "120", global = true)]
    pub api_rate: NonZeroU32,

    /// smtp://, smtps:// or smtp://…?tls=required server for mails to the team [default: no mails]
    #[arg(long, env = "DOCKET_SMTP_URL", global = true, hide_env_values = true)]
    pub smtp_url: Option<String>,

    /// From whom mails come, as Docket <desk@example.com>
    #[arg(long, env = "DOCKET_MAIL_FROM", global = true)]
    pub mail_from: Option<String>,

    /// Address for answers to mails, such as reply@in.example.com; each mail adds + and a token [default: no answers by mail]
    #[arg(long, env = "DOCKET_MAIL_REPLY_TO", global = true)]
    pub mail_reply_to: Option<ReplyAddress>,

    /// Secret with which mail services and “docket mail receive” hand messages to /mail/inbound
    #[arg(long, env = "DOCKET_MAIL_INBOUND_SECRET", value_parser = parse_secret, global = true, hide_env_values = true)]
    pub mail_inbound_secret: Option<String>,

    /// imaps://USER:SECRET@HOST/FOLDER: a mailbox to look for answers in
    #[arg(long, env = "DOCKET_IMAP_URL", global = true, hide_env_values = true)]
    pub imap_url: Option<String>,

    /// How long a session lives without use, as 14d or 12h
    #[arg(long, env = "DOCKET_SESSION_IDLE", default_value = "14d", value_parser = parse_session_time, global = true)]
    pub session_idle: TimeDelta,

    /// How long a session lives in any case
    #[arg(long, env = "DOCKET_SESSION_MAX", default_value = "30d", value_parser = parse_session_time, global = true)]
    pub session_max: TimeDelta,

    /// How long events are kept that are in no ticket's history, such as 365d
    #[arg(long, env = "DOCKET_EVENT_RETENTION", default_value = "365d", value_parser = parse_retention, global = true)]
    pub event_retention: TimeDelta,

    /// Where and how often backups are made, such as /var/backups/docket every 1d keep 14 [default: none]
    #[arg(long, env = "DOCKET_BACKUP", global = true)]
    pub backup: Option<BackupPlan>,

    /// Key that backups are encrypted with: 64 hexadecimal digits [default: no encryption]
    #[arg(long, env = "DOCKET_BACKUP_KEY", global = true, hide_env_values = true)]
    pub backup_key: Option<BackupKey>,

    /// How long the server goes on after a stop signal, so that load balancers learn of it first, as 10s
    #[arg(long, env = "DOCKET_DRAIN", default_value = "0s", value_parser = parse_drain, global = true)]
    pub drain: Duration,

    /// A text that pages show while every change is refused, such as during a move [default: none]
    #[arg(long, env = "DOCKET_MAINTENANCE", value_parser = parse_maintenance, global = true)]
    pub maintenance: Option<String>,

    /// Token with which a monitoring system asks for /metrics [default: there is no such page]
    #[arg(long, env = "DOCKET_METRICS_TOKEN", value_parser = parse_secret, global = true, hide_env_values = true)]
    pub metrics_token: Option<String>,

    /// How log lines look
    #[arg(long, env = "DOCKET_LOG_FORMAT", default_value = "text", global = true)]
    pub log_format: LogFormat,

    /// How fast clients must send and read. A value that tests change, no setting.
    #[arg(skip)]
    pub pace: Pace,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The proxies of [`Config::trusted_proxies`].
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Whether an address belongs to a trusted proxy.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl std::str::FromStr for Proxies {
    type Err = String;

    /// A bare address is a network of one.
    fn from_str(text: &str) -> Result<Self, String> {
        let entries = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        let network = |entry: &str| {
            let address = entry.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
            address.map(|address| address.to_canonical().into()).or_else(|_| {
                entry
                    .parse::<IpNet>()
                    .map_err(|_| format!("“{entry}” is neither an address nor a network such as 10.0.0.0/8"))
            })
        };
        entries.map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl Config {
    /// The database URL, or its default.
    pub fn database(&self) -> DatabaseUrl {
        let default = || DatabaseUrl::Sqlite(self.data_dir.join("docket.db"));
        self.database_url.clone().unwrap_or_else(default)
    }

    /// How the database is used.
    pub fn database_settings(&self) -> db::Settings {
        db::Settings {
            url: self.database(),
            direct: self.database_direct_url.clone(),
            connections: self.database_connections,
            patience: self.database_timeout,
        }
    }

    /// Where planned backups go.
    pub fn backup_place(&self) -> Option<String> {
        self.backup.as_ref().map(|plan| plan.place.clone())
    }

    /// The storage URL, or its default.
    pub fn storage(&self) -> String {
        let default = || format!("file:{}", self.data_dir.join("files").display());
        self.storage_url.clone().unwrap_or_else(default)
    }

    /// Whether the public URL uses TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// The origin of [`Config::public_url`], as browsers write it.
    pub fn public_origin(&self) -> Option<String> {
        self.public_url.as_ref().map(|url| url.origin().ascii_serialization())
    }

    /// The path under which people reach the server: empty, or `/desk`.
    pub fn base_path(&self) -> &str {
        self.public_url.as_ref().map_or("", |url| url.path().trim_end_matches('/'))
    }
}

/// The content of the file that `NAME_FILE` names, without the end of its last line: another way to
/// give the setting `NAME`.
///
/// # Errors
/// One line that names the setting, when both are set or the file cannot be read.
pub fn from_file(name: &str) -> Result<Option<String>, String> {
    let variable = format!("{name}_FILE");
    let Some(path) = std::env::var_os(&variable).filter(|path| !path.is_empty()) else { return Ok(None) };
    if std::env::var_os(name).is_some() {
        return Err(format!("{name} and {variable} are both set; keep one of them"));
    }
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("the file of {variable} can’t be read: {error}"))?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn parse_public_url(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("{error}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("a public URL starts with http:// or https:// and names a host".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a public URL has no ? and no #".into());
    }
    Ok(url)
}

/// A secret that nobody can guess. It lets other programs in.
fn parse_secret(text: &str) -> Result<String, String> {
    let is_long = text.chars().count() >= 20 && !text.contains(char::is_whitespace);
    if is_long { Ok(text.to_owned()) } else { Err("a secret has 20 characters or more, without spaces".into()) }
}

fn parse_maintenance(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_fine = !text.is_empty() && text.chars().count() <= 300 && !text.contains(char::is_control);
    if is_fine { Ok(text.to_owned()) } else { Err("a text of one line, of at most 300 characters".into()) }
}

fn parse_time(text: &str) -> Option<TimeDelta> {
    humantime::parse_duration(text).ok().and_then(|time| TimeDelta::from_std(time).ok())
}

fn parse_retention(text: &str) -> Result<TimeDelta, String> {
    let time = parse_time(text).filter(|time| *time >= TimeDelta::days(7));
    time.ok_or_else(|| "events are kept for a week or more, such as 30d or 365d".into())
}

fn parse_session_time(text: &str) -> Result<TimeDelta, String> {
    parse_time(text)
        .filter(|time| *time >= TimeDelta::minutes(1))
        .ok_or_else(|| "a session time is a minute or more, as 30m, 12h or 14d".into())
}

fn parse_patience(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .ok()
        .filter(|time| (Duration::from_secs(1)..=Duration::from_secs(600)).contains(time))
        .ok_or_else(|| "it is between 1s and 10m".into())
}

fn parse_drain(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .ok()
        .filter(|time| *time <= Duration::from_secs(600))
        .ok_or_else(|| "it is between 0s and 10m".into())
}

#[cfg(test)]
mod tests {
    use super::{Proxies, parse_patience, parse_retention, parse_session_time};

    #[test]
    fn proxies_are_addresses_and_networks() {
        for text in ["", " ", "127.0.0.1", "::1", "[::1]", "10.0.0.0/8, 127.0.0.1", "127.0.0.1 ,, ::1,", "fd00::/8"] {
            assert!(text.parse::<Proxies>().is_ok(), "{text}");
        }
        for text in ["localhost", "10.0.0.0/33", "127.0.0.1:80", "10.0.0.1-9"] {
            assert!(text.parse::<Proxies>().is_err(), "{text}");
        }
        let proxies: Proxies = "127.0.0.1, ::ffff:192.0.2.1, fd00::/8".parse().unwrap();
        for (address, expected) in [("127.0.0.1", true), ("127.0.0.2", false), ("192.0.2.1", true), ("fd12::1", true)] {
            assert_eq!(proxies.contain(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn requests_wait_for_the_database_for_seconds() {
        assert_eq!(parse_patience("10s").unwrap().as_secs(), 10);
        for text in ["", "10", "0s", "500ms", "11m", "soon"] {
            assert!(parse_patience(text).is_err(), "{text}");
        }
    }

    #[test]
    fn session_times_have_a_unit() {
        assert_eq!(parse_session_time("14d").unwrap().num_days(), 14);
        assert_eq!(parse_session_time("1h 30m").unwrap().num_minutes(), 90);
        for text in ["", "14", "0d", "10s", "-1d", "soon"] {
            assert!(parse_session_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn events_are_kept_for_a_week_or_more() {
        assert_eq!(parse_retention("365d").unwrap().num_days(), 365);
        for text in ["6d", "365", "", "for ever"] {
            assert!(parse_retention(text).is_err(), "{text}");
        }
    }
}
