//! Searching tickets, above all closed ones.

mod races;
mod reference;

use crate::support::{TestApp, unique};
use docket::error::Result;
use docket::events::actor::Actor;
use docket::tickets::create::{NewTicket, create as create_ticket};
use docket::tickets::notes::Notes;
use docket::tickets::ticket::Title;

/// A ticket without a source or a requester.
pub fn new_ticket(title: &str, notes: &str) -> Result<NewTicket> {
    Ok(NewTicket {
        title: Title::parse(title)?,
        notes: Notes::parse(notes)?,
        source: None,
        requester_name: String::new(),
        requester_email: String::new(),
        request_id: unique("request"),
        another: false,
        keeps_copy: false,
    })
}

/// Creates tickets without sources, with these titles and notes, in this order.
pub async fn create(app: &TestApp, account_id: i64, texts: Vec<(String, String)>) {
    let now = app.app.clock.now();
    // Postgres keeps all versions of a row that a transaction writes, and reads them again and again.
    for texts in texts.chunks(500).map(<[_]>::to_vec) {
        let write = move |conn: &mut _| {
            for (title, notes) in &texts {
                create_ticket(conn, &Actor::system(account_id), &new_ticket(title, notes)?, now)?;
            }
            Ok(())
        };
        app.app.db.write(write).await.unwrap();
    }
}

#[actix_web::test]
async fn closed_tickets_are_found_by_all_their_words() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner
        .make_ticket_of(&[
            ("title", "Größenwahn im Café"),
            ("notes", "Ask the carrier about parcel ZX-81."),
            ("requesterName", "Zoë Müller"),
            ("requesterEmail", "zoe.mueller@mail.example"),
            ("conversationId", "clx1abc2d0001"),
        ])
        .await;
    owner.post(&format!("/tickets/{number}/tags"), &[("add", "feature request")]).await;
    owner.attach(number, &[("Quittung März.txt", b"x")]).await.expect(201);
    owner.make_ticket("Something else").await;
    owner.set_status(number, "closed").await.expect(303);
    for query in [
        "größenwahn",
        "GROSSENWAHN cafe",
        "cafe%20carrier",
        "carr",
        "zoe",
        "mueller@mail.example",
        "%22feature request%22",
        "quittung marz",
        "clx1abc2d0001",
        "ZX-81",
        "zx81",
        "zx81x OR",
    ] {
        let found = owner.list(&format!("q={query}")).await;
        let expected: &[i64] = if query == "zx81x OR" { &[] } else { &[number] };
        assert_eq!(found, expected, "{query}");
    }
    owner.get("/tickets?q=cafe").await.expect_text("Results for “<bdi>cafe</bdi>”").expect_text("Closed");
    assert!(owner.list("q=cafe&status=open").await.is_empty());
    assert!(owner.list("q=%22carrier ask%22").await.is_empty(), "a phrase keeps its order");
    assert_eq!(owner.list("q=%22ask the carrier%22").await, [number]);
}

#[actix_web::test]
async fn anything_typed_is_words_and_never_an_error() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("plain words 東京タワー").await;
    for query in ["%22", "*", "words AND", "NEAR(", "a:b", "(words", "'--", "%22words", "%C2%AD", "\\", "words:*"] {
        owner.get(&format!("/tickets?q={query}")).await.expect(200);
    }
    assert_eq!(owner.list("q=%22words").await, [number]);
    assert_eq!(owner.list("q=東京").await, [number]);
    assert_eq!(owner.list("q=タワー").await, [number]);
    assert!(owner.list("q=%2B%2B").await.is_empty(), "nothing but marks finds nothing");
}

