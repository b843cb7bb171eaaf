//! Sample data: what a small shop's desk looks like after some busy weeks.
//!
//! The functions behind the pages create it, with times in the past; of many tickets, most
//! are copies. The same seed creates the same texts and states.

mod past;
pub mod removal;
mod texts;

use crate::accounts::agent::Agent;
use crate::accounts::samples::Sample;
use crate::accounts::{account, samples, user};
use crate::app::App;
use crate::attachments::upload;
use crate::conversations::conversation::{Chat, NewConversation, Status as ConversationStatus};
use crate::conversations::messages::NewMessage;
use crate::conversations::{conversation, messages, widgets};
use crate::db::{Connection, copies};
use crate::error::{Error, Result};
use crate::events::actor::Actor;
use crate::submissions::fields::Parsed;
use crate::submissions::submission::Origin;
use crate::submissions::{form, submission};
use crate::tickets::create::{NewTicket, Outcome};
use crate::tickets::notes::Notes;
use crate::tickets::source::{Source, SourceKind};
use crate::tickets::status::Status;
use crate::tickets::ticket::Title;
use crate::tickets::{change, create, notes, tags};
use crate::validation::rejection::Failure;
use crate::values::token;
use crate::{conversations, tickets};
use chrono::{NaiveDateTime, TimeDelta};
use fastrand::Rng;
use icu_normalizer::DecomposingNormalizerBorrowed;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use std::collections::BTreeSet;
use std::io::Cursor;
use std::ops::Range;
use std::time::{Duration, Instant};
use texts::{COUNTRIES, FIRST_NAMES, LAST_NAMES, PAGES, TOPICS, Topic};

pub const DEFAULT_TICKETS: u32 = 60;
/// How many tickets one transaction creates. Postgres reads all versions of a counter that a
/// transaction has written, so larger ones take much longer.
const CHUNK: u32 = 100;
/// A pause between transactions, so that a running server can write, too: SQLite asks for a busy
/// file every 100 ms.
const PAUSE: Duration = Duration::from_millis(120);
/// How long to work before the next pause.
const WORK: Duration = Duration::from_secs(2);
/// How long ago the past ends.
const RECENT_DAYS: i64 = 45;
/// Messages of a conversation of the past, and words of a note.
const LONG_CHAT: usize = 20;
const LONG_NOTE: usize = 100;
/// At most this many tickets get files.
const MAX_WITH_FILES: usize = 24;

/// What to create.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub tickets: u32,
    /// The same seed creates the same data.
    pub seed: u64,
    /// How many of them the last weeks have at most. If there are many more, the others are of
    /// the past.
    pub recent: u32,
}

impl Default for Plan {
    fn default() -> Self {
        Self { tickets: DEFAULT_TICKETS, seed: 1, recent: 2_000 }
    }
}

/// Loads sample data into an account, as its oldest member, and reports after each chunk
/// how many tickets are done. After a failure, finished chunks stay.
pub async fn load(app: &App, account_id: i64, plan: &Plan, progress: impl Fn(u32)) -> Result<()> {
    let (run, now) = (token::id()?, app.clock.now());
    let members = app.db.read(move |conn| user::members(conn, account_id)).await?;
    let agent: Agent = members.into_iter().next().ok_or_else(Error::not_found)?.into();
    let actor = Actor::from(&agent);
    let by = actor.clone();
    let (form_key, widget_key) = (token::id()?, token::id()?);
    let named = run.clone();
    let open = move |conn: &mut Connection| {
        let form = form::add(conn, &by, "Contact form (sample)", &form_key, now)?;
        let widget = widgets::add(conn, &by, "Our shop (sample)", &widget_key, now)?;
        let sample = Sample { run: named.clone(), account_id, form_id: form.id, widget_id: widget.id, tickets: 0 };
        samples::add(conn, &sample)?;
        Ok((form, widget))
    };
    let (form, widget) = app.db.write(open).await?;
    let past = past::size(plan);
    let period = TimeDelta::days(RECENT_DAYS);
    // The newest is an hour old.
    let from = now - TimeDelta::hours(1) - period;
    let (actor, seed, widget) = (actor.clone(), plan.seed, widget.id);
    let desk =
        Desk { agent, actor, form, widget, run, seed, from, period, now, indexes: past..plan.tickets, is_past: false };
    if past > 0 {
        past::load(app, &desk, plan, &progress).await?;
    }
    let made = desk.make(app, past..plan.tickets, &progress).await?;
    for number in made.into_iter().take(MAX_WITH_FILES) {
        add_files(app, &desk.actor, number, plan.seed).await?;
    }
    Ok(())
}

/// Pauses now and then.
struct Pauses {
    next: Instant,
}

