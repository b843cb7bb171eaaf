//! Guarantees of the database that no page shows.

mod crashes;
mod durability;
mod engines;
mod upgrade;

use crate::support::{TestApp, config};
use diesel::prelude::*;
use docket::db::Db;
use docket::db::schema::tags;
use docket::error::{Error, Kind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

fn add_tag(account_id: i64, name: String) -> impl FnMut(&mut docket::db::Connection) -> Result<()> + Send + 'static {
    move |conn| {
        diesel::insert_into(tags::table)
            .values((tags::account_id.eq(account_id), tags::name.eq(&name)))
            .execute(conn)?;
        Ok(())
    }
}

async fn names(db: &Db) -> Vec<String> {
    db.read(|conn| Ok(tags::table.select(tags::name).order(tags::id).load(conn)?)).await.unwrap()
}

#[actix_web::test]
async fn a_refused_job_rolls_back_alone() {
    let app = TestApp::start().await;
    let account = app.owner().await.id;
    let db = &app.app.db;
    let jobs = (0..60).map(|index| {
        let mut add = add_tag(account, format!("tag {index:02}"));
        db.write(move |conn| {
            add(conn)?;
            match index % 3 {
                0 => Ok(()),
                1 => Err(Error::invalid("refused")),
                // A violated constraint fails only this job, not the batch.
                _ => add(conn),
            }
        })
    });
    let results = futures_util::future::join_all(jobs).await;
    for (index, result) in results.iter().enumerate() {
        assert_eq!(result.is_ok(), index % 3 == 0, "{index} {result:?}");
    }
    let mut names = names(db).await;
    names.sort();
    assert_eq!(names, (0..60).step_by(3).map(|index| format!("tag {index:02}")).collect::<Vec<_>>());
}

/// Jobs in the same batch may have to be retried, but their results are always correct.
#[actix_web::test]
async fn after_a_panicking_job_what_was_answered_is_true() {
    let app = TestApp::start().await;
    let account = app.owner().await.id;
    let db = &app.app.db;
    let panicking = db.write(|conn| -> Result<()> {
        // Panics inside its own savepoint.
        let _: diesel::QueryResult<()> = diesel::Connection::transaction(conn, |_| panic!("on purpose"));
        Ok(())
    });
    let adding = futures_util::future::join_all((0..5).map(|index| db.write(add_tag(account, format!("tag {index}")))));
    let (panicked, added) = tokio::join!(panicking, adding);
    assert_eq!(panicked.unwrap_err().kind, Kind::Internal);
    let stored = names(db).await;
    for (index, result) in added.iter().enumerate() {
        assert_eq!(result.is_ok(), stored.contains(&format!("tag {index}")), "{index} {result:?}");
    }
    db.write(add_tag(account, "later".into())).await.unwrap();
    assert!(names(db).await.contains(&"later".to_owned()));
}

#[actix_web::test]
async fn changes_wait_while_the_files_are_rewritten() {
    let app = TestApp::start().await;
    let account = app.owner().await.id;
    let db = &app.app.db;
    let adding = (0..60).map(|index| db.write(add_tag(account, format!("tag {index:02}"))));
    let rewriting = futures_util::future::join_all((0..5).map(|_| db.rewrite()));
    let (rewritten, added) = tokio::join!(rewriting, futures_util::future::join_all(adding));
    assert!(rewritten.iter().all(Result::is_ok), "{rewritten:?}");
    assert!(added.iter().all(Result::is_ok), "{added:?}");
    assert_eq!(names(db).await.len(), 60);
    db.rewrite().await.unwrap();
    assert_eq!(names(db).await.len(), 60);
}

#[actix_web::test]
async fn sqlite_only_readers_cannot_write() {
    let app = TestApp::start().await;
    let account = app.owner().await.id;
    let mut add = add_tag(account, "smuggled".into());
    let result = app.app.db.read(move |conn| add(conn)).await;
    assert!(result.is_err());
}

/// Programs that start at the same moment migrate the database once.
#[actix_web::test]
async fn opening_side_by_side_migrates_once() {
    let dir = TempDir::new().unwrap();
    let url = config(&dir).database();
    let opened = Arc::new(AtomicU32::new(0));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (url, opened) = (url.clone(), opened.clone());
            std::thread::spawn(move || {
                Db::open(&url).unwrap();
                opened.fetch_add(1, Ordering::Relaxed);
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(opened.load(Ordering::Relaxed), 4);
}
