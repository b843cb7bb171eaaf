//! Settings from files, and `docket config`: the settings in force.

use crate::config::{Config, from_file};
use crate::db::DatabaseUrl;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use std::collections::BTreeMap;
use std::ffi::OsString;
use url::Url;

/// Kinds of URLs whose user and password stand before the host.
const URLS: [&str; 7] = ["sqlite", "postgres", "postgresql", "smtp", "smtps", "imap", "imaps"];
/// What may be shown of the query of such a URL. Anything else may be a password.
const SHOWN: [&str; 2] = ["sslmode", "tls"];
/// How the names of variables begin that libraries read themselves: for S3, traces, TLS and the log.
const LIBRARIES: [&str; 5] = ["AWS_", "OTEL_", "PGSSL", "RUST_LOG", "SSL_CERT_"];
/// Those whose values may be shown; anything else may be a secret.
const HARMLESS: [&str; 13] = [
    "AWS_ALLOW_HTTP",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_REGION",
    "OTEL_SDK_DISABLED",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "RUST_LOG",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

/// The name of a setting, if the argument is one.
fn name(arg: &Arg) -> Option<String> {
    Some(arg.get_env()?.to_string_lossy().into_owned())
}

/// The program's arguments, with flags for the settings that come from files. A flag that is there
/// already wins.
///
/// # Errors
/// One line that names the setting. It never contains the value.
pub(super) fn with_files(command: &Command, mut args: Vec<OsString>) -> Result<Vec<OsString>, String> {
    let mut flags = Vec::new();
    for arg in command.get_arguments() {
        let (Some(name), Some(long)) = (name(arg), arg.get_long()) else { continue };
        let flag = format!("--{long}");
        let is_given = |given: &OsString| given.to_string_lossy().split('=').next() == Some(flag.as_str());
        if args.iter().any(is_given) {
            continue;
        }
        if let Some(value) = from_file(&name)? {
            flags.push(OsString::from(format!("{flag}={value}")));
        }
    }
    let rest = args.split_off(args.len().min(1));
    Ok(args.into_iter().chain(flags).chain(rest).collect())
}

/// Unknown variables that start with `DOCKET_`, each with the most similar setting. They
/// do not stop the start: Kubernetes sets `DOCKET_PORT` and others for a service called
/// docket.
pub(super) fn unknown(command: &Command, variables: impl Iterator<Item = String>) -> Vec<(String, String)> {
    let settings: Vec<String> = command.get_arguments().filter_map(name).collect();
    let is_unknown = |variable: &String| {
        let setting = variable.strip_suffix("_FILE").unwrap_or(variable);
        let is_ours = variable.starts_with("DOCKET_") && !variable.starts_with("DOCKET_TEST_");
        is_ours && !settings.iter().any(|known| known == setting)
    };
    let nearest = |variable: &str| settings.iter().min_by_key(|known| strsim::damerau_levenshtein(variable, known));
    let with_nearest = |variable: String| nearest(&variable).cloned().map(|near| (variable, near));
    variables.filter(is_unknown).filter_map(with_nearest).collect()
}

/// Prints the settings in force, as a file of environment variables.
pub(super) fn print(command: &Command, matches: &ArgMatches, config: &Config) {
    for arg in command.get_arguments() {
        let Some(name) = name(arg) else { continue };
        let id = arg.get_id().as_str();
        let raw = matches.get_raw(id).and_then(|mut values| values.next());
        let value = raw.map(|value| value.to_string_lossy().into_owned()).or_else(|| default_of(&name, config));
        let from = match matches.value_source(id) {
            Some(ValueSource::EnvVariable) => String::new(),
            Some(ValueSource::CommandLine) if std::env::var_os(format!("{name}_FILE")).is_some() => {
                format!("  # from {name}_FILE")
            }
            Some(ValueSource::CommandLine) => "  # from the command line".into(),
            _ => "  # default".into(),
        };
        match value {
            Some(value) if arg.is_hide_env_values_set() => println!("{name}={}{from}", masked(&value)),
            Some(value) => println!("{name}={value}{from}"),
            None => println!("# {name} is not set"),
        }
    }
    for (name, value) in of_libraries() {
        println!("{name}={value}");
    }
}

/// The variables in force that libraries read themselves, in order.
fn of_libraries() -> BTreeMap<String, String> {
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    let is_read = |(name, _): &(String, String)| LIBRARIES.iter().any(|begin| name.starts_with(begin));
    let shown = |(name, value): (String, String)| {
        let shown = match Url::parse(&value) {
            _ if HARMLESS.contains(&name.as_str()) => value,
            // A path or a query may hold a token.
            Ok(url) if name.contains("ENDPOINT") => url.origin().ascii_serialization(),
            _ => "***".into(),
        };
        (name, shown)
    };
    std::env::vars_os().filter_map(text).filter(is_read).map(shown).collect()
}

/// Defaults that depend on other settings.
fn default_of(name: &str, config: &Config) -> Option<String> {
    match (name, config.database()) {
        ("DATABASE_URL", DatabaseUrl::Sqlite(path)) => Some(format!("sqlite:{}", path.display())),
        ("STORAGE_URL", _) => Some(config.storage()),
        _ => None,
    }
}

/// A secret setting without its secrets: of URLs, host and path stay.
fn masked(value: &str) -> String {
    let url = Url::parse(value).ok().filter(|url| URLS.contains(&url.scheme()));
    let Some(mut url) = url else { return "***".into() };
    let has_user = !url.username().is_empty() || url.password().is_some();
    // Both fail only without a host.
    if has_user && (url.set_password(None).is_err() || url.set_username("***").is_err()) {
        return "***".into();
    }
    let shown: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| SHOWN.contains(&name.as_ref()))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.set_query(None);
    if !shown.is_empty() {
        url.query_pairs_mut().extend_pairs(shown);
    }
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::{masked, unknown};
    use crate::cli::Cli;
    use clap::CommandFactory;

    #[test]
    fn a_misspelt_variable_is_named_with_the_setting_that_it_is_like() {
        let variables = [
            "PATH",
            "DOCKET_LISTEN",
            "DOCKET_SMTP_URL_FILE",
            "DOCKET_LISTN",
            "DOCKET_TEST_POSTGRES",
            "DOCKET_SMPT_URL",
        ];
        let unknown = unknown(&Cli::command(), variables.into_iter().map(String::from));
        let expected = [("DOCKET_LISTN", "DOCKET_LISTEN"), ("DOCKET_SMPT_URL", "DOCKET_SMTP_URL")];
        assert_eq!(unknown, expected.map(|(variable, near)| (variable.to_owned(), near.to_owned())));
    }

    #[test]
    fn secrets_are_masked() {
        for (value, expected) in [
            (
                "postgres://docket:geheim@db.example/desk?sslmode=verify-full&password=x",
                "postgres://***@db.example/desk?sslmode=verify-full",
            ),
            ("postgres:///desk?host=/run/postgresql", "postgres:///desk"),
            ("sqlite:/var/lib/docket/docket.db", "sqlite:/var/lib/docket/docket.db"),
            ("smtp://ann:p%40ss@mail.example:587?tls=required", "smtp://***@mail.example:587?tls=required"),
            ("imaps://ann:secret@mail.example/INBOX", "imaps://***@mail.example/INBOX"),
            ("a-secret-of-this-desk", "***"),
            ("https://a-secret-that-looks-like-a-url", "***"),
            ("smtp:secret", "smtp:secret"),
        ] {
            assert_eq!(masked(value), expected);
        }
    }
}
