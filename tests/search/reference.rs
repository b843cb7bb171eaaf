//! Search against a slow and obvious one, over generated texts and queries in many scripts.

use crate::search::create;
use crate::support::TestApp;
use docket::db::ticket_index;
use docket::search::{self, Unit, units};
use docket::tickets::list;
use docket::tickets::operators::Searcher;
use docket::tickets::query::{Filter, Query};
use docket::values::page::{Cursor, PAGE, Place, Window};
use fastrand::Rng;

const WORDS: [&str; 26] = [
    "lamp",
    "lamps",
    "Lampe",
    "Café",
    "cafe\u{301}",
    "Straße",
    "strasse",
    "łódź",
    "été",
    "ETE",
    "Οδυσσεύς",
    "οδυσσευσ",
    "йод",
    "иод",
    "محمد",
    "محـمد",
    "שלום",
    "दिल",
    "दाल",
    "கால்",
    "x",
    "of",
    "東京都",
    "ข้าวสวย",
    "한국어",
    "カガキ",
];
/// Signs that also stand alone and side by side.
const SIGNS: [&str; 12] = ["東", "京", "都", "カ", "ガ", "ー", "々", "ข้", "ว", "บ", "한", "국"];
const BETWEEN: [&str; 8] = [" ", " ", " ", ", ", "-", "。", "\n", ""];

fn text(rng: &mut Rng, longest: usize) -> String {
    let mut text = String::new();
    for _ in 0..rng.usize(1..=longest) {
        let words: &[&str] = if rng.bool() { &WORDS } else { &SIGNS };
        text += words[rng.usize(..words.len())];
        text += BETWEEN[rng.usize(..BETWEEN.len())];
    }
    text
}

/// A piece of a query: what it is about, and whether it is quoted or excluded.
struct Piece {
    typed: String,
    is_quoted: bool,
    is_not: bool,
}

fn query(rng: &mut Rng) -> Vec<Piece> {
    let piece = |rng: &mut Rng| {
        let is_quoted = rng.u32(..3) == 0;
        let mut typed = text(rng, if is_quoted { 3 } else { 2 });
        if !is_quoted {
            typed.retain(|c| !c.is_whitespace());
            // The beginning of a word.
            let kept = rng.usize(1..=typed.chars().count().max(1));
            typed = typed.chars().take(kept).collect();
        }
        let typed = typed.trim_start_matches(|c: char| !c.is_alphanumeric()).to_owned();
        Piece { is_not: rng.u32(..6) == 0 && !typed.is_empty(), typed, is_quoted }
    };
    (0..rng.usize(1..=3)).map(|_| piece(rng)).collect()
}

/// Whether the units of a piece stand in a text side by side. The last word may be a prefix.
fn stands_in(text: &[Unit], piece: &Piece) -> bool {
    let wanted = units(&piece.typed);
    let last = wanted.len() - 1;
    let is_same = |start: usize, index: usize| {
        let (one, other) = (&text[start + index], &wanted[index]);
        let pairs = index > 0 && other.is_sign && wanted[index - 1].is_sign;
        let is_joined = !pairs || one.is_joined == other.is_joined;
        // A last sign after a word may go on; so may a last word, if it is not quoted.
        let goes_on = index == last
            && match other.is_sign {
                true => last > 0 && !(wanted[last - 1].is_sign && other.is_joined),
                false => !piece.is_quoted && other.text.chars().count() > 1,
            };
        let is_equal = one.text == other.text || (goes_on && one.text.starts_with(&other.text));
        // A sign within a phrase is not followed by another one that the phrase does not have.
        let is_alone = index == last
            || !other.is_sign
            || (wanted[index + 1].is_sign && wanted[index + 1].is_joined)
            || text.get(start + index + 1).is_none_or(|next| !(next.is_sign && next.is_joined));
        is_joined && is_equal && is_alone
    };
    (0..=text.len().saturating_sub(wanted.len()))
        .any(|start| start + wanted.len() <= text.len() && (0..wanted.len()).all(|index| is_same(start, index)))
}

/// The numbers of all tickets that a search finds, page after page in one direction, newest first.
async fn read_to_the_end(app: &TestApp, account_id: i64, typed: &str, window: Window) -> Vec<i64> {
    let query = Query { q: typed.to_owned(), ..Query::default() };
    let read = move |conn: &mut _| {
        let mut filter = Filter::new(&query, Searcher { user_id: None, zone: chrono_tz::UTC });
        filter.window = window;
        let is_rising = matches!(window.place, Place::Before(_));
        let mut numbers: Vec<i64> = Vec::new();
        loop {
            let page = list::page(conn, account_id, &filter)?;
            let rows = page.rows.iter().map(|ticket| ticket.number);
            let next = if is_rising { page.newer.map(Place::Before) } else { page.older.map(Place::After) };
            numbers = if is_rising { rows.chain(numbers).collect() } else { numbers.into_iter().chain(rows).collect() };
            match next {
                Some(place) => filter.window.place = place,
                None => return Ok(numbers),
            }
        }
    };
    app.app.db.read(read).await.unwrap()
}

