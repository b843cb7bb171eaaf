//! Docket: support tickets on top of chats and forms, in one binary.
//!
//! This page is the map. Read it first.
//!
//! # The folders
//!
//! Domain modules hold rules and rows. They know neither HTTP nor HTML.
//!
//! | where | what |
//! | --- | --- |
//! | [`accounts`] | accounts, users, roles, sessions, failed sign-ins, API keys, invitations; `role.rs` decides who may do what |
//! | [`tickets`] | tickets: status, notes, tags, history, lists, saved views, changes of many, search |
//! | [`attachments`] | files on tickets |
//! | [`source_files`] | files of messages and submissions |
//! | [`validation`] | what every file goes through: its type, its content, the virus scanner, its thumbnail |
//! | [`conversations`] | chats with visitors: widgets, conversations, messages |
//! | [`submissions`] | forms on websites, and what visitors send through them |
//! | [`contacts`] | people outside the team, by email address |
//! | [`events`] | the record of what happens: `event.rs` lists what can happen, `record.rs` writes it, `feed.rs` reads it in order, `actor.rs` names who caused it |
//! | [`figures`] | numbers for reports, kept while things happen: counts by week, durations in buckets |
//! | [`jobs`] | background jobs: `queue.rs` says who does them next |
//! | [`search`] | what texts are searched for by: `fold.rs` says what is the same, `units.rs` splits texts, `terms.rs` says what the index holds, `query.rs` reads queries |
//! | [`live`] | events for open pages, and who is viewing what |
//! | [`mail`] | mail over SMTP; reading answers, from a mailbox, too |
//! | [`db`] | `read` and `write` on SQLite or Postgres; what differs is in `sqlite.rs`, `postgres.rs`, `index.rs`, `ticket_index.rs`, `stored_words.rs`, `held_words.rs` and `order.rs`; `job.rs` and `connection.rs` take the types off jobs and queries, so that they compile quickly; `progress.rs` bounds how long a request waits, `commit.rs` finds out what became of a commit; `portable/` takes all rows out and puts them in |
//! | [`storage`] | the bytes of files: a folder, S3, or memory |
//! | [`limits`] | rates, places, memory, pace, password hashing |
//! | [`values`] | text, email addresses, tokens, times, networks and pages of lists |
//! | [`app`], [`config`], [`clock`], [`metrics`], [`private`], [`error`] | the parts of a running program; settings; the time; numbers for monitoring; private folders; the error type |
//!
//! Interfaces are thin and use the domain modules.
//!
//! | where | what |
//! | --- | --- |
//! | [`server`], [`listener`], [`routes`], [`endpoint`], [`gate`] | start the server; accept connections; list every page; describe one address; check who may use it |
//! | [`web`] | HTTP for all interfaces: forms, layout, errors, origin check, assets |
//! | [`files`] | files over HTTP, for pages and API: receive, serve, pack |
//! | [`desk`] | pages for the team |
//! | [`public`] | what websites and visitors use: forms, chat, their hosted pages, health |
//! | [`api`] | `/api/v1` for other programs |
//! | [`cli`] | the command line |
//!
//! [`upkeep`] does the jobs ([`upkeep::worker`]: mail to the team and to visitors, removing old data,
//! erasing people, changes of many tickets, numbers of another time zone), checks, makes and restores
//! backups ([`upkeep::backup`]), and creates sample data.
//!
//! An interface calls domain modules. Domain modules call one another through
//! functions that take a connection, and never call an interface. No file or folder
//! uses one that uses it; `tests/house.rs` checks that. `templates/`, `static/` and
//! `tests/` use the same nouns.
//!
//! # How a request flows
//!
//! [`web::connection`] reads one request at a time. [`web::flow`] gives it a share of
//! the memory and a minimum speed for its body. [`routes::table`] finds the handler.
//! [`gate`] checks the origin, the session or key, and the role. The handler in `desk`,
//! `public` or `api` reads the form or JSON into a struct and calls a domain function
//! inside [`db::Db::read`] or `App::write_as`, which checks the rights again in the
//! same transaction ([`accounts::rights`]). It responds with a page, JSON or a `303`.
//! [`web::answer`] turns an error into a page or JSON.
//!
//! The domain function that changes a row also records an event in the same transaction
//! ([`events::record`]). Handlers announce nothing. Readers go through the events in the
//! order of their numbers: the history of a ticket, and [`live`], which passes them on to
//! open pages ([`desk::live`]) and to the streams of visitors. What follows outside the
//! database is a job: [`upkeep::notices::plan`] reads the events and adds one for each mail,
//! in the transaction that moves its cursor, and [`upkeep::worker`] of any instance claims it
//! ([`jobs::queue`]), tries it until it succeeds, or gives it up where admins see it.
//!
//! Answers by email come in over HTTP ([`public::inbound`]) and from a mailbox
//! ([`upkeep::mailbox`]). Both hand them to [`upkeep::incoming`], which stores their files and lets
//! [`conversations::mail_answers`] find the conversation by the token. Files of messages are stored
//! first ([`source_files::keep`]); the transaction of the message claims them.
//!
//! # What always holds
//!
//! 1. **Nobody reaches another account's row.** Every function that loads a row takes
//!    the account. What is out of reach is *not found*.
//! 2. **A ticket is created on purpose**, by [`tickets::create::create`], which only
//!    `POST /tickets`, the same in the API and the sample data call. Only sample data has
//!    copies, too ([`tickets::copies`]). A `GET` changes nothing but how far a user has read.
//! 3. **What was acknowledged is durable.** SQLite runs with `synchronous=FULL`, which
//!    the start verifies; files and their folders are synced.
//! 4. **A ready attachment has its bytes**: see the walk below.
//! 5. **Nothing typed is lost**: versions of notes, drafts in the browser, and forms
//!    that are given back after the session has expired.
//! 6. **A deleted source breaks the link, never the ticket.** A ticket keeps its
//!    source as an opaque id, without a foreign key.
//! 7. **Bytes from clients are never trusted.** Name and content must agree, and a file
//!    is served as the type that was found, in a sandbox.
//! 8. **Work per page does not grow with the table**: keyset paging, an index for
//!    every order, and counts only where a counter is kept.
//! 9. **Every page works without scripts.** The content security policy allows no
//!    inline script or style.
//! 10. **SQLite and Postgres give the same answers.** The same tests run on both.
//!
//! # A walk: a screenshot is dropped on a ticket
//!
//! `static/js/upload.js` sends it to `POST /tickets/12/attachments`.
//! [`files::receive`] reads the part up to 5 MB, in one of a bounded number of places.
//! [`attachments::upload::keep`] cleans the name, lets [`validation`]
//! compare name and content and decode the picture when there is memory for it, and
//! [`validation::thumbnail`] shrinks it. [`attachments::reserve::reserve`] writes a row
//! that nobody sees yet: it owns the key `tickets/<account>/<milliseconds>.png` and counts
//! in the account's quota. The bytes are stored under that key and synced, then the
//! thumbnail. [`attachments::reserve::make_ready`] shows the row, records the
//! event and updates the search index, in one transaction. A crash before that leaves
//! a reservation, which [`upkeep::janitor`] clears and [`upkeep::check`] finds.

pub mod accounts;
pub mod api;
pub mod app;
pub mod attachments;
pub mod cli;
pub mod clock;
pub mod config;
pub mod contacts;
pub mod conversations;
pub mod db;
pub mod desk;
pub mod endpoint;
pub mod error;
pub mod events;
pub mod figures;
pub mod files;
pub mod gate;
pub mod jobs;
pub mod limits;
pub mod listener;
pub mod live;
pub mod mail;
pub mod metrics;
pub mod private;
pub mod public;
pub mod routes;
pub mod search;
pub mod server;
pub mod source_files;
pub mod storage;
pub mod submissions;
pub mod tickets;
pub mod upkeep;
pub mod validation;
pub mod values;
pub mod web;
