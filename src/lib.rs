//! Docket: support tickets on top of chats and forms, in one binary.
//!
//! This page is the map. Read it first.
//!
//! # The rooms
//!
//! | where | what |
//! | --- | --- |
//! | [`cli`], [`config`] | the commands; every setting |
//! | [`server`], [`routes`] | from settings to a server; every address, and who comes through to it |
//! | [`app`], [`clock`] | what handlers may ask for: settings, rows, files, the time |
//! | [`error`] | one error type: a code for scripts, a sentence for people |
//! | [`db`] | `read` and `write` on SQLite or Postgres; what differs is in `db/dialect.rs` alone |
//! | [`storage`] | the bytes of files: a folder, S3, or memory |
//! | [`search`] | the one tokenizer, and the terms by which things are found |
//! | [`live`] | what open pages are told, and who is looking at what |
//! | [`limits`] | how often a network or a key may ask |
//! | [`pace`] | how fast clients must send and read |
//! | [`slots`] | places of which each user and account holds only some |
//! | [`private`] | folders and files that only this system user can read |
//! | [`mail`] | mail to the team over SMTP |
//! | [`web`] | what all pages share: frame and links, forms, errors, paging, origin check, assets |
//! | [`people`] | accounts, users, roles, sessions, invitations; `access.rs` decides who may do what |
//! | [`tickets`] | tickets: rules, rows, notes, tags, history, search, pages |
//! | [`attachments`] | files on tickets: what is taken, kept and served |
//! | [`conversations`] | chats with visitors: the bubble on websites, the inbox |
//! | [`submissions`] | public forms of websites, and what visitors send through them |
//! | [`api`] | `/api/v1`: the desk for other programs |
//! | [`upkeep`] | first start, health, clearing up, checking, mails that tell the team, sample data |
//!
//! `templates/`, `static/` and `tests/` use the same nouns.
//!
//! # How a request goes
//!
//! [`web::connection`] reads one request at a time; [`web::flow`] gives it a share
//! of the memory and a pace for its body.
//! [`routes::table`] finds its line. [`people::gate`] looks at where it comes
//! from, who is signed in and whether they may. The handler in `pages` reads
//! what was sent into a type, calls one function of a `store` inside
//! [`db::Db::read`] or `App::write_as`, which checks in its transaction that the
//! user still may ([`people::rights`]), and answers with a page or a `303`.
//! Errors become a page or JSON in [`web::answer`].
//!
//! `pages` know `store`, `store` knows `model`, and never the other way round:
//! `model` knows neither actix nor a connection, `store` knows no actix. A
//! feature uses another one through the functions of its `store`. `db`,
//! `storage`, `web`, `live` and their like know no feature. A test keeps these rules.
//!
//! What a handler has changed it tells to [`live`] through the `news` of its
//! feature; open pages hear it by [`people::stream`] and read themselves anew.
//!
//! # What holds, always
//!
//! 1. **Nobody reaches another account's row.** Every function that loads takes
//!    the account; what is out of reach is *not found*.
//! 2. **A ticket is made on purpose**: by [`tickets::store::create`], which only
//!    `POST /tickets`, its twin of the API and the sample data call. A `GET` changes
//!    nothing but how far a user has read.
//! 3. **What was answered is durable**: SQLite runs with `synchronous=FULL`, read
//!    back at the start; files and their folders are synced.
//! 4. **A ready attachment has its bytes**: see the walk below.
//! 5. **Nothing typed is lost**: versions and revisions of notes, drafts in the
//!    browser, and forms that come in signed out are handed back.
//! 6. **A deleted source breaks the link, never the ticket**: a ticket keeps its
//!    source as an opaque id, without a foreign key.
//! 7. **Bytes from clients are never trusted**: name and content must agree, and
//!    they are served as the type that was found, in a sandbox.
//! 8. **Work per page does not grow with the table**: keyset paging, an index for
//!    every order, counts only where a counter is kept.
//! 9. **Every page works without scripts**; the content security policy allows no
//!    inline script or style.
//! 10. **SQLite and Postgres give the same answers**: the same tests run on both.
//!
//! # A walk: a screenshot is dropped on a ticket
//!
//! `static/js/upload.js` sends it to `POST /tickets/12/attachments`.
//! [`attachments::pages::receive`] reads the part up to 5 MB, in one of a bounded
//! number of places. [`attachments::upload::keep`] cleans the name, has
//! [`attachments::validation`] compare name and content and decode the picture,
//! when there is memory for it, and [`attachments::thumbnail`] shrinks it.
//! [`attachments::store::reserve`] writes a row that nobody sees yet, that owns
//! the key `tickets/<account>/<milliseconds>.png` and counts in the account's
//! quota. The bytes are put under that key and synced, then the thumbnail.
//! [`attachments::store::make_ready`] shows the row, writes the line of history
//! and refreshes what the ticket is found by, in one transaction. A crash before
//! that leaves a reservation, which [`upkeep::janitor`] clears and
//! [`upkeep::check`] finds; a row that is ready always has its bytes.

pub mod api;
pub mod app;
pub mod attachments;
pub mod cli;
pub mod clock;
pub mod config;
pub mod conversations;
pub mod db;
pub mod error;
pub mod limits;
pub mod live;
pub mod mail;
pub mod pace;
pub mod people;
pub mod private;
pub mod routes;
pub mod search;
pub mod server;
pub mod slots;
pub mod storage;
pub mod submissions;
pub mod tickets;
pub mod upkeep;
pub mod web;
