//! Tests from outside: over HTTP, in a real browser, and with a process that is killed.
//! All tests are one binary, so that it links once. `DOCKET_TEST_POSTGRES` is the URL of a
//! Postgres server; without it, every test has its own SQLite database.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

mod api;
mod attachments;
mod browser;
mod browser_chat;
mod browser_desk;
mod browser_files;
mod browser_sites;
mod canary;
mod chat;
mod check;
mod commands;
mod conversations;
mod corpus;
mod crashes;
mod db;
mod doors;
mod durability;
mod headers;
mod house;
mod inputs;
mod mail;
mod operating;
mod people;
mod routes;
mod sample;
mod search;
mod submissions;
mod tickets;
mod upgrade;