impl Pauses {
    fn begin() -> Self {
        Self { next: Instant::now() + WORK }
    }

    async fn pause_if_due(&mut self) {
        if Instant::now() >= self.next {
            tokio::time::sleep(PAUSE).await;
            self.next = Instant::now() + WORK;
        }
    }
}

/// Where the data is created, and by whom.
#[derive(Clone)]
struct Desk {
    agent: Agent,
    actor: Actor,
    form: form::Form,
    widget: i64,
    run: String,
    seed: u64,
    /// The tickets of a period are created from here on, evenly.
    from: NaiveDateTime,
    period: TimeDelta,
    /// Nothing happens later.
    now: NaiveDateTime,
    /// Those of the period's tickets.
    indexes: Range<u32>,
    /// Whether nearly everything is done.
    is_past: bool,
}

/// A person who wrote to the shop.
struct Visitor {
    name: String,
    email: String,
    page_url: String,
    country: Option<String>,
}

impl Desk {
    /// Creates tickets with everything that belongs to them, and reports after each chunk how
    /// many are done. Returns the numbers of those to which files may be added.
    async fn make(&self, app: &App, indexes: Range<u32>, progress: impl Fn(u32)) -> Result<Vec<i64>> {
        let (mut made, mut pauses) = (Vec::new(), Pauses::begin());
        for start in indexes.clone().step_by(CHUNK as usize) {
            let end = indexes.end.min(start + CHUNK);
            made.extend(self.make_chunk(app, start..end).await?);
            if ((end - indexes.start) / CHUNK).is_power_of_two() {
                app.db.write(|conn| Ok(copies::gather_statistics(conn)?)).await?;
            }
            progress(end);
            pauses.pause_if_due().await;
        }
        Ok(made)
    }

    async fn make_chunk(&self, app: &App, indexes: Range<u32>) -> Result<Vec<i64>> {
        let desk = self.clone();
        let make = move |conn: &mut Connection| {
            let before = account::find(conn, desk.agent.account_id)?.last_ticket_number;
            let made = indexes.clone().map(|index| desk.make_one(conn, index)).collect::<Result<Vec<_>>>()?;
            let after = account::find(conn, desk.agent.account_id)?.last_ticket_number;
            samples::count(conn, &desk.run, after - before)?;
            Ok(made.into_iter().flatten().collect())
        };
        app.db.write(make).await
    }

    /// Creates one ticket, and returns its number if files may be added to it.
    fn make_one(&self, conn: &mut Connection, index: u32) -> Result<Option<i64>> {
        let mut rng = Rng::with_seed(self.seed.wrapping_mul(1_000_003).wrapping_add(index.into()));
        let topic = &TOPICS[rng.usize(..TOPICS.len())];
        let visitor = visitor(&mut rng);
        // The oldest first.
        let (nth, count) = (i64::from(index - self.indexes.start), i64::from(self.indexes.end - self.indexes.start));
        let at = self.from + TimeDelta::seconds(self.period.num_seconds() * nth / count)
            - TimeDelta::minutes(rng.i64(0..40));
        if !self.is_past && rng.u32(..5) == 0 {
            // A conversation or submission without a ticket.
            let (other, id) = (self::visitor(&mut rng), self.id("other", index));
            if rng.bool() {
                self.conversation(conn, &mut rng, &id, topic, &other, at)?;
            } else {
                self.submission(conn, &mut rng, &id, topic, &other, at)?;
            }
        }
        let source = self.source(conn, &mut rng, index, topic, &visitor, at)?;
        let Some(number) = self.ticket(conn, &mut rng, index, topic, &visitor, source.clone(), at)? else {
            return Ok(None);
        };
        self.work_on(conn, &mut rng, topic, number, at)?;
        if let Some(Source { kind: SourceKind::Chat, id }) = source
            && id.starts_with("chat")
            && !self.is_past
            && rng.u32(..12) == 0
        {
            conversations::trash::delete(conn, &self.actor, &id, self.now)?;
        }
        if !self.is_past && rng.u32(..25) == 0 {
            tickets::trash::delete(conn, &self.actor, number, self.now)?;
            return Ok(None);
        }
        Ok(Some(number))
    }

    fn id(&self, word: &str, index: u32) -> String {
        format!("{word}-{}-{index}", self.run)
    }

