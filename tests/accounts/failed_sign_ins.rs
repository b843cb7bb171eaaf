//! How wrong passwords slow down sign-in.

use crate::support::{PASSWORD, TestApp, fresh_database};
use chrono::{NaiveDateTime, TimeDelta};
use docket::accounts::failed_sign_ins::{self, Attempt};
use docket::db::Db;
use docket::values::network::Network;
use std::time::Duration;
use tempfile::TempDir;

fn from(last: u8, user: &str) -> Attempt {
    Attempt { network: Network::of([192, 0, 2, last].into()), user: user.into(), device: None }
}

/// A database, and a time.
struct Desk {
    db: Db,
    now: NaiveDateTime,
    _dir: TempDir,
}

impl Desk {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let db = Db::open(&fresh_database(&dir)).unwrap();
        // To the second, which both engines keep.
        Self { db, now: NaiveDateTime::default() + TimeDelta::days(20_000), _dir: dir }
    }

    /// The seconds to wait, if the attempt comes too early.
    async fn begin(&self, attempt: &Attempt, after: TimeDelta) -> Option<u32> {
        let (attempt, now) = (attempt.clone(), self.now + after);
        self.db.write(move |conn| failed_sign_ins::begin(conn, &attempt, now)).await.unwrap()
    }

    async fn succeeded(&self, attempt: &Attempt) {
        let attempt = attempt.clone();
        self.db.write(move |conn| failed_sign_ins::succeeded(conn, &attempt)).await.unwrap();
    }

    /// How many of so many attempts, one after the other, are let through.
    async fn let_through(&self, attempts: impl Iterator<Item = Attempt>) -> usize {
        let mut count = 0;
        for attempt in attempts {
            count += usize::from(self.begin(&attempt, TimeDelta::zero()).await.is_none());
        }
        count
    }
}

#[actix_web::test]
async fn failures_cost_more_and_more_time_and_only_there() {
    let (desk, zero) = (Desk::new(), TimeDelta::zero());
    let here = from(7, "ana@example.com");
    for _ in 0..=5 {
        assert_eq!(desk.begin(&here, zero).await, None);
    }
    let first = desk.begin(&here, zero).await.unwrap();
    let then = TimeDelta::seconds(first.into());
    assert_eq!(desk.begin(&here, then).await, None);
    assert!(desk.begin(&here, then).await.unwrap() > first);
    assert_eq!(desk.begin(&from(7, "ben@example.com"), then).await, None);
    assert_eq!(desk.begin(&from(8, "ANA@example.com "), then).await, None);
    let (longest, memory) = (TimeDelta::minutes(15), TimeDelta::hours(1));
    assert_eq!(desk.begin(&here, then + longest).await, None);
    for _ in 0..=5 {
        assert_eq!(desk.begin(&here, then + longest + memory).await, None, "counting starts again");
    }
    assert!(desk.begin(&here, then + longest + memory).await.is_some());
}

#[actix_web::test]
async fn success_forgets_and_many_at_once_are_counted() {
    let desk = Desk::new();
    let here = from(7, "ana@example.com");
    for _ in 0..40 {
        assert_eq!(desk.begin(&here, TimeDelta::zero()).await, None);
        desk.succeeded(&here).await;
    }
    let attempts = (0..40).map(|_| desk.begin(&here, TimeDelta::zero()));
    let passed = futures_util::future::join_all(attempts).await.into_iter().filter(Option::is_none).count();
    assert_eq!(passed, 6);
}

#[actix_web::test]
async fn guessing_from_everywhere_is_slowed_down_but_not_for_a_known_browser() {
    let desk = Desk::new();
    assert_eq!(desk.let_through((0..60).map(|last| from(last, "ana@example.com"))).await, 21);
    let known = Attempt { device: Some("token".into()), ..from(1, "ana@example.com") };
    assert_eq!(desk.begin(&known, TimeDelta::zero()).await, None);
    let other = Attempt { device: Some("other".into()), ..known.clone() };
    assert_eq!(desk.let_through((0..30).map(|_| other.clone())).await, 6, "a browser counts for itself");
    assert_eq!(desk.begin(&known, TimeDelta::zero()).await, None);
    // Nothing is kept for longer than it counts.
    let now = desk.now + TimeDelta::hours(1) + TimeDelta::seconds(1);
    desk.db.write(move |conn| failed_sign_ins::forget(conn, now)).await.unwrap();
    assert_eq!(desk.let_through((0..60).map(|last| from(last, "ana@example.com"))).await, 21);
}

#[actix_web::test]
async fn wrong_passwords_count_on_every_instance_and_after_a_restart() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let stranger = app.stranger();
    for _ in 0..6 {
        stranger.sign_in(&owner.email, "not the password").await.expect(401);
    }
    let database = app.app.config.database();
    let other = TestApp::start_with(|config| config.database_url = Some(database)).await;
    let told = other.stranger().sign_in(&owner.email, PASSWORD).await;
    assert!(told.expect(429).header("retry-after").parse::<u32>().unwrap() > 0);
    other.wait(Duration::from_secs(60));
    other.stranger().sign_in(&owner.email, PASSWORD).await.expect_redirect("/tickets");
}
