//! Why a file was rejected.

use crate::error::{Error, Kind};

/// The machine-readable reason for a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    TooLarge,
    TypeNotAllowed,
    ContentMismatch,
    Empty,
    BadName,
    Unreadable,
    NoRoom,
    /// A scanner has found something harmful.
    Harmful,
    /// It could not be checked or stored just now.
    Busy,
}

impl Code {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::TypeNotAllowed => "type_not_allowed",
            Self::ContentMismatch => "content_mismatch",
            Self::Empty => "empty",
            Self::BadName => "bad_name",
            Self::Unreadable => "unreadable",
            Self::NoRoom => "no_room",
            Self::Harmful => "harmful",
            Self::Busy => "busy",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    pub code: Code,
    /// For people: what is wrong and how to fix it.
    pub message: String,
}

impl Rejection {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Why a file was not stored.
#[derive(Debug)]
pub enum Failure {
    Rejected(Rejection),
    /// The database, the storage or the scanner failed, or what the file belongs to was not found.
    Failed(Error),
}

/// What became of a file, in a word.
pub fn verdict<T>(outcome: &Result<T, Failure>) -> &'static str {
    match outcome {
        Ok(_) => "accepted",
        Err(Failure::Rejected(rejection)) => rejection.code.as_str(),
        Err(Failure::Failed(_)) => "failed",
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error.kind == Kind::Full {
            tracing::warn!(cause = error.cause(), "not enough space for a file");
            return Rejection::new(Code::NoRoom, error.message()).into();
        }
        Self::Failed(error)
    }
}
