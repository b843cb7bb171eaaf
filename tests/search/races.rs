//! What changes while its words are put into the search index. On Postgres, many transactions run at
//! once; on SQLite, one after the other.

use super::new_ticket;
use crate::conversations::mails::mailing_owner;
use crate::support::chat::Visitor;
use crate::support::smtp::MailServer;
use crate::support::{Person, TestApp, until_awaited};
use crate::upkeep::check::check;
use crate::upkeep::notices::with_mail;
use diesel::prelude::*;
use docket::clock::EXPIRED;
use docket::conversations::{conversation, erase, inventory};
use docket::db::index::Index;
use docket::db::schema::{source_copies, tickets};
use docket::db::{Connection, index, without_time_limit};
use docket::error::Result;
use docket::submissions::submission;
use docket::tickets::create::{NewTicket, create};
use docket::tickets::source::{Source, SourceKind};
use docket::tickets::{search, source_copy, ticket};
use docket::upkeep::worker;
use docket::{conversations, submissions};
use serde_json::json;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::Notify;

/// Runs `change` in a transaction that stays open until `other`, which begins after it, waits for it.
async fn meanwhile<F, T>(app: &TestApp, mut change: F, other: impl Future<Output = T>) -> T
where
    F: FnMut(&mut Connection) -> Result<()> + Send + 'static,
{
    let changed = Arc::new(Notify::new());
    let then = changed.clone();
    let whole = move |conn: &mut Connection| {
        change(conn)?;
        changed.notify_one();
        until_awaited(conn);
        Ok(())
    };
    let other = async {
        then.notified().await;
        other.await
    };
    let (done, answer) = tokio::join!(without_time_limit(app.app.db.write(whole)), other);
    done.unwrap();
    let (outcome, lines) = check(app, false).await;
    assert_eq!(outcome.found, 0, "{lines:?}");
    answer
}

/// The row of the newest conversation.
async fn newest_conversation(app: &TestApp, owner: &Person) -> conversation::Conversation {
    let (id, account) = (owner.get("/conversations").await.id_below("/conversations/"), owner.id);
    app.app.db.read(move |conn| conversation::get(conn, account, &id)).await.unwrap()
}

async fn newest_submission(app: &TestApp, owner: &Person) -> submission::Submission {
    let (id, account) = (owner.newest_submission().await, owner.id);
    app.app.db.read(move |conn| submission::get(conn, account, &id)).await.unwrap()
}

#[actix_web::test]
async fn what_is_erased_while_the_index_is_built_is_not_found() {
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    vera.write("rhubarb").await.expect(201);
    let conversation::Conversation { seq, id, .. } = newest_conversation(&app, &owner).await;
    owner.make_ticket_of(&[("title", "Pie"), ("conversationId", &id)]).await;
    let start = |conn: &mut Connection| {
        let ticket = tickets::table.select(tickets::id).first(conn)?;
        search::forget(conn, ticket)?;
        Ok(index::set_version(conn, 0)?)
    };
    app.app.db.write(start).await.unwrap();
    app.numbered().await;
    let build = worker::run_due(&app.app);
    meanwhile(&app, move |conn| erase::message(conn, seq, 1).map(drop), build).await.unwrap();
    owner.get("/conversations?q=rhubarb").await.expect(200).expect_no_text("Vera");
    assert_eq!(owner.list("q=rhubarb").await, [0; 0]);

    vera.write("rhubarb again").await.expect(201);
    let build = app.app.db.write(|conn| inventory::index_after(conn, inventory::Place::default(), 10));
    meanwhile(&app, move |conn| erase::message(conn, seq, 2).map(drop), build).await.unwrap();
    owner.get("/conversations?q=rhubarb").await.expect(200).expect_no_text("Vera");
}

#[actix_web::test]
async fn what_is_purged_while_the_index_is_built_leaves_no_words() {
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    let form = owner.make_form("Contact").await;
    vera.write("rhubarb").await.expect(201);
    app.stranger().visit(&form, &[("message", "rhubarb")]).await.expect(303);
    let conversation = newest_conversation(&app, &owner).await.seq;
    let submission = newest_submission(&app, &owner).await.seq;
    let now = app.app.clock.now();
    // The index is written first, and the purge waits for it.
    let expire = move |conn: &mut Connection| {
        submissions::trash::expire(conn, &[submission])?;
        // As if the words were not indexed yet.
        Ok(index::forget_terms(conn, Index::Submissions, submission)?)
    };
    app.app.db.write(expire).await.unwrap();
    let purge = app.app.db.write(move |conn| submissions::trash::forget_old(conn, EXPIRED, 10, now));
    let index = |conn: &mut Connection| submission::index_after(conn, 0, 10).map(drop);
    assert_eq!(meanwhile(&app, index, purge).await.unwrap(), 1);

    let expire = move |conn: &mut Connection| {
        conversations::trash::expire(conn, &[conversation])?;
        Ok(index::forget_terms(conn, Index::Messages, index::message_id(conversation, 1))?)
    };
    app.app.db.write(expire).await.unwrap();
    let purge = app.app.db.write(move |conn| {
        conversations::trash::forget_old(conn, EXPIRED, 10, now)?;
        conversations::trash::forget_old(conn, EXPIRED, 10, now)
    });
    let index = |conn: &mut Connection| inventory::index_after(conn, inventory::Place::default(), 10).map(drop);
    assert_eq!(meanwhile(&app, index, purge).await.unwrap(), 1);
}