#[actix_web::test]
async fn what_changes_is_found_as_it_is_now() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("before").await;
    owner.post(&format!("/tickets/{number}/title"), &[("title", "after")]).await.expect(303);
    owner.write_notes(number, 1, "first").await.expect(303);
    owner.write_notes(number, 2, "second").await.expect(303);
    owner.post(&format!("/tickets/{number}/tags"), &[("add", "theme")]).await.expect(303);
    owner.post(&format!("/tickets/{number}/tags"), &[("remove", "theme")]).await.expect(303);
    for (query, found) in [("before", false), ("after", true), ("first", false), ("second", true), ("theme", false)] {
        assert_eq!(!owner.list(&format!("q={query}")).await.is_empty(), found, "{query}");
    }
}

#[actix_web::test]
async fn the_words_of_others_are_not_found() {
    let app = TestApp::start().await;
    let (owner, neighbour) = (app.owner().await, app.owner().await);
    owner.make_ticket("secret plan").await;
    assert!(neighbour.list("q=secret").await.is_empty());
    assert!(neighbour.list(&format!("q={}xsecret", owner.id)).await.is_empty());
    assert!(neighbour.list("q=se&status=all").await.is_empty());
}

#[actix_web::test]
async fn the_longest_notes_are_found_to_their_end() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let notes: String = (0..20_000).map(|index| format!("w{index} ")).take(14_000).collect();
    let number = owner.make_ticket_of(&[("title", "Long"), ("notes", &notes)]).await;
    assert_eq!(owner.list("q=w13999").await, [number]);
    assert_eq!(owner.list("q=%22w13998 w13999%22").await, [number]);
    let short: String = "a ".repeat(49_990) + "last";
    let number = owner.make_ticket_of(&[("title", "Short words"), ("notes", &short)]).await;
    assert_eq!(owner.list("q=last").await, [number]);
    assert_eq!(owner.list("q=%22a last%22 short").await, [number]);
}

/// What was written, and for each query which of it is found, counted from 1.
type Words<'a> = (&'a [&'a str], &'a [(&'a str, &'a [i64])]);

