//! Docket: support tickets on top of chats and forms, in one binary.
//!
//! This page is the map. Read it first.
//!
//! # The folders
//!
//! Domain modules: rules and rows. They know neither HTTP nor HTML.
//!
//! | where | what |
//! | --- | --- |
//! | [`accounts`] | accounts, users, roles, sessions, API keys, invitations; `role.rs` decides who may do what |
//! | [`tickets`] | tickets: status, notes, tags, history, list, search |
//! | [`attachments`] | files on tickets: which are taken, how they are kept |
//! | [`conversations`] | chats with visitors: widgets, conversations, messages |
//! | [`submissions`] | forms of websites, and what visitors send through them |
//! | [`search`] | the one tokenizer, and the terms by which things are found |
//! | [`live`] | what open pages are told, and who is looking at what |
//! | [`mail`] | mail to the team over SMTP |
//! | [`db`] | `read` and `write` on SQLite or Postgres; what differs is in `sqlite.rs`, `postgres.rs` and `index.rs` |
//! | [`storage`] | the bytes of files: a folder, S3, or memory |
//! | [`limits`] | how often, how much and how many at once: rates, places, memory, pace |
//! | [`values`] | text, tokens, times, networks and pages of lists, as all of them use them |
//! | [`app`], [`config`], [`clock`], [`private`], [`error`] | what the program consists of; settings; the time; private folders; one error type |
//!
//! Interfaces: thin, over the domain.
//!
//! | where | what |
//! | --- | --- |
//! | [`server`], [`routes`], [`endpoint`], [`gate`] | from settings to a server; every address; one line of them; who comes through to it |
//! | [`web`] | HTTP for all interfaces: forms, layout, errors, origin check, assets |
//! | [`files`] | files over HTTP, as pages and programs send and get them |
//! | [`desk`] | pages for the team |
//! | [`public`] | what websites and visitors reach: forms, chat, health |
//! | [`api`] | `/api/v1` for other programs |
//! | [`cli`] | the commands |
//!
//! [`upkeep`] clears up, checks, tells the team by mail, and makes sample data.
//!
//! An interface calls domain modules; domain modules call one another through
//! functions that take a connection, and call no interface. No folder uses one that
//! uses it. `tests/house.rs` keeps these rules. `templates/`, `static/` and `tests/`
//! use the same nouns.
//!
//! # How a request goes
//!
//! [`web::connection`] reads one request at a time; [`web::flow`] gives it a share
//! of the memory and a pace for its body. [`routes::table`] finds its line.
//! [`gate`] looks at where it comes from, who is signed in and whether they may.
//! The handler in `desk`, `public` or `api` reads what was sent into a type and calls
//! a function of the domain inside [`db::Db::read`] or `App::write_as`, which checks
//! in its transaction that the user still may ([`accounts::rights`]). It answers with a
//! page, JSON or a `303`; errors become a page or JSON in [`web::answer`].
//!
//! What a handler has changed it tells to [`live`] through the `news` of its
//! feature; open pages hear it by [`desk::live`] and read themselves anew.
//!
//! # What holds, always
//!
//! 1. **Nobody reaches another account's row.** Every function that loads takes
//!    the account; what is out of reach is *not found*.
//! 2. **A ticket is made on purpose**: by [`tickets::create::create`], which only
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
//! [`files::receive`] reads the part up to 5 MB, in one of a bounded
//! number of places. [`attachments::upload::keep`] cleans the name, has
//! [`attachments::validation`] compare name and content and decode the picture,
//! when there is memory for it, and [`attachments::thumbnail`] shrinks it.
//! [`attachments::reserve::reserve`] writes a row that nobody sees yet, that owns
//! the key `tickets/<account>/<milliseconds>.png` and counts in the account's
//! quota. The bytes are put under that key and synced, then the thumbnail.
//! [`attachments::reserve::make_ready`] shows the row, writes the line of history
//! and refreshes what the ticket is found by, in one transaction. A crash before
//! that leaves a reservation, which [`upkeep::janitor`] clears and
//! [`upkeep::check`] finds; a row that is ready always has its bytes.

pub mod accounts;
pub mod api;
pub mod app;
pub mod attachments;
pub mod cli;
pub mod clock;
pub mod config;
pub mod conversations;
pub mod db;
pub mod desk;
pub mod endpoint;
pub mod error;
pub mod files;
pub mod gate;
pub mod limits;
pub mod live;
pub mod mail;
pub mod private;
pub mod public;
pub mod routes;
pub mod search;
pub mod server;
pub mod storage;
pub mod submissions;
pub mod tickets;
pub mod upkeep;
pub mod values;
pub mod web;
