//! Compares counters and search indexes with the rows, and runs the engine's own check.

use super::Check;
use crate::accounts::account;
use crate::attachments::inventory;
use crate::conversations::inventory as conversations;
use crate::conversations::inventory::NotFound;
use crate::db;
use crate::db::index::Index;
use crate::db::{Connection, index, ticket_index};
use crate::error::Result;
use crate::submissions::submission;
use crate::tickets::{counts, search, source_links, ticket};
use crate::values::chunk::Chunk;

/// Rows compared at a time.
const CHUNK: i64 = 200;
/// Texts that one transaction checks again.
const AGAIN: usize = 200;

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

/// Checks the search indexes. A text that seems wrong is checked again before it is reported, because
/// the server may have changed it meanwhile.
pub(super) async fn search(check: &mut Check<'_>) -> Result<()> {
    let (count, suspects) = check.app.db.scan(|conn| search::not_indexed(conn, CHUNK)).await?;
    check.outcome.tickets += count;
    for (account_id, number) in suspects {
        ticket(check, account_id, number).await?;
    }
    messages(check).await?;
    submissions(check).await?;
    terms_without_row(check).await
}

/// Checks the search index of messages.
async fn messages(check: &mut Check<'_>) -> Result<()> {
    let (repair, suspects) = (check.repair, check.app.db.scan(|conn| conversations::not_indexed(conn, CHUNK)).await?);
    for places in suspects.chunks(AGAIN) {
        let places = places.to_vec();
        let look = move |conn: &mut Connection| conversations::check_index(conn, &places, repair);
        for NotFound { conversation, position } in check.app.db.write(look).await? {
            let what = format!("message {position} of conversation {conversation} is missing from the search index");
            check.repairable(&what, "indexed again");
        }
    }
    Ok(())
}

/// Checks the search index of submissions.
async fn submissions(check: &mut Check<'_>) -> Result<()> {
    let (repair, suspects) = (check.repair, check.app.db.scan(|conn| submission::not_indexed(conn, CHUNK)).await?);
    for seqs in suspects.chunks(AGAIN) {
        let seqs = seqs.to_vec();
        let look = move |conn: &mut Connection| submission::check_index(conn, &seqs, repair);
        for id in check.app.db.write(look).await? {
            check.repairable(&format!("submission {id} is missing from the search index"), "indexed again");
        }
    }
    Ok(())
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

/// Checks a ticket again while it is locked.
async fn ticket(check: &mut Check<'_>, account_id: i64, number: i64) -> Result<()> {
    let repair = check.repair;
    let still_wrong = check.app.db.write(move |conn| {
        let Some(ticket) = ticket::if_there(ticket::lock(conn, account_id, number))? else { return Ok(false) };
        source_links::lock(conn, account_id, ticket.source().as_ref())?;
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
