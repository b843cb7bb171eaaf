//! What can happen, and the row that says so.

use crate::error::{Error, Result};
use crate::words;
use chrono::NaiveDateTime;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Defines [`Kind`] with the word of each kind.
macro_rules! kinds {
    ($($kind:ident = $word:literal,)*) => {
        /// What happened. The word before the dot says to what.
        #[derive(AsExpression, Clone, Copy, Debug, Eq, FromSqlRow, Hash, PartialEq)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub enum Kind {
            $(#[doc = $word] $kind,)*
        }

        impl Kind {
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The word used in the database and in the API.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)*
                }
            }
        }

        impl std::str::FromStr for Kind {
            type Err = Error;

            fn from_str(word: &str) -> Result<Self> {
                match word {
                    $($word => Ok(Self::$kind),)*
                    _ => Err(Error::invalid("unknown kind of event")),
                }
            }
        }
    };
}

kinds! {
    TicketCreated = "ticket.created",
    TicketTitleChanged = "ticket.title_changed",
    TicketRequesterChanged = "ticket.requester_changed",
    TicketStatusChanged = "ticket.status_changed",
    TicketAssigned = "ticket.assigned",
    TicketTagAdded = "ticket.tag_added",
    TicketTagRemoved = "ticket.tag_removed",
    TicketTagReplaced = "ticket.tag_replaced",
    TicketNotesChanged = "ticket.notes_changed",
    TicketVisitorReturned = "ticket.visitor_returned",
    TicketDeleted = "ticket.deleted",
    TicketRestored = "ticket.restored",
    TicketPurged = "ticket.purged",
    AttachmentAdded = "attachment.added",
    AttachmentRenamed = "attachment.renamed",
    AttachmentRemoved = "attachment.removed",
    AttachmentRestored = "attachment.restored",
    ConversationCreated = "conversation.created",
    ConversationVisitorChanged = "conversation.visitor_changed",
    ConversationMessageAdded = "conversation.message_added",
    ConversationReplyMailed = "conversation.reply_mailed",
    ConversationMailRefused = "conversation.mail_refused",
    ConversationClosed = "conversation.closed",
    ConversationReopened = "conversation.reopened",
    ConversationDeleted = "conversation.deleted",
    ConversationRestored = "conversation.restored",
    ConversationPurged = "conversation.purged",
    SubmissionCreated = "submission.created",
    SubmissionDone = "submission.done",
    SubmissionNotDone = "submission.not_done",
    SubmissionMarkedSpam = "submission.marked_spam",
    SubmissionUnmarkedSpam = "submission.unmarked_spam",
    SubmissionDeleted = "submission.deleted",
    SubmissionRestored = "submission.restored",
    SubmissionPurged = "submission.purged",
    FormCreated = "form.created",
    FormChanged = "form.changed",
    WidgetCreated = "widget.created",
    WidgetChanged = "widget.changed",
    AccountCreated = "account.created",
    AccountChanged = "account.changed",
    UserAdded = "user.added",
    UserRoleChanged = "user.role_changed",
    UserDisabled = "user.disabled",
    UserEnabled = "user.enabled",
    UserProfileChanged = "user.profile_changed",
    UserPasswordChanged = "user.password_changed",
    UserPasswordLinkCreated = "user.password_link_created",
    UserSignedIn = "user.signed_in",
    UserSignInFailed = "user.sign_in_failed",
    UserSignedOut = "user.signed_out",
    UserSessionsEnded = "user.sessions_ended",
    InvitationCreated = "invitation.created",
    InvitationRevoked = "invitation.revoked",
    ContactChanged = "contact.changed",
    ContactMerged = "contact.merged",
    ContactSplit = "contact.split",
    ContactExported = "contact.exported",
    ContactErased = "contact.erased",
    KeyCreated = "key.created",
    KeyRevoked = "key.revoked",
}

words!(Kind);

impl Kind {
    /// The kind of the subject, such as `ticket`.
    pub fn subject(self) -> &'static str {
        self.as_str().split('.').next().unwrap_or_default()
    }

    /// Whether the event is about people, keys or settings. Only the audit log shows it.
    pub fn is_for_audit(self) -> bool {
        matches!(self.subject(), "account" | "user" | "invitation" | "key" | "form" | "widget" | "contact")
    }
}

/// All personal text of an event, in one place, so that erasing a person can empty it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Text {
    /// The name of the actor at the time of the event.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub actor: String,
    /// The visitor whom the event is about, or the title of the ticket.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// The value before the change; empty if there was none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub old: String,
    /// The value after the change; empty if there is none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub new: String,
}

impl TryFrom<String> for Text {
    type Error = serde_json::Error;

    fn try_from(json: String) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&json)
    }
}

/// Ids, versions and words of fixed sets, as JSON. Never personal text.
#[derive(Clone, Debug, PartialEq)]
pub struct Data(pub Value);

impl Data {
    /// The word at `key`, parsed.
    pub fn word<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        self.0.get(key)?.as_str()?.parse().ok()
    }

    pub fn number(&self, key: &str) -> Option<i64> {
        self.0.get(key)?.as_i64()
    }
}

impl TryFrom<String> for Data {
    type Error = serde_json::Error;

    fn try_from(json: String) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&json).map(Self)
    }
}

#[derive(Clone, Debug, Queryable)]
pub struct Event {
    /// The row's id. On Postgres, ids of concurrent transactions commit out of order.
    pub id: i64,
    pub account_id: i64,
    pub at: NaiveDateTime,
    /// `user`, `key`, `visitor` or `system`.
    pub actor_kind: String,
    /// The id of the user or key.
    pub actor_id: Option<i64>,
    pub kind: Kind,
    /// The id of the subject in the API: a number for tickets.
    pub subject: String,
    /// The ticket in whose history the event stands.
    pub ticket_id: Option<i64>,
    #[diesel(deserialize_as = String)]
    pub data: Data,
    #[diesel(deserialize_as = String)]
    pub text: Text,
    pub for_audit: bool,
    /// The position in the order in which events became visible. `None` until it is
    /// assigned, shortly after the commit.
    pub seq: Option<i64>,
}

impl Event {
    /// The number of the ticket that the event is about, if it is about a ticket or its
    /// files.
    pub fn ticket_number(&self) -> Option<i64> {
        match self.kind.subject() {
            "ticket" => self.subject.parse().ok(),
            "attachment" => self.data.number("ticket"),
            _ => None,
        }
    }

    /// The user who caused the event.
    pub fn user_id(&self) -> Option<i64> {
        self.actor_id.filter(|_| self.actor_kind == "user")
    }
}
