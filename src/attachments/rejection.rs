//! Why a file was rejected.

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