#[actix_web::test]
async fn a_source_stays_as_it_is_while_a_ticket_is_created_from_it() {
    let server = MailServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let owner = mailing_owner(&app).await;
    let vera = Visitor::new(&app.base, &owner.make_widget("Shop").await);
    let form = owner.make_form("Contact").await;
    app.stranger().visit(&form, &[("email", "zoe@visitor.example"), ("message", "rhubarb")]).await.expect(303);
    let sent = format!("/submissions/{}", newest_submission(&app, &owner).await.id);
    owner.post(&format!("{sent}/messages"), &[("body", "We do.")]).await.expect(303);
    let answer = format!("/conversations/{}", newest_conversation(&app, &owner).await.id);
    vera.write("celery").await.expect(201);
    let chat = vera.conversation(&owner).await;

    let actor = app.actor(&owner).await;
    let now = app.app.clock.now();
    let create_from = |kind: SourceKind, id: &str| {
        let source = Source { kind, id: id.to_owned() };
        let new = NewTicket { source: Some(source), another: true, ..new_ticket("Pie", "").unwrap() };
        let actor = actor.clone();
        move |conn: &mut Connection| create(conn, &actor, &new, now).map(drop)
    };
    let form = sent.rsplit('/').next().unwrap();
    let write = vera.write("leek");
    meanwhile(&app, create_from(SourceKind::Chat, &chat), write).await.expect(201);
    assert_eq!(owner.list("q=leek").await, [1]);
    let (reply, delete) = (format!("{answer}/messages"), format!("{sent}/delete"));
    let reply = owner.post(&reply, &[("body", "parsley")]);
    meanwhile(&app, create_from(SourceKind::Form, form), reply).await.expect(303);
    assert_eq!(owner.list("q=parsley").await, [2]);
    let delete = owner.post(&delete, &[]);
    meanwhile(&app, create_from(SourceKind::Form, form), delete).await.expect(303);
    assert_eq!(owner.list("q=rhubarb").await, [0; 0]);

    // Whoever deletes what was sent keeps messages away until it is deleted.
    owner.post(&format!("{sent}/restore"), &[]).await.expect(303);
    assert_eq!(owner.list("q=rhubarb").await.len(), 2);
    let (id, by) = (form.to_owned(), actor.clone());
    let delete = move |conn: &mut Connection| submissions::trash::delete(conn, &by, &id, now).map(drop);
    let reply = format!("{answer}/messages");
    meanwhile(&app, delete, owner.post(&reply, &[("body", "chervil")])).await.expect(303);
    assert_eq!(owner.list("q=chervil").await, [0; 0]);
    let (id, by) = (form.to_owned(), actor.clone());
    let restore = move |conn: &mut Connection| submissions::trash::restore(conn, &by, &id, now);
    meanwhile(&app, restore, owner.post(&reply, &[("body", "lovage")])).await.expect(303);
    assert_eq!(owner.list("q=chervil").await.len(), 2);
    assert_eq!(owner.list("q=lovage").await.len(), 2);
}

#[actix_web::test]
async fn of_two_who_delete_a_source_one_does() {
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    let form = owner.make_form("Contact").await;
    app.stranger().visit(&form, &[("message", "rhubarb")]).await.expect(303);
    vera.write("celery").await.expect(201);
    let (chat, sent) = (vera.conversation(&owner).await, newest_submission(&app, &owner).await.id);
    let (actor, now) = (app.actor(&owner).await, app.app.clock.now());
    let paths = [format!("/conversations/{chat}/delete"), format!("/submissions/{sent}/delete")];
    let by = actor.clone();
    let delete = move |conn: &mut Connection| conversations::trash::delete(conn, &by, &chat, now).map(drop);
    meanwhile(&app, delete, owner.post(&paths[0], &[])).await.expect(404);
    let delete = move |conn: &mut Connection| submissions::trash::delete(conn, &actor, &sent, now).map(drop);
    meanwhile(&app, delete, owner.post(&paths[1], &[])).await.expect(404);
}

#[actix_web::test]
async fn two_people_are_erased_from_one_copy() {
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    vera.write("celery").await.expect(201);
    let chat = vera.conversation(&owner).await;
    owner.make_ticket_of(&[("title", "Pie"), ("conversationId", &chat), ("keepCopy", "1")]).await;
    let addresses = ["ana@visitor.example", "zoe@visitor.example"];
    let line =
        |author: &str| json!({ "author": author, "from_agent": false, "body": author, "at": "2026-11-28T10:00:00" });
    let copy = json!({ "lines": addresses.map(line) }).to_string();
    let write = move |conn: &mut Connection| {
        let id: i64 = source_copies::table.select(source_copies::ticket_id).first(conn)?;
        diesel::update(source_copies::table).set(source_copies::data.eq(&copy)).execute(conn)?;
        let ticket = ticket::by_id(conn, id)?;
        search::reindex_all(conn, &ticket)?;
        Ok(id)
    };
    let id = app.app.db.write(write).await.unwrap();
    let erase = |address: &str| {
        let addresses = [address.to_owned()];
        move |conn: &mut Connection| {
            source_copy::erase_from(conn, id, &addresses)?;
            let ticket = ticket::by_id(conn, id)?;
            search::reindex_all(conn, &ticket)
        }
    };
    meanwhile(&app, erase(addresses[0]), app.app.db.write(erase(addresses[1]))).await.unwrap();
    let left = |conn: &mut Connection| Ok(source_copies::table.select(source_copies::data).first::<String>(conn)?);
    let left = app.app.db.read(left).await.unwrap();
    assert!(!left.contains("@visitor.example"), "{left}");
}
