//! Compares counters and search indexes with the rows, and runs the engine's own check.

use super::Check;
use crate::accounts::account;
use crate::attachments::inventory;
use crate::conversations::inventory as conversations;
use crate::conversations::inventory::{NotFound, Place};
use crate::db;
use crate::db::index::Index;
use crate::db::{Connection, index, ticket_index};
use crate::error::Result;
use crate::submissions::submission;
use crate::tickets::ticket::Ticket;
use crate::tickets::{counts, search, ticket};
use crate::values::chunk::Chunk;

/// Rows compared at a time.
const CHUNK: i64 = 200;

/// Checks the counters of every account.
pub(super) async fn counts(check: &mut Check<'_>) -> Result<()> {
    let repair = check.repair;
    for account_id in check.app.db.scan(account::ids).await? {
        // A write transaction, which blocks changes to the counters.
        let compare = move |conn: &mut Connection| compare(conn, account_id, repair);
        for what in check.app.db.write(compare).await? {
            check.repairable(&format!("account {account_id}: {what}"), "recounted");
        }
        let mut place = 0;
        loop {
            let look = move |conn: &mut Connection| conversations::recount(conn, account_id, place, CHUNK, repair);
            let Chunk { wrong, next } = check.app.db.write(look).await?;
            for what in wrong {
                check.repairable(&format!("account {account_id}: {what}"), "recounted");
            }
            let Some(next) = next else { break };
            place = next;
        }
    }
    Ok(())
}

fn compare(conn: &mut Connection, account_id: i64, repair: bool) -> Result<Vec<String>> {
    account::lock(conn, account_id)?;
    let mut wrong = counts::recount(conn, account_id, repair)?;
    wrong.extend(inventory::recount(conn, account_id, repair)?);
    Ok(wrong)
}

/// Checks the search indexes.
pub(super) async fn search(check: &mut Check<'_>) -> Result<()> {
    let mut last = 0;
    loop {
        let rows = check.app.db.scan(move |conn| ticket::listed_after(conn, last, CHUNK)).await?;
        let Some(newest) = rows.last() else { break };
        last = newest.id;
        check.outcome.tickets += rows.len();
        let suspects = check.app.db.scan(move |conn| not_indexed(conn, rows)).await?;
        for ticket in suspects {
            self::ticket(check, ticket).await?;
        }
    }
    messages(check).await?;
    submissions(check).await?;
    terms_without_row(check).await
}

/// Checks the search index of messages.
async fn messages(check: &mut Check<'_>) -> Result<()> {
    let (repair, mut place) = (check.repair, Place::default());
    loop {
        let look = move |conn: &mut Connection| conversations::reindex_after(conn, place, CHUNK, repair);
        let Chunk { wrong, next } = check.app.db.write(look).await?;
        for NotFound { conversation, position } in wrong {
            let what = format!("message {position} of conversation {conversation} is missing from the search index");
            check.repairable(&what, "indexed again");
        }
        let Some(next) = next else { return Ok(()) };
        place = next;
    }
}

/// Checks the search index of submissions.
async fn submissions(check: &mut Check<'_>) -> Result<()> {
    let (repair, mut place) = (check.repair, 0);
    loop {
        let look = move |conn: &mut Connection| submission::reindex_after(conn, place, CHUNK, repair);
        let Chunk { wrong, next } = check.app.db.write(look).await?;
        for id in wrong {
            check.repairable(&format!("submission {id} is missing from the search index"), "indexed again");
        }
        let Some(next) = next else { return Ok(()) };
        place = next;
    }
}

/// Checks for index entries whose rows are in the trash or gone.
async fn terms_without_row(check: &mut Check<'_>) -> Result<()> {
    for id in check.app.db.scan(|conn| Ok(ticket_index::strays(conn)?)).await? {
        if check.repair {
            check.app.db.write(move |conn| search::forget(conn, id)).await?;
        }
        check.repairable(&format!("the search index contains ticket {id}, which is deleted"), "removed");
    }
    for (index, what) in [(Index::Messages, "message"), (Index::Submissions, "submission")] {
        for id in check.app.db.scan(move |conn| Ok(index::stray_terms(conn, index)?)).await? {
            if check.repair {
                check.app.db.write(move |conn| Ok(index::forget_terms(conn, index, id)?)).await?;
            }
            check.repairable(&format!("the search index contains {what} {id}, which is deleted"), "removed");
        }
    }
    Ok(())
}

fn not_indexed(conn: &mut Connection, rows: Vec<Ticket>) -> Result<Vec<Ticket>> {
    let mut suspects = Vec::new();
    for ticket in rows {
        if !search::is_indexed(conn, &ticket)? {
            suspects.push(ticket);
        }
    }
    Ok(suspects)
}

/// Checks a ticket again while it is locked.
async fn ticket(check: &mut Check<'_>, ticket: Ticket) -> Result<()> {
    let (repair, account_id, number) = (check.repair, ticket.account_id, ticket.number);
    let still_wrong = check.app.db.write(move |conn| {
        let Some(ticket) = ticket::if_there(ticket::lock(conn, account_id, number))? else { return Ok(false) };
        let wrong = !search::is_indexed(conn, &ticket)?;
        if wrong && repair {
            search::reindex_all(conn, &ticket)?;
        }
        Ok(wrong)
    });
    if still_wrong.await? {
        check.repairable(
            &format!("ticket #{number} of account {account_id} is missing from the search index"),
            "indexed again",
        );
    }
    Ok(())
}

/// Runs the database engine's own check.
pub(super) async fn engine(check: &mut Check<'_>) -> Result<()> {
    for damage in check.app.db.scan(|conn| Ok(db::damage(conn)?)).await? {
        check.wrong(&format!("the database is damaged: {damage}"));
    }
    Ok(())
}
