//! Tests from outside: over HTTP, in a real browser, and with a process that is killed.
//! All tests are one binary, so that it links once. `DOCKET_TEST_POSTGRES` is the URL of a
//! Postgres server; without it, every test has its own SQLite database.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

mod accounts;
mod api;
mod attachments;
mod browser;
mod canary;
mod cli;
mod contacts;
mod conversations;
mod db;
mod erasure;
mod events;
mod figures;
mod house;
mod instances;
mod limits;
mod outages;
mod routes;
mod search;
mod source_files;
mod submissions;
mod tickets;
mod upkeep;
mod web;
