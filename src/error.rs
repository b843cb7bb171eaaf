//! One error type: a code for programs, a sentence for people, a cause for the log.
//!
//! It depends on no library. `db` and `storage` convert their errors to it. `web` turns
//! it into a page or JSON and logs the cause once.

use std::fmt;

/// What handlers, stores and rules return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// The kind of an error, which decides the HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 400: the request could not be read.
    Unreadable,
    /// 401: nobody is signed in.
    SignedOut,
    /// 403: the user or the origin has no permission.
    Forbidden,
    /// 404: does not exist, or belongs to another account.
    NotFound,
    /// 408: the body came too slowly.
    TooSlow,
    /// 409: somebody else was first, or the id is taken.
    Conflict,
    /// 410: was there, and is no longer kept.
    Gone,
    /// 413: larger than allowed.
    TooLarge,
    /// 415: the type is not accepted.
    UnsupportedType,
    /// 421: sent to a host name that is not ours.
    Misdirected,
    /// 422: a field is wrong.
    Invalid,
    /// 429: slow down.
    TooMany,
    /// 500: our fault.
    Internal,
    /// 503: database or storage cannot be reached, or all places are taken.
    Unavailable,
    /// 507: the disk is full.
    Full,
}

impl Kind {
    /// The code for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "invalid_body",
            Self::SignedOut => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::TooSlow => "invalid_body",
            Self::Conflict => "conflict",
            Self::Gone => "not_found",
            Self::TooLarge => "too_large",
            Self::UnsupportedType => "unsupported_type",
            Self::Misdirected => "not_found",
            Self::Invalid => "invalid",
            Self::TooMany => "rate_limited",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::Full => "unavailable",
        }
    }
}

/// What failed on our side, and why.
#[derive(Debug)]
struct Failed {
    what: &'static str,
    source: Source,
}

impl fmt::Display for Failed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.what)
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

/// A failure: its kind, what to tell the person, and what to log.
#[derive(Debug)]
pub struct Error {
    pub kind: Kind,
    message: String,
    field: Option<&'static str>,
    retry_after: Option<u32>,
    retryable: bool,
    engine_trouble: bool,
    source: Option<Source>,
}

impl Error {
    /// A failure that the person can understand and correct.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            field: None,
            retry_after: None,
            retryable: false,
            engine_trouble: false,
            source: None,
        }
    }

    /// 404, both for what does not exist and for what belongs to another account.
    pub fn not_found() -> Self {
        Self::new(Kind::NotFound, "There is nothing at this address, or you don’t have access to it.")
    }

    /// 422: one field is wrong, and the message says which and why.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// 421: the request named a host other than `ours`.
    pub fn misdirected(ours: &str) -> Self {
        Self::new(
            Kind::Misdirected,
            format!("This server is {ours}. If you run it behind a proxy, let the proxy pass on the Host header."),
        )
    }

    /// 429: the client can try again after so many seconds.
    pub fn too_many(message: &str, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(Kind::TooMany, message) }
    }

    /// 500. `what` and `source` go to the log, never to the person.
    pub fn internal(what: &'static str, source: impl Into<Source>) -> Self {
        let source = Failed { what, source: source.into() };
        Self { source: Some(Box::new(source)), ..Self::new(Kind::Internal, "Something went wrong on our side.") }
    }

    /// 503 for a transaction that may well succeed when it runs again.
    pub fn worth_retrying(source: impl Into<Source>) -> Self {
        Self { retryable: true, ..Self::unavailable(source) }
    }

    /// 503: database or storage cannot be reached.
    pub fn unavailable(source: impl Into<Source>) -> Self {
        Self {
            retry_after: Some(5),
            engine_trouble: true,
            source: Some(source.into()),
            ..Self::new(
                Kind::Unavailable,
                "The database or the file storage can't be reached right now. Please try again in a moment.",
            )
        }
    }

    /// 503: nobody knows whether the change was made.
    pub fn undecided(source: impl Into<Source>) -> Self {
        Self {
            message: "The database stopped answering while your change was being saved. Look whether it is there \
                      before you try again."
                .into(),
            ..Self::unavailable(source)
        }
    }

    /// 503: all places of a kind are taken; the client can try again after so many
    /// seconds.
    pub fn busy(message: &str, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..Self::new(Kind::Unavailable, message) }
    }

    /// 503: the operator has stopped all changes, and says why.
    pub fn maintenance(reason: &str) -> Self {
        Self::busy(reason, 60)
    }

    /// Classifies the error text of a database or disk: full, busy, or broken.
    pub fn from_storage_text(text: &str) -> Self {
        let full = ["disk is full", "No space left", "database or disk is full"];
        if full.iter().any(|sign| text.contains(sign)) {
            let message = "There is no room left on the server's disk. Nothing was changed.";
            return Self { engine_trouble: true, source: Some(text.into()), ..Self::new(Kind::Full, message) };
        }
        if text.contains("statement timeout") {
            return Self::busy("That takes too long. Narrow it down, for example with more or longer words.", 1);
        }
        if text.contains("locked") || text.to_lowercase().contains("connection") {
            return Self::unavailable(text);
        }
        Self { engine_trouble: true, ..Self::internal("storage", text) }
    }

    /// The sentence for the person.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the error is about this form field. Its page then marks the field.
    pub fn is_about(&self, field: &str) -> bool {
        self.field == Some(field)
    }

    /// The message for operators: the causes, or the sentence if there are none.
    pub fn cause(&self) -> String {
        let causes = std::iter::successors(std::error::Error::source(self), |cause| cause.source());
        let causes: Vec<String> = causes.map(ToString::to_string).collect();
        if causes.is_empty() { self.message.clone() } else { causes.join(": ") }
    }

    /// Seconds to wait before another attempt.
    pub fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// Whether the same transaction may well succeed when it runs again.
    pub fn is_worth_retrying(&self) -> bool {
        self.retryable
    }

    /// Whether the engine itself failed, and not just this request.
    pub fn is_engine_trouble(&self) -> bool {
        self.engine_trouble
    }
}

/// Says which form field a value came from.
pub trait OfField {
    fn of_field(self, name: &'static str) -> Self;
}

impl<T> OfField for Result<T> {
    fn of_field(self, name: &'static str) -> Self {
        self.map_err(|error| Error { field: Some(name), ..error })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