#[actix_web::test]
async fn words_of_the_world_are_found() {
    let app = TestApp::start().await;
    let cases: [Words; 9] = [
        (
            &[
                "日本酒",
                "酒",
                "大阪の店で返品したい",
                "東京都代々木公園",
                "毎日人々が来る",
                "第3章の図",
                "新しいパスワード",
            ],
            &[
                ("酒", &[1, 2]),
                ("\"酒\"", &[1, 2]),
                ("日本", &[1]),
                ("代々木", &[4]),
                ("人々", &[5]),
                ("第3", &[6]),
                ("3章", &[6]),
                ("図", &[6]),
                ("ド", &[7]),
                ("返品 大阪", &[3]),
                ("本日", &[]),
            ],
        ),
        (
            &[
                "Łukasz Wałęsa",
                "Søren Ærø",
                "Đorđe",
                "Straße 5",
                "Işık",
                "Þór Guðmundsson",
                "Ħamrun",
                "Œuvre",
                "Kırıkkale",
            ],
            &[
                ("lukasz", &[1]),
                ("walesa", &[1]),
                ("aero", &[2]),
                ("dorde", &[3]),
                ("STRASSE", &[4]),
                ("strasse 5", &[4]),
                ("isik", &[5]),
                ("thor", &[6]),
                ("GUDMUNDSSON", &[6]),
                ("hamrun", &[7]),
                ("oeuvre", &[8]),
                ("KIRIKKALE", &[9]),
            ],
        ),
        (
            &["Οδυσσεύς", "Rech\u{ad}nung", "می\u{200c}خواهم", "محـــمد", "Café", "Стрелка й", "Стрелка и"],
            &[
                ("οδυσσευσ", &[1]),
                ("ΟΔΥΣΣΕΥΣ", &[1]),
                ("rechnung", &[2]),
                ("میخواهم", &[3]),
                ("محمد", &[4]),
                ("cafe", &[5]),
                ("café", &[5]),
                ("\"стрелка й\"", &[6]),
            ],
        ),
        (
            &["ガラスが割れた", "カラスの写真", "パス", "がき", "かき", "バス", "ハス"],
            &[("カラス", &[2]), ("ガラス", &[1]), ("がき", &[4]), ("かき", &[5]), ("バス", &[6]), ("ハス", &[7])],
        ),
        (
            &["दिल", "दाल", "दल", "கல்", "கால்", "বল", "বাল"],
            &[("दिल", &[1]), ("दाल", &[2]), ("दल", &[3]), ("கல்", &[4]), ("கால்", &[5]), ("বাল", &[7])],
        ),
        (
            &[
                "เขากำลังกินข้าวที่บ้าน",
                "ข่าว",
                "ขาว",
                "ຂ້ອຍຢາກຄືນສິນຄ້າ",
                "ខ្ញុំចង់ប្រគល់ទំនិញ",
                "ကျွန်တော်ပစ္စည်းပြန်ပေးချင်တယ်",
                "재주문이 필요합니다",
            ],
            &[
                ("กินข้าว", &[1]),
                ("บ้าน", &[1]),
                ("ข้าว", &[1]),
                ("ข่าว", &[2]),
                ("ขาว", &[3]),
                ("ສິນຄ້າ", &[4]),
                ("ទំនិញ", &[5]),
                ("ပစ္စည်း", &[6]),
                ("주문", &[7]),
                ("필요", &[7]),
            ],
        ),
        (
            &[
                "call +31 6 1234 5678, invoice 2024-001, IBAN NL91 ABNA 0417 1643 00",
                "tel 030/123 456-78",
                "card 4111 1111 1111 1111",
                "SN: AB12-CD34-EF56",
                "00:1A:2B:3C:4D:5E",
                "+1 (555) 010-9999",
                "0612345678 and nl91abna0417164300",
            ],
            &[
                ("31612345678", &[1]),
                ("+31612345678", &[1]),
                ("+31 612 345678", &[1]),
                ("2024001", &[1]),
                ("NL91ABNA0417164300", &[1, 7]),
                ("NL91 ABNA 0417 1643 00", &[1, 7]),
                ("03012345678", &[2]),
                ("030 12345678", &[2]),
                ("4111111111111111", &[3]),
                ("AB12CD34EF56", &[4]),
                ("001A2B3C4D5E", &[5]),
                ("00-1a-2b-3c-4d-5e", &[5]),
                ("5550109999", &[6]),
                ("06 12 34 56 78", &[7]),
                ("31 5678", &[1]),
            ],
        ),
        (
            &["\u{ff21}\u{ff22}\u{ff23} ㍿ ﬁle", "ｶﾞﾗｽ"],
            &[("abc", &[1]), ("株式会社", &[1]), ("file", &[1]), ("ガラス", &[2])],
        ),
        (
            &["red-green_blue", "mail ana.lopez@shop.example"],
            &[("green", &[1]), ("ana.lopez@shop", &[2]), ("lopez", &[2])],
        ),
    ];
    for (texts, queries) in cases {
        for field in ["title", "notes"] {
            let owner = app.owner().await;
            for text in texts {
                let fields = if field == "title" { vec![(field, *text)] } else { vec![("title", "T"), (field, *text)] };
                owner.make_ticket_of(&fields).await;
            }
            for (query, expected) in queries {
                let query = form_urlencoded::byte_serialize(query.as_bytes()).collect::<String>();
                let mut found = owner.list(&format!("q={query}")).await;
                found.sort_unstable();
                assert_eq!(found, *expected, "{query} in {texts:?} ({field})");
            }
        }
    }
}

#[actix_web::test]
async fn long_texts_are_searched_to_their_end() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let repeated = format!("{}error timeout", "error again ".repeat(400));
    let far = format!("{}delta omega", "x ".repeat(15_900));
    for notes in [&repeated, &far] {
        owner.make_ticket_of(&[("title", "Log"), ("notes", notes)]).await;
    }
    for (query, expected) in [("omega", 2), ("%22delta omega%22", 2), ("%22error timeout%22", 1)] {
        assert_eq!(owner.list(&format!("q={query}")).await, [expected], "{query}");
    }
}

