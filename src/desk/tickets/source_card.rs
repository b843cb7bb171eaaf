//! The card of a ticket's source.

use crate::accounts::account;
use crate::accounts::account::elsewhere;
use crate::accounts::agent::Agent;
use crate::conversations::{conversation, messages, reply_mails};
use crate::db::Connection;
use crate::desk::conversations::line::{Line, lines};
use crate::desk::conversations::mailing::{Mailing, mailing};
use crate::error::Result;
use crate::submissions::submission;
use crate::tickets::source::{Source, SourceKind};
use crate::tickets::ticket::Ticket;
use crate::values::text;
use crate::web::layout::Layout;
use crate::web::when::When;
use chrono::NaiveDateTime;

/// How many messages of the conversation the ticket shows.
const LAST_MESSAGES: i64 = 5;

/// What the source card shows.
pub enum SourceCard {
    Conversation {
        url: String,
        page: Option<PageLink>,
        country: Option<String>,
        lines: Vec<Line>,
        count: i64,
        is_open: bool,
        /// Whether the visitor sees replies.
        is_answerable: bool,
        waiting: Option<When>,
        mailing: Option<Mailing>,
    },
    Submission {
        url: String,
        page: Option<PageLink>,
        country: Option<String>,
        fields: Vec<(String, String)>,
    },
    /// Stored only in another system.
    Elsewhere {
        kind: &'static str,
        id: String,
        url: Option<String>,
    },
    /// It was stored here and has been deleted.
    Gone {
        kind: &'static str,
        id: String,
    },
}

impl SourceCard {
    /// The id of the conversation, if its visitor sees replies.
    pub fn answerable(&self, ticket: &Ticket) -> Option<String> {
        match self {
            Self::Conversation { is_answerable: true, .. } => ticket.source_id.clone(),
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
                let messages = messages::before(conn, found.seq, None, LAST_MESSAGES)?;
                let first = messages.first().map_or(0, |first| first.position);
                let mails = reply_mails::of(conn, found.seq, first)?;
                return Ok(SourceCard::Conversation {
                    url: layout.href(&format!("/conversations/{id}")),
                    lines: lines(&found, messages, &mails, agent.zone, now),
                    count: found.message_count,
                    is_open: found.is_open(),
                    is_answerable: found.widget_id.is_some(),
                    waiting: found.waiting_since.map(|since| When::new(since, agent.zone)),
                    mailing: mailing(conn, layout.sends_mail, &found)?,
                    page: PageLink::new(found.page_url.clone()),
                    country: found.country.clone(),
                });
            }
            "conversation"
        }
        SourceKind::Form => {
            if let Some(found) = submission::find(conn, account_id, &id)? {
                return Ok(SourceCard::Submission {
                    url: layout.href(&format!("/submissions/{id}")),
                    fields: found.fields(),
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