    /// Most tickets come from a conversation or a submission here; some come from another
    /// system, and some have no source.
    fn source(
        &self,
        conn: &mut Connection,
        rng: &mut Rng,
        index: u32,
        topic: &Topic,
        visitor: &Visitor,
        at: NaiveDateTime,
    ) -> Result<Option<Source>> {
        let source = match (rng.u32(..10), self.is_past) {
            (0, _) | (9, true) => return Ok(None),
            (1, _) | (2..=6, true) => Source { kind: SourceKind::Chat, id: self.id("crm", index) },
            (2..=6, false) | (7, true) => {
                let id = self.id("chat", index);
                self.conversation(conn, rng, &id, topic, visitor, at)?;
                Source { kind: SourceKind::Chat, id }
            }
            _ => {
                let id = self.id("form", index);
                self.submission(conn, rng, &id, topic, visitor, at)?;
                Source { kind: SourceKind::Form, id }
            }
        };
        Ok(Some(source))
    }

    fn conversation(
        &self,
        conn: &mut Connection,
        rng: &mut Rng,
        id: &str,
        topic: &Topic,
        visitor: &Visitor,
        at: NaiveDateTime,
    ) -> Result<()> {
        let person = Actor::visitor(self.agent.account_id, &visitor.name);
        let new = NewConversation {
            id: id.to_owned(),
            visitor_name: visitor.name.clone(),
            visitor_email: visitor.email.clone(),
            page_url: Some(visitor.page_url.clone()),
            country: visitor.country.clone(),
            status: ConversationStatus::Open,
            // Not a real hash, so no secret matches it.
            chat: Some(Chat { widget_id: self.widget, visitor_hash: id.to_owned() }),
            submission_id: None,
        };
        conversation::create(conn, &person, &new, at)?;
        let mut time = at;
        let others = TOPICS.iter().flat_map(|other| other.chat);
        let lines = if self.is_past { LONG_CHAT } else { topic.chat.len() };
        for (index, line) in topic.chat.iter().chain(others).take(lines).enumerate() {
            let (by, message) = match index % 2 {
                0 => (&person, NewMessage::of_visitor((*line).to_owned(), None, time)),
                _ => (&self.actor, NewMessage::reply(&self.agent.name, (*line).to_owned(), time)),
            };
            messages::post(conn, by, id, &message)?;
            time += TimeDelta::seconds(rng.i64(20..240));
        }
        if self.is_past || rng.u32(..3) > 0 {
            conversation::set_status(conn, &self.actor, id, ConversationStatus::Closed, time)?;
        }
        Ok(())
    }

    fn submission(
        &self,
        conn: &mut Connection,
        rng: &mut Rng,
        id: &str,
        topic: &Topic,
        visitor: &Visitor,
        at: NaiveDateTime,
    ) -> Result<()> {
        let mut fields = vec![
            ("name".to_owned(), visitor.name.clone()),
            ("email".to_owned(), visitor.email.clone()),
            ("topic".to_owned(), topic.tags[0].to_owned()),
            ("message".to_owned(), topic.chat[0].to_owned()),
        ];
        if rng.u32(..30) == 0 {
            fields.push(("_gotcha".into(), "http://cheap.example".into()));
        }
        let parsed = Parsed::new(fields)?;
        let from = Origin { page_url: Some(visitor.page_url.clone()), country: visitor.country.clone() };
        let person = Actor::visitor(self.agent.account_id, &visitor.name);
        submission::add(conn, &person, &self.form, id, &parsed, &from, at).map(drop)
    }

    #[allow(clippy::too_many_arguments)]
    fn ticket(
        &self,
        conn: &mut Connection,
        rng: &mut Rng,
        index: u32,
        topic: &Topic,
        visitor: &Visitor,
        source: Option<Source>,
        at: NaiveDateTime,
    ) -> Result<Option<i64>> {
        let notes = match (self.is_past, rng.bool()) {
            (true, _) => long_notes(rng, topic),
            (false, true) => topic.notes.to_owned(),
            (false, false) => String::new(),
        };
        let new = NewTicket {
            title: Title::parse(topic.titles[rng.usize(..topic.titles.len())])?,
            notes: Notes::parse(&notes)?,
            source,
            requester_name: visitor.name.clone(),
            requester_email: visitor.email.clone(),
            request_id: self.id("sample", index),
            another: false,
            keeps_copy: false,
        };
        match create::create(conn, &self.actor, &new, at + TimeDelta::minutes(15))? {
            Outcome::Ticket(number) => Ok(Some(number)),
            Outcome::SourceHasTickets(_) | Outcome::RequestUsed(_) => Ok(None),
        }
    }

