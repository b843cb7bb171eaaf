//! A job, as its row says.

use crate::db::schema::jobs;
use crate::words;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;

/// What there is to do.
#[derive(AsExpression, Clone, Copy, Debug, Eq, FromSqlRow, Hash, PartialEq)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum Kind {
    /// A mail to a member of the team.
    Mail,
    /// A mail with a one-time link, to a user or to someone invited.
    LinkMail,
    /// A mail to a visitor with replies.
    ReplyMail,
    /// Looking for answers in a mailbox, again and again.
    Mailbox,
    /// Removing what has been in the trash for long enough, again and again.
    Cleanup,
    /// A change of many tickets.
    Bulk,
    /// Building the numbers for the reports of an account.
    Figures,
    /// Removing the sample data of an account.
    SampleRemoval,
    /// Erasing a person.
    Erasure,
    /// Bringing data of older versions up to date.
    Upgrade,
    /// Making a backup, again and again.
    Backup,
}

words!(Kind, "unknown kind of job");

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::Mail,
        Self::LinkMail,
        Self::ReplyMail,
        Self::Mailbox,
        Self::Cleanup,
        Self::Bulk,
        Self::Figures,
        Self::SampleRemoval,
        Self::Erasure,
        Self::Upgrade,
        Self::Backup,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::LinkMail => "link_mail",
            Self::ReplyMail => "reply_mail",
            Self::Mailbox => "mailbox",
            Self::Cleanup => "cleanup",
            Self::Bulk => "bulk",
            Self::Figures => "figures",
            Self::SampleRemoval => "sample_removal",
            Self::Erasure => "erasure",
            Self::Upgrade => "upgrade",
            Self::Backup => "backup",
        }
    }

    /// Whether it waits until a mail server is configured.
    pub fn needs_mail(self) -> bool {
        matches!(self, Self::Mail | Self::LinkMail | Self::ReplyMail)
    }

    /// How long after the end of a run the next one begins, for jobs that never end.
    pub fn repeats(self) -> Option<TimeDelta> {
        match self {
            Self::Cleanup => Some(TimeDelta::minutes(15)),
            Self::Mailbox => Some(TimeDelta::minutes(1)),
            // Unless the settings say when.
            Self::Backup => Some(TimeDelta::days(1)),
            _ => None,
        }
    }
}

#[derive(AsExpression, Clone, Copy, Debug, Eq, FromSqlRow, Hash, PartialEq)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub enum State {
    /// Until it is due.
    Waiting,
    Running,
    Done,
    /// It has failed too often, or would fail every time.
    GivenUp,
    /// Somebody has cancelled it.
    Cancelled,
}

words!(State, "unknown state of a job");

impl State {
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Running, Self::Done, Self::GivenUp, Self::Cancelled];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::GivenUp => "given_up",
            Self::Cancelled => "cancelled",
        }
    }
}

#[derive(Clone, Debug, Queryable)]
pub struct Job {
    pub id: i64,
    /// Empty for jobs of the whole installation.
    pub account_id: Option<i64>,
    pub kind: Kind,
    /// Unique among jobs of its kind.
    pub key: String,
    /// Jobs of one kind and group that are due together are done together.
    pub group_key: String,
    /// The first job of the batch that this one is in.
    pub batch_id: Option<i64>,
    /// Ids and words of fixed sets, as JSON.
    pub data: String,
    pub state: State,
    /// When it is due; while it runs, when its lease ends.
    pub due_at: NaiveDateTime,
    /// How many times it was started since it was added or last succeeded.
    pub tries: i64,
    /// Where an interrupted job goes on.
    pub place: String,
    pub done: i64,
    /// 0 if unknown.
    pub total: i64,
    /// Why the last try failed.
    pub error: String,
    pub created_at: NaiveDateTime,
    pub ended_at: Option<NaiveDateTime>,
}

/// Whether a job stands for itself. Others are done with the first one of their batch.
#[diesel::dsl::auto_type]
pub(super) fn leads() -> _ {
    jobs::batch_id.is_null().or(jobs::batch_id.eq(jobs::id.nullable()))
}

/// A job to add.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = jobs)]
pub struct NewJob {
    pub account_id: Option<i64>,
    pub kind: Kind,
    pub key: String,
    pub group_key: String,
    pub data: String,
    pub due_at: NaiveDateTime,
}
