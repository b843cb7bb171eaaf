//! File types and names as clients send them.

use crate::support::multipart::{MULTIPART, multipart};
use crate::support::{TestApp, files};
use image::ImageFormat;
use reqwest::Method;
use serde_json::json;

#[actix_web::test]
async fn files_of_other_clients_keep_their_names_and_cost_no_others() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Clients").await;
    let parts: [(&[u8], &[u8]); 7] = [
        (b"name=\"files\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt", b"text"),
        (b"name=\"files\"; filename*=ISO-8859-1''M%FCller.txt", b"text"),
        (b"name=\"files\"; filename=\"M\xFCller 2.txt\"", b"text"),
        (b"name=\"files\"; filename=\"be\0fore.txt\"", b"text"),
        (b"name=\"files\"; filename=\"\0\"", b"text"),
        (b"name=\"files\"; filename=\"..\"", b"text"),
        (b"name=files; filename=plain.txt", b"text"),
    ];
    let request = owner
        .request(Method::POST, &format!("/tickets/{number}/attachments"))
        .header("content-type", MULTIPART)
        .header("accept", "application/json")
        .body(multipart(&parts));
    let json = owner.send(request).await.expect(201).json();
    let all = |list: &str, field: &str| -> Vec<String> {
        json[list].as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(all("data", "filename"), ["Grüße.txt", "Müller.txt", "Müller 2.txt", "before.txt", "plain.txt"]);
    assert_eq!(all("rejected", "code"), ["bad_name", "bad_name"]);
}

#[actix_web::test]
async fn a_jpeg_is_one_under_each_of_its_names() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Names").await;
    let photo = files::picture(ImageFormat::Jpeg, 1);
    let names = ["photo.jfif", "photo.jpe", "PHOTO.JIF"];
    let json = owner.attach(number, &names.map(|name| (name, photo.as_slice()))).await.expect(201).json();
    for (index, name) in names.into_iter().enumerate() {
        let file = &json["data"][index];
        assert_eq!((&file["filename"], &file["contentType"]), (&json!(name), &json!("image/jpeg")));
        assert!(file["thumbnailUrl"].is_string(), "{name}");
        let served = owner.get(file["url"].as_str().unwrap()).await;
        assert_eq!(served.expect(200).header("content-type"), "image/jpeg");
    }
}

#[actix_web::test]
async fn text_is_kept_whatever_it_begins_with_and_goes_out_as_a_download() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Texts").await;
    let texts: [(&str, &[u8]); 5] = [
        ("mail.txt", b"<ana@shop.example> wrote:\r\n> It broke\r\n"),
        ("page.txt", b"<!DOCTYPE html><script>alert(1)</script>"),
        ("chat.txt", b"12:00 <ana> \x02bold\x02 \x0304red\x0f\r\n"),
        ("build.txt", b"\x1b[31merror\x1b[0m\x0c\n"),
        ("table.csv", b"<name>;<email>\r\n"),
    ];
    let json = owner.attach(number, &texts).await.expect(201).json();
    assert_eq!(json["rejected"], json!([]));
    for (index, (name, bytes)) in texts.into_iter().enumerate() {
        let served = owner.get(json["data"][index]["url"].as_str().unwrap()).await;
        assert_eq!(served.expect(200).bytes, bytes, "{name}");
        assert!(served.header("content-disposition").starts_with("attachment;"), "{name}");
        assert_eq!(served.header("x-content-type-options"), "nosniff", "{name}");
    }
}

#[actix_web::test]
async fn a_refused_picture_is_named_with_the_way_out_under_any_name() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Refused").await;
    let formats: [(&str, &[u8]); 5] = [
        ("HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x08mdat"),
        ("AVIF", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif\0\0\0\x08mdat"),
        ("TIFF", b"II*\0\x08\0\0\0\0\0\0\0\0\0\0\0"),
        ("TIFF", b"MM\0*\0\0\0\x08\0\0\0\0\0\0\0\0"),
        ("BMP", b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"),
    ];
    let endings = ["jpg", "png", "webp", "gif", "pdf", "txt", "csv", "doc", "docx", "HEIC", "tif", "bmp", "avif", "x"];
    let names = endings.map(|ending| format!("photo.{ending}"));
    for (format, bytes) in formats {
        let batch: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), bytes)).collect();
        let json = owner.attach(number, &batch).await.expect(415).json();
        for (index, name) in names.iter().enumerate() {
            let said = json["rejected"][index]["message"].as_str().unwrap();
            let has_all = said.contains(format) && said.contains("Save the picture as JPEG or PNG.");
            assert!(has_all, "{format} as {name}: {said}");
        }
        let page = owner.send(owner.upload(number, &batch[..1])).await;
        page.expect(415).expect_text(&format!("its content is {format}. Save the picture as JPEG or PNG."));
    }
}

#[actix_web::test]
async fn the_picker_offers_all_nine_types() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Picker").await;
    let word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let wanted = [
        ".jpg,.jpeg,.jpe,.jfif,.jif,.png,.webp,.gif,.pdf,.txt,.csv,.doc,.docx",
        "image/jpeg,image/png,image/webp,image/gif,application/pdf,text/plain,text/csv,application/msword",
        word,
        "application/vnd.ms-excel",
    ];
    for path in [format!("/tickets/{number}"), "/tickets/new".to_owned()] {
        let page = owner.get(&path).await;
        let accepted = page.expect(200).attribute("[type=file]", "accept");
        let accepted: Vec<&str> = accepted.split(',').collect();
        for one in wanted.iter().flat_map(|list| list.split(',')) {
            assert!(accepted.contains(&one), "{one} on {path}");
        }
    }
}