    fn work_on(
        &self,
        conn: &mut Connection,
        rng: &mut Rng,
        topic: &Topic,
        number: i64,
        at: NaiveDateTime,
    ) -> Result<()> {
        let actor = &self.actor;
        let mut time = at + TimeDelta::minutes(20);
        let mut later = |rng: &mut Rng| {
            // Towards now, but never there.
            let most = (self.now - time).min(TimeDelta::minutes(2000)).num_seconds();
            time += TimeDelta::seconds(most * rng.i64(1..40) / 100);
            time
        };
        let names = topic.tags.iter().map(ToString::to_string).collect();
        tags::change(conn, actor, number, &names, &BTreeSet::new(), later(rng))?;
        if rng.u32(..3) > 0 {
            change::set_assignee(conn, actor, number, Some(self.agent.id), later(rng))?;
        }
        let stage = rng.u32(..10);
        if stage > 2 {
            change::set_status(conn, actor, number, Status::InProgress, None, later(rng))?;
            notes::append(conn, actor, number, topic.followup, self.agent.zone, later(rng))?;
        }
        if stage > 4 {
            change::set_status(conn, actor, number, Status::Closed, None, later(rng))?;
        }
        if stage == 9 {
            change::set_status(conn, actor, number, Status::InProgress, None, later(rng))?;
            notes::append(
                conn,
                actor,
                number,
                "They wrote again, so this is open once more.",
                self.agent.zone,
                later(rng),
            )?;
        }
        if self.is_past && !matches!(stage, 5..=8) && rng.u32(..30) > 0 {
            change::set_status(conn, actor, number, Status::Closed, None, later(rng))?;
        }
        Ok(())
    }
}

/// What several people have noted over time.
fn long_notes(rng: &mut Rng, topic: &Topic) -> String {
    let mut notes = format!("Order {}.\n{}", rng.u32(100_000..1_000_000), topic.notes);
    while notes.split_whitespace().count() < LONG_NOTE {
        let other = &TOPICS[rng.usize(..TOPICS.len())];
        notes = [&notes, "\n\n", other.notes, "\n", other.followup].concat();
    }
    notes
}

fn visitor(rng: &mut Rng) -> Visitor {
    let first = FIRST_NAMES[rng.usize(..FIRST_NAMES.len())];
    let last = LAST_NAMES[rng.usize(..LAST_NAMES.len())];
    let plain = format!("{first}.{last}").replace('ı', "i");
    let address: String = DecomposingNormalizerBorrowed::new_nfd()
        .normalize(&plain)
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '.')
        .collect();
    // Not every visitor gives a name or an address.
    let name = if rng.u32(..8) == 0 { String::new() } else { format!("{first} {last}") };
    let email = if rng.u32(..6) == 0 { String::new() } else { format!("{}@example.com", address.to_lowercase()) };
    let country = (rng.u32(..5) > 0).then(|| COUNTRIES[rng.usize(..COUNTRIES.len())].to_owned());
    Visitor { name, email, page_url: PAGES[rng.usize(..PAGES.len())].to_owned(), country }
}

/// About half of the tickets get a picture or a text.
async fn add_files(app: &App, actor: &Actor, number: i64, seed: u64) -> Result<()> {
    let mut rng = Rng::with_seed(seed ^ number.unsigned_abs());
    let (name, bytes) = match rng.u32(..9) {
        0 | 1 => ("Screenshot of the page.png", picture(&mut rng, ImageFormat::Png)?),
        2 => ("Photo of the parcel.jpg", picture(&mut rng, ImageFormat::Jpeg)?),
        3 => ("orders.csv", b"order;date;total\n1041;2026-10-02;49.90\n1042;2026-10-03;129.00\n".to_vec()),
        4 => ("What they said on the phone.txt", "Called at noon. Prefers a refund over a voucher.\n".into()),
        _ => return Ok(()),
    };
    match upload::keep(app, actor, number, name, bytes).await {
        Ok(_) => Ok(()),
        Err(Failure::Failed(error)) => Err(error),
        Err(Failure::Rejected(rejection)) => Err(Error::internal("sample file", rejection.message)),
    }
}

/// A page as a screenshot might show it: a header, some lines, a box.
fn picture(rng: &mut Rng, format: ImageFormat) -> Result<Vec<u8>> {
    let (width, height, hue) = (960, 600, rng.u8(60..200));
    let image = RgbImage::from_fn(width, height, |x, y| match (x, y) {
        (_, 0..56) => Rgb([40, 50, hue]),
        (60..900, 120..150) | (60..700, 180..200) | (60..760, 220..240) | (60..520, 260..280) => Rgb([205, 210, 220]),
        (60..460, 340..520) => Rgb([250, 225, hue]),
        _ => Rgb([247, 247, 250]),
    });
    let mut bytes = Cursor::new(Vec::new());
    let written = DynamicImage::from(image).write_to(&mut bytes, format);
    written.map_err(|source| Error::internal("sample picture", source))?;
    Ok(bytes.into_inner())
}
