//! Messages with files: reads the fields of a form and stores its files.

use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::files::receive::{Part, Receiver, Rules, Sender, Sent};
use crate::files::upload::Refused;
use crate::limits::slots::Holder;
use crate::source_files::file::MAX_FILES;
use crate::source_files::keep::{Stored, keep};
use crate::validation;
use crate::validation::rejection;
use crate::validation::rejection::{Code, Failure, Rejection};
use crate::values::network::Network;
use crate::web::fields::{Fields, content_type};
use crate::web::multipart;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Most text in all fields, in bytes.
const MAX_TEXT: usize = 256 * 1024;
/// Most bytes of a request: the files of a message and the text, and something for those that are
/// too large.
const MAX_REQUEST: usize = 60 * 1024 * 1024;

/// Who sends files.
#[derive(Clone, Copy, Debug)]
pub enum From {
    /// A user or an API key.
    Team(Holder),
    /// A visitor of an account.
    Visitor(i64, Network),
}

impl From {
    /// Whose places the files take.
    pub fn sender(self) -> Sender {
        match self {
            Self::Team(holder) => Sender::Team(holder),
            Self::Visitor(account, network) => {
                let mut hasher = DefaultHasher::new();
                network.hash(&mut hasher);
                Sender::Visitor(Holder { account, user: hasher.finish().cast_signed() })
            }
        }
    }

    fn account(self) -> i64 {
        match self {
            Self::Team(holder) => holder.account,
            Self::Visitor(account, _) => account,
        }
    }
}

/// A form with its stored files, which belong to nothing yet.
pub struct Received {
    pub fields: Fields,
    pub files: Vec<Stored>,
    pub refused: Vec<Refused>,
}

impl Received {
    pub fn without_files(fields: Fields) -> Self {
        Self { fields, files: Vec::new(), refused: Vec::new() }
    }

    /// Checks that every file was stored. A message without one of its files would say something
    /// else.
    ///
    /// # Errors
    /// Which file was not, and why.
    pub fn expect_all_files(&self) -> Result<()> {
        let Some(first) = self.refused.first() else { return Ok(()) };
        let kind = match first.rejection.code {
            Code::TooLarge => Kind::TooLarge,
            Code::NoRoom => Kind::Full,
            Code::Busy => Kind::Unavailable,
            _ => Kind::UnsupportedType,
        };
        let lines = self.refused.iter().map(|refused| format!("{}: {}", refused.filename, refused.rejection.message));
        Err(Error::new(kind, lines.collect::<Vec<_>>().join(" ")))
    }
}

/// Reads a form, with files in the fields `files` if it is multipart.
pub async fn read(req: &HttpRequest, app: &App, mut payload: Payload, from: From) -> Result<Received> {
    if content_type(req) != "multipart/form-data" {
        let fields = Fields::from_request(req, &mut payload).await;
        let fields = fields.map_err(|error| {
            error.as_error::<Error>().map_or_else(
                || Error::new(Kind::Unreadable, error.to_string()),
                |error| Error::new(error.kind, error.message()),
            )
        })?;
        return Ok(Received::without_files(fields));
    }
    let (mut files, mut refused, mut fields) = (Vec::new(), Vec::new(), Vec::new());
    let rules = Rules {
        only: Some("files"),
        max_files: MAX_FILES,
        max_text: MAX_TEXT,
        max_request: MAX_REQUEST,
        sender: from.sender(),
    };
    let mut receiver = Receiver::new(multipart::parts(req, payload), &app.uploads, rules);
    while let Some(part) = receiver.next().await? {
        match part {
            Part::Field(name, value) => fields.push((name, String::from_utf8_lossy(&value).into_owned())),
            Part::File(_, sent) => match store(app, from, sent).await? {
                Ok(stored) => files.push(stored),
                Err(rejected) => refused.push(rejected),
            },
        }
    }
    Ok(Received { fields: Fields::new(fields), files, refused })
}

/// Stores one file, or tells why not.
pub async fn store(app: &App, from: From, sent: Sent) -> Result<Result<Stored, Refused>> {
    let Sent { filename, content, place: _place } = sent;
    let is_visitor = matches!(from, From::Visitor(..));
    let allowed = match from {
        From::Visitor(_, network) => app.limits.visitor_files.check(network).map(drop),
        From::Team(_) => Ok(()),
    };
    let outcome = match (content, allowed) {
        (Ok(_), Err(error)) => Err(Rejection::new(Code::NoRoom, error.message()).into()),
        (Ok(bytes), Ok(())) => keep(app, from.account(), is_visitor, &filename, bytes).await,
        (Err(rejection), _) => Err(validation::kind_of(&filename).err().unwrap_or(rejection).into()),
    };
    app.count_file(if is_visitor { "visitor" } else { "team" }, rejection::verdict(&outcome));
    match outcome {
        Ok(stored) => Ok(Ok(stored)),
        // The text must not be lost with the file.
        Err(Failure::Failed(error)) => {
            tracing::warn!(cause = error.cause(), "a file could not be stored");
            let message = "The file can’t be checked or stored just now. Try again in a moment.";
            Ok(Err(Refused { filename, rejection: Rejection::new(Code::Busy, message) }))
        }
        Err(Failure::Rejected(rejection)) => {
            tracing::info!(code = rejection.code.as_str(), "file rejected");
            Ok(Err(Refused { filename, rejection }))
        }
    }
}
