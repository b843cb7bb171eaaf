//! The card of a ticket's source.

use crate::accounts::account;
use crate::accounts::account::elsewhere;
use crate::accounts::agent::Agent;
use crate::conversations::conversation;
use crate::db::Connection;
use crate::desk::conversations::line::{Line, lines_of_copy};
use crate::desk::conversations::mailing::{Mailing, mailing_of_submission};
use crate::desk::conversations::thread::{Thread, thread};
use crate::error::Result;
use crate::files::shown;
use crate::files::shown::ShownFile;
use crate::submissions::submission;
use crate::tickets::source::{Source, SourceKind};
use crate::tickets::source_copy;
use crate::tickets::source_copy::SourceCopy;
use crate::tickets::ticket::Ticket;
use crate::values::text;
use crate::web::layout::Layout;
use crate::web::when::When;
use chrono::NaiveDateTime;
use chrono_tz::Tz;

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
    Gone { kind: &'static str, id: String, copy: Option<CopyCard> },
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

/// What the source said when the ticket was created.
pub struct CopyCard {
    pub taken: When,
    pub page: Option<PageLink>,
    pub country: Option<String>,
    pub fields: Vec<(String, String)>,
    pub lines: Vec<Line>,
    /// How many older messages it lacks.
    pub omitted: i64,
}

impl CopyCard {
    fn new(copy: SourceCopy, visitor: &str, zone: Tz, now: NaiveDateTime) -> Self {
        let visitor = text::first_filled(&[visitor, "Visitor"]);
        Self {
            taken: When::new(copy.taken_at, zone).since(now),
            page: PageLink::new(copy.page_url),
            country: copy.country,
            fields: copy.fields,
            lines: lines_of_copy(copy.lines, visitor, zone, now),
            omitted: copy.omitted,
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
        let copy = source_copy::of(conn, ticket.id)?;
        let copy = copy.map(|copy| CopyCard::new(copy, &ticket.requester_name, agent.zone, now));
        return Ok(SourceCard::Gone { kind, id, copy });
    }
    let account = account::find(conn, account_id)?;
    let pattern = match source.kind {
        SourceKind::Chat => account.conversation_url,
        SourceKind::Form => account.submission_url,
    };
    Ok(SourceCard::Elsewhere { kind, url: elsewhere(&pattern, &id), id })
}
