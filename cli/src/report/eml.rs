//! A mail as an `.eml` file, which every mail program opens.

use banto_domain::compliance::short_hash;
use banto_ports::{Attachment, Mail};
use jiff::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::date::Date;
use mail_builder::mime::MimePart;

/// The file's bytes. The same mail of the same moment is the same file, so that whoever compares
/// two runs sees what changed.
pub fn eml(mail: &Mail, date: Timestamp) -> Vec<u8> {
    let receivers: Vec<&str> = mail.to.iter().map(String::as_str).collect();
    let id = short_hash(&[&mail.subject, &receivers.join(","), &date.to_string()]);
    let text = MimePart::new("text/plain", mail.text.as_str());
    let html = MimePart::new("text/html", mail.html.as_str());
    let mut parts = vec![MimePart::new(
        multipart("alternative", &id),
        vec![text, html],
    )];
    parts.extend(mail.attachments.iter().map(part));
    let message = MessageBuilder::new()
        // Nobody can have a domain that ends so. (RFC 2606, section 2.)
        .message_id(format!("{id}@banto.invalid"))
        .date(Date::new(date.as_second()))
        .from(mail.from.as_str())
        .to(receivers)
        .subject(mail.subject.as_str())
        .body(MimePart::new(multipart("mixed", &id), parts));
    let mut bytes = Vec::new();
    message.serialize(&mut bytes);
    bytes
}

/// The boundary that mail-builder makes up by itself is another one each time.
fn multipart(kind: &'static str, id: &str) -> ContentType<'static> {
    ContentType::new(format!("multipart/{kind}")).attribute("boundary", format!("{kind}-{id}"))
}

fn part(file: &Attachment) -> MimePart<'_> {
    let part = MimePart::new(file.media_type, file.body.as_slice());
    match &file.content_id {
        Some(id) => part.inline().cid(id.as_str()),
        None => part.attachment(file.name.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            from: "banto@example.com".into(),
            to: vec!["security@example.com".into(), "sre@example.com".into()],
            subject: "番頭: 3 findings".into(),
            text: "plain\n".into(),
            html: "<p>rich</p>\n".into(),
            attachments: vec![Attachment {
                name: "findings-2026-10.csv".into(),
                media_type: "text/csv",
                body: b"\x00\xff\r\n".to_vec(),
                content_id: None,
            }],
            configuration_set: None,
        }
    }

    fn file(mail: &Mail) -> String {
        let date = "2026-11-02T06:12:00Z".parse().unwrap();
        String::from_utf8(eml(mail, date)).unwrap()
    }

    #[test]
    fn a_mail_is_a_file_of_text_html_and_whole_attachments() {
        let file = file(&mail());
        for part in [
            "Date: Mon, 2 Nov 2026 06:12:00 +0000\r\n",
            "From: <banto@example.com>\r\n",
            "To: <security@example.com>, <sre@example.com>\r\n",
            "Content-Type: multipart/mixed",
            "Content-Type: multipart/alternative",
            "plain\r\n",
            "<p>rich</p>\r\n",
            "filename=\"findings-2026-10.csv\"",
            "AP8NCg==",
        ] {
            assert!(file.contains(part), "{part} in {file}");
        }
        assert!(file.is_ascii(), "{file}");
    }

    #[test]
    fn a_file_is_the_same_whenever_it_is_made() {
        assert_eq!(file(&mail()), file(&mail()));
    }

    #[test]
    fn a_picture_in_the_html_is_named_by_its_content_id() {
        let mut mail = mail();
        mail.attachments[0].content_id = Some("logo".into());
        assert!(
            file(&mail).contains("Content-ID: <logo>"),
            "{}",
            file(&mail)
        );
    }
}