#[actix_web::test]
async fn operators_narrow_a_search() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let ana = [("title", "Lamp broken"), ("requesterName", "Ana Ruiz"), ("requesterEmail", "ana@shop.example")];
    owner.make_ticket_of(&ana).await;
    owner.make_ticket_of(&[("title", "Lamp for Ana"), ("requesterName", "Bo Berg")]).await;
    owner.make_ticket("Chair").await;
    owner.post("/tickets/2/tags", &[("add", "Big order")]).await.expect(303);
    owner.post("/tickets/1/assignee", &[("assignee", &owner.id.to_string())]).await.expect(303);
    owner.attach(3, &[("a.txt", b"x")]).await.expect(201);
    owner.set_status(3, "closed").await.expect(303);
    // Where the owner is.
    let today = chrono::Utc::now().with_timezone(&chrono_tz::Europe::Berlin).format("%Y-%m-%d").to_string();
    let cases: [(&str, &[i64]); 21] = [
        ("lamp -broken", &[2]),
        ("-lamp", &[3]),
        ("lamp -\"for ana\"", &[1]),
        ("from:ana", &[1]),
        ("-from:ana lamp", &[2]),
        ("from:ana@shop.example", &[1]),
        ("from:\"ana ruiz\"", &[1]),
        ("status:closed", &[3]),
        ("status:open lamp", &[1, 2]),
        ("-status:new", &[3]),
        ("tag:\"Big order\"", &[2]),
        ("lamp -tag:\"big order\"", &[1]),
        ("assignee:me", &[1]),
        ("assignee:none", &[2, 3]),
        ("-assignee:me", &[2, 3]),
        ("has:attachment", &[3]),
        ("#2", &[2]),
        (&format!("created:{today} lamp"), &[1, 2]),
        (&format!("before:{today}"), &[]),
        (&format!("closed:{today}.."), &[3]),
        ("status:nonsense", &[]),
    ];
    for (query, expected) in cases {
        if query == "#2" {
            owner.get("/tickets?q=%232").await.expect_redirect("/tickets/2");
            continue;
        }
        let typed = form_urlencoded::byte_serialize(query.as_bytes()).collect::<String>();
        let mut found = owner.list(&format!("q={typed}")).await;
        found.sort_unstable();
        assert_eq!(found, expected, "{query}");
    }
}

#[actix_web::test]
async fn what_the_customer_wrote_is_found() {
    let app = TestApp::start().await;
    let (owner, visitor) = app.shop().await;
    visitor.write("My zebra lamp flickers").await.expect(201);
    let id = visitor.conversation(&owner).await;
    let number = owner.make_ticket_of(&[("title", "Chat"), ("conversationId", &id)]).await;
    let is_found = async |query: &str| owner.list(&format!("q={query}")).await == [number];
    assert!(is_found("zebra").await);
    visitor.write("It is the quokka model").await.expect(201);
    assert!(is_found("quokka").await, "a message that came later");
    assert!(is_found("chat zebra quokka").await, "words of the ticket and of two messages");
    assert!(!is_found("%22flickers it is%22").await, "a phrase ends with its message");
    owner.post(&format!("/conversations/{id}/delete"), &[]).await.expect(303);
    assert!(!is_found("quokka").await && is_found("chat").await, "the source is deleted");
    owner.post(&format!("/conversations/{id}/restore"), &[]).await.expect(303);
    assert!(is_found("quokka zebra").await);
    owner.post(&format!("/tickets/{number}/delete"), &[]).await.expect(303);
    assert!(!is_found("quokka").await);
    owner.post(&format!("/tickets/{number}/restore"), &[]).await.expect(303);
    assert!(is_found("quokka").await);

    let form = owner.make_form("Contact").await;
    app.stranger().post(&form, &[("email", "bo@example.com"), ("message", "The wombat chair")]).await;
    let submission = owner.newest_submission().await;
    let number = owner.make_ticket_of(&[("title", "Form"), ("formSubmissionId", &submission)]).await;
    assert_eq!(owner.list("q=wombat").await, [number]);
    owner.post(&format!("/submissions/{submission}/delete"), &[]).await.expect(303);
    assert!(owner.list("q=wombat").await.is_empty());
}