#[actix_web::test]
async fn search_finds_what_a_plain_look_finds() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let mut rng = Rng::with_seed(13);
    let texts: Vec<[String; 2]> = (0..400).map(|_| [text(&mut rng, 4), text(&mut rng, 30)]).collect();
    let texts: Vec<[String; 2]> = texts.into_iter().map(|[title, notes]| [format!("t {title}"), notes]).collect();
    create(&app, owner.id, texts.iter().map(|[title, notes]| (title.clone(), notes.clone())).collect()).await;
    let texts: Vec<[Vec<Unit>; 2]> = texts.iter().map(|texts| [units(&texts[0]), units(&texts[1])]).collect();
    let queries: Vec<Vec<Piece>> = (0..2_000).map(|_| query(&mut rng)).collect();
    let account_id = owner.id;
    let mut found_some = 0;
    for pieces in queries {
        let typed: Vec<String> = pieces
            .iter()
            .map(|Piece { typed, is_quoted, is_not }| {
                let quote = if *is_quoted { "\"" } else { "" };
                format!("{}{quote}{typed}{quote}", if *is_not { "-" } else { "" })
            })
            .collect();
        let typed = typed.join(" ");
        if typed.trim().is_empty() {
            continue;
        }
        let pieces: Vec<&Piece> = pieces.iter().filter(|piece| !units(&piece.typed).is_empty()).collect();
        let is_match = |texts: &[Vec<Unit>; 2]| {
            !pieces.is_empty()
                && pieces.iter().all(|piece| texts.iter().any(|text| stands_in(text, piece)) != piece.is_not)
        };
        let expected: Vec<i64> =
            (1..).zip(&texts).filter(|(_, texts)| is_match(texts)).map(|(number, _)| number).collect();
        let expected: Vec<i64> = expected.into_iter().rev().collect();
        let found = read_to_the_end(&app, account_id, &typed, Window::default()).await;
        found_some += usize::from(!found.is_empty());
        assert_eq!(found, expected, "{typed:?}");
    }
    assert!(found_some > 1_000, "only {found_some} queries have found something");
}

/// Whether the ticket of a number has a word.
type HasWord = fn(i64) -> bool;

/// More tickets than one look at the index reads, for words of all frequencies, in the ticket and
/// in its source, alone and together: of each word, which tickets have it.
const FREQUENCIES: [(&str, HasWord); 9] = [
    ("common", |n| n % 10 < 9),
    ("frequent", |n| n % 2 == 0),
    ("often", |n| n % 16 == 0),
    ("seldom", |n| n % 150 == 3),
    ("early", |n| n <= 40),
    ("late", |n| n > 5_980),
    ("\"big lamp\"", |n| n % 1_200 == 5),
    ("030/123", |n| n % 1_100 == 7),
    ("basket", |n| n % 5 == 0),
];

#[actix_web::test]
async fn words_of_all_frequencies_are_found_to_the_end() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let numbers = || 1..=6_000;
    let text = |n: i64| {
        let words = FREQUENCIES[..6].iter().filter(|(_, has)| has(n)).map(|(word, _)| *word);
        // The words of the phrase are in all tickets.
        let phrase = if FREQUENCIES[6].1(n) { "big lamp" } else { "lamp big" };
        let number = if !FREQUENCIES[7].1(n) {
            ""
        } else if n > 3_000 {
            "030-123"
        } else {
            "030123"
        };
        words.chain([phrase, number]).collect::<Vec<_>>().join(" ")
    };
    create(&app, owner.id, numbers().map(|n| (format!("Ticket {n}"), text(n))).collect()).await;
    let account_id = owner.id;
    let of_sources = move |conn: &mut _| {
        for n in numbers().filter(|n| FREQUENCIES[8].1(*n)) {
            let rows = ticket_index::rows_of_source(n, vec![(0, search::parts(["basket"]))]);
            ticket_index::add(conn, account_id, &rows)?;
        }
        Ok(())
    };
    app.app.db.write(of_sources).await.unwrap();
    let mut rng = Rng::with_seed(26);
    for _ in 0..60 {
        let pieces: Vec<_> =
            (0..rng.usize(1..=3)).map(|_| (rng.usize(..FREQUENCIES.len()), rng.u32(..4) == 0)).collect();
        let typed =
            pieces.iter().map(|(word, is_not)| format!("{}{}", if *is_not { "-" } else { "" }, FREQUENCIES[*word].0));
        let typed = typed.collect::<Vec<_>>().join(" ");
        let is_match = |n: &i64| pieces.iter().all(|(word, is_not)| FREQUENCIES[*word].1(*n) != *is_not);
        let expected: Vec<i64> = numbers().rev().filter(is_match).collect();
        let size = if expected.len() > 1_000 { 120 * PAGE } else { PAGE };
        let oldest = Place::Before(Cursor { at: chrono::DateTime::UNIX_EPOCH.naive_utc(), id: 0 });
        for place in [Place::First, oldest] {
            let found = read_to_the_end(&app, account_id, &typed, Window { place, size }).await;
            assert!(found == expected, "{typed:?} from {place:?}: {} instead of {}", found.len(), expected.len());
        }
    }
}
