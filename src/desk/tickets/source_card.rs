//! The card of a ticket's source.

use crate::accounts::account;
use crate::accounts::account::elsewhere;
use crate::accounts::agent::Agent;
use crate::conversations::conversation;
use crate::db::Connection;
use crate::desk::conversations::mailing::{Mailing, mailing_of_submission};
use crate::desk::conversations::thread::{Thread, thread};
use crate::error::Result;
use crate::files::shown;
use crate::files::shown::ShownFile;
use crate::submissions::submission;
use crate::tickets::source::{Source, SourceKind};
use crate::tickets::ticket::Ticket;
use crate::values::text;
use crate::web::layout::Layout;
use chrono::NaiveDateTime;

/// What the source card shows.
pub enum SourceCard {
    Conversation {
        page: Option<PageLink>,
        country: Option<String>,
        thread: Thread,
        /// Whether the visitor sees replies.
        is_answerable: bool,
    },
    Submission {
        url: String,
        page: Option<PageLink>,
        country: Option<String>,
        fields: Vec<(String, String)>,
        files: Vec<ShownFile>,
        /// The conversation that answers it.
        thread: Option<Thread>,
        /// How a first reply would reach the sender.
        mailing: Option<Mailing>,
    },
    /// Stored only in another system.
    Elsewhere { kind: &'static str, id: String, url: Option<String> },
    /// It was stored here and has been deleted.
    Gone { kind: &'static str, id: String },
}

impl SourceCard {
    /// The id of the conversation that the card shows.
    pub fn conversation(&self) -> Option<&str> {
        match self {
            Self::Conversation { thread, .. } | Self::Submission { thread: Some(thread), .. } => Some(&thread.id),
            _ => None,
        }
    }
}

/// The page that the visitor was on.
pub struct PageLink {
    pub text: String,
    pub url: Option<String>,
}

impl PageLink {
    fn new(url: Option<String>) -> Option<Self> {
        url.map(|text| Self { url: text::web_url(&text).map(String::from), text })
    }
}

/// What the page shows of the source of a ticket.
pub fn source_card(
    conn: &mut Connection,
    agent: &Agent,
    layout: &Layout,
    ticket: &Ticket,
    source: &Source,
    now: NaiveDateTime,
) -> Result<SourceCard> {
    let (account_id, id) = (agent.account_id, source.id.clone());
    let kind = match source.kind {
        SourceKind::Chat => {
            if let Some(found) = conversation::find(conn, account_id, &id)? {
                return Ok(SourceCard::Conversation {
                    thread: thread(conn, agent, layout, &found, now)?,
                    is_answerable: found.is_answerable(),
                    page: PageLink::new(found.page_url),
                    country: found.country,
                });
            }
            "conversation"
        }
        SourceKind::Form => {
            if let Some(found) = submission::find(conn, account_id, &id)? {
                let answer = conversation::of_submission(conn, account_id, &id)?;
                return Ok(SourceCard::Submission {
                    url: layout.href(&format!("/submissions/{id}")),
                    thread: answer.map(|answer| thread(conn, agent, layout, &answer, now)).transpose()?,
                    mailing: mailing_of_submission(conn, layout.sends_mail, &found)?,
                    fields: found.fields(),
                    files: shown::of_submission(conn, layout, found.seq)?,
                    page: PageLink::new(found.page_url),
                    country: found.country,
                });
            }
            "form submission"
        }
    };
    if ticket.source_was_here {
        return Ok(SourceCard::Gone { kind, id });
    }
    let account = account::find(conn, account_id)?;
    let pattern = match source.kind {
        SourceKind::Chat => account.conversation_url,
        SourceKind::Form => account.submission_url,
    };
    Ok(SourceCard::Elsewhere { kind, url: elsewhere(&pattern, &id), id })
}