/// A search reads windows of tickets; all of it is found, once, page by page.
#[actix_web::test]
async fn results_are_read_to_their_end() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let words = |number: i64| {
        let marks = [(5, " fifth"), (7, " seventh"), (1_200, " single")];
        let marked = marks.iter().filter(|(step, _)| number % step == 0).map(|(_, word)| *word);
        std::iter::once("common").chain(marked).collect::<String>()
    };
    create(&app, owner.id, (1..=1_200).map(|number| (words(number), String::new())).collect()).await;
    let cases: [(&str, &dyn Fn(i64) -> bool); 6] = [
        ("common", &|_| true),
        ("fifth", &|index| index % 5 == 0),
        ("fifth seventh", &|index| index % 35 == 0),
        ("common -fifth", &|index| index % 5 != 0),
        ("-common", &|_| false),
        ("single", &|index| index == 1_200),
    ];
    for (query, is_wanted) in cases {
        let expected: Vec<i64> = (1..=1_200).rev().filter(|number| is_wanted(*number)).collect();
        let (mut found, mut url) = (Vec::new(), format!("/tickets?q={query}"));
        let last = loop {
            let page = owner.get(&url).await;
            found.extend(page.expect(200).ticket_numbers());
            match page.attributes(".pager [rel=next]", "href").pop() {
                Some(next) => url = next,
                None => break page,
            }
        };
        assert_eq!(found, expected, "{query}");
        let mut back = last.ticket_numbers();
        let mut page = last;
        while let Some(newer) = page.attributes(".pager [rel=prev]", "href").pop() {
            page = owner.get(&newer).await;
            back = [page.expect(200).ticket_numbers(), back].concat();
        }
        assert_eq!(back, expected, "{query}, backwards");
    }
}

#[actix_web::test]
async fn a_list_shows_where_the_words_stand() {
    let app = TestApp::start().await;
    let (owner, visitor) = app.shop().await;
    visitor.write("Hello").await.expect(201);
    visitor.write("My zebra lamp flickers").await.expect(201);
    let id = visitor.conversation(&owner).await;
    owner.make_ticket_of(&[("title", "Chat"), ("notes", "The café is closed."), ("conversationId", &id)]).await;
    let form = owner.make_form("Contact").await;
    app.stranger().post(&form, &[("email", "bo@example.com"), ("message", "The wombat chair")]).await;
    let submission = owner.newest_submission().await;
    owner.make_ticket_of(&[("title", "Form"), ("formSubmissionId", &submission)]).await;
    owner.attach(2, &[("quokka plan.txt", b"x")]).await.expect(201);
    let long = format!("{} capybara", "filler ".repeat(4_000));
    owner.make_ticket_of(&[("title", "Long"), ("notes", &long)]).await;
    for (query, marks, place) in [
        ("capybara", vec![], "Note: The words stand further down in this long text."),
        ("chat", vec!["Chat"], ""),
        ("cafe", vec!["café"], "Note: The café is closed."),
        ("zebra lamp", vec!["zebra", "lamp"], "Message: My zebra lamp flickers"),
        ("wombat", vec!["wombat"], "message: The wombat chair"),
        ("quokka", vec!["quokka"], "File: quokka plan.txt"),
    ] {
        let page = owner.get(&format!("/tickets?q={query}")).await;
        assert_eq!(page.expect(200).texts("mark"), marks, "{query}");
        assert_eq!(page.texts(".row-excerpt").concat(), place, "{query}");
    }
    let page = owner.get("/tickets?q=%3Cb%3E+chat").await;
    assert_eq!(page.count("b"), 0);
}
