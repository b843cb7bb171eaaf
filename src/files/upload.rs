//! Attaches the files of one request to a ticket, one after the other.

use crate::app::App;
use crate::attachments::attachment::Attachment;
use crate::attachments::upload;
use crate::error::{Error, Result};
use crate::events::actor::Actor;
use crate::files::receive::{Part, Receiver, Rules, Sender, Sent};
use crate::files::response::{File, Rejected, Uploaded};
use crate::tickets::ticket;
use crate::validation;
use crate::validation::rejection;
use crate::validation::rejection::{Code, Failure, Rejection};
use crate::web::links::Links;
use crate::web::multipart::Parts;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;

/// Maximum number of files in one request.
const MAX_FILES: usize = 20;
/// Most text in other fields, which is ignored, in bytes.
const MAX_TEXT: usize = 1024 * 1024;
/// Maximum size of one request, in bytes.
const MAX_REQUEST: usize = 105 * 1024 * 1024;

/// The result of an upload: the attached and the rejected files.
pub struct Received {
    number: i64,
    pub kept: Vec<Attachment>,
    pub rejected: Vec<Refused>,
}

/// A rejected file.
pub struct Refused {
    pub filename: String,
    pub rejection: Rejection,
}

/// Reads the files of a request and attaches them to a ticket.
///
/// # Errors
/// *Invalid* when the request contains no file.
pub async fn receive(app: &App, actor: &Actor, number: i64, parts: Parts) -> Result<Received> {
    let account_id = actor.account_id;
    app.db.read(move |conn| ticket::find(conn, account_id, number)).await?;
    let mut received = Received { number, kept: Vec::new(), rejected: Vec::new() };
    let sender = Sender::Team(actor.holder());
    let rules =
        Rules { only: Some("files"), max_files: MAX_FILES, max_text: MAX_TEXT, max_request: MAX_REQUEST, sender };
    let mut receiver = Receiver::new(parts.0, &app.uploads, rules);
    while let Some(part) = receiver.next().await? {
        let Part::File(_, Sent { filename, content, place: _place }) = part else { continue };
        let outcome = match content {
            Ok(bytes) => upload::keep(app, actor, number, &filename, bytes).await,
            // A wrong type is the better reason: for a folder of videos, the size isn't the
            // problem.
            Err(rejection) => Err(validation::kind_of(&filename).err().unwrap_or(rejection).into()),
        };
        app.count_file("team", rejection::verdict(&outcome));
        match outcome {
            Ok(attachment) => received.kept.push(attachment),
            Err(Failure::Failed(error)) => return Err(error),
            Err(Failure::Rejected(rejection)) => {
                tracing::info!(code = rejection.code.as_str(), "file rejected");
                received.rejected.push(Refused { filename, rejection });
            }
        }
    }
    if received.kept.is_empty() && received.rejected.is_empty() {
        return Err(Error::invalid("Choose a file first."));
    }
    Ok(received)
}

impl Received {
    pub fn status(&self) -> StatusCode {
        let is_among = |code| self.rejected.iter().any(|refused| refused.rejection.code == code);
        match self.kept.is_empty() {
            false => StatusCode::CREATED,
            true if is_among(Code::NoRoom) => StatusCode::INSUFFICIENT_STORAGE,
            true if is_among(Code::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            true => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    /// The response for programs and scripts.
    pub fn json(self, links: &Links) -> HttpResponse {
        let mut response = HttpResponse::build(self.status());
        let data = self.kept.iter().map(|file| File::new(file, self.number, links)).collect();
        let rejected = self.rejected.into_iter().map(|one| Rejected::new(one.filename, one.rejection)).collect();
        response.json(Uploaded { data, rejected })
    }
}
