//! Mail.

use banto_ports::Attachment;
use serde_json::json;

use super::*;
use crate::service::{Service, json_answer, json_error};

#[tokio::test]
async fn a_mail_goes_out_as_text_and_as_html() {
    let service = Service::answering([json_answer(&json!({ "MessageId": "1" }))]);
    service
        .compliance()
        .mailer
        .send(&mail_to_security())
        .await
        .unwrap();
    let asked = &service.asked()[0];
    assert!(
        asked.line.starts_with("POST /v2/email/outbound-emails "),
        "{}",
        asked.line
    );
    assert!(
        asked.header("authorization").contains("/eu-west-1/ses/"),
        "{}",
        asked.header("authorization")
    );
    let content = |data: &str| json!({ "Data": data, "Charset": "UTF-8" });
    let expected = json!({
        "FromEmailAddress": "banto@example.com",
        "Destination": { "ToAddresses": ["security@example.com", "sre@example.com"] },
        "Content": { "Simple": {
            "Subject": content("番頭: 3 findings"),
            "Body": { "Text": content("plain"), "Html": content("<p>rich</p>") },
        } },
    });
    assert_eq!(asked.json(), expected);
}

#[tokio::test]
async fn files_go_out_with_a_mail_whole_and_bounces_go_to_its_configuration_set() {
    let service = Service::answering([json_answer(&json!({ "MessageId": "1" }))]);
    let csv = Attachment {
        name: "findings-2026-10.csv".into(),
        media_type: "text/csv",
        body: "番頭\r\n\u{0}".into(),
        content_id: None,
    };
    let logo = Attachment {
        name: "logo.png".into(),
        media_type: "image/png",
        body: vec![0x89, 0x50],
        content_id: Some("logo".into()),
    };
    let mail = Mail {
        attachments: vec![csv, logo],
        configuration_set: Some("reports".into()),
        ..mail_to_security()
    };
    service.compliance().mailer.send(&mail).await.unwrap();
    let asked = service.asked()[0].json();
    assert_eq!(asked["ConfigurationSetName"], "reports");
    let expected = json!([
        {
            "FileName": "findings-2026-10.csv",
            "ContentType": "text/csv",
            "ContentDisposition": "ATTACHMENT",
            "ContentTransferEncoding": "BASE64",
            "RawContent": "55Wq6aCtDQoA",
        },
        {
            "FileName": "logo.png",
            "ContentType": "image/png",
            "ContentDisposition": "INLINE",
            "ContentTransferEncoding": "BASE64",
            "RawContent": "iVA=",
            "ContentId": "logo",
        },
    ]);
    assert_eq!(asked["Content"]["Simple"]["Attachments"], expected);
}

#[tokio::test]
async fn a_mail_that_ses_does_not_take_is_told_as_what_it_is() {
    for (status, code, kind) in [
        (400, "MessageRejected", ErrorKind::Invalid),
        (
            400,
            "MailFromDomainNotVerifiedException",
            ErrorKind::Invalid,
        ),
        (400, "SendingPausedException", ErrorKind::Unavailable),
        (400, "AccountSuspendedException", ErrorKind::Denied),
        (403, "AccessDeniedException", ErrorKind::Denied),
    ] {
        let service = Service::answering([json_error(status, code)]);
        let error = service
            .compliance()
            .mailer
            .send(&mail_to_security())
            .await
            .unwrap_err();
        assert_eq!(
            error,
            PortError::new(kind, "ses:SendEmail", format!("{code}: in words"))
        );
        assert_eq!(service.asked().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_mail_is_handed_over_once_whatever_ses_says() {
    for (status, code, kind) in [
        (429, "TooManyRequestsException", ErrorKind::Throttled),
        (500, "InternalServiceErrorException", ErrorKind::Unavailable),
        (503, "ServiceUnavailable", ErrorKind::Unavailable),
    ] {
        let service = Service::answering([json_error(status, code), json_answer(&json!({}))]);
        let policy = Policy::parse(POLICY).unwrap().report.unwrap();
        let of_report = service.aws().report(&policy).mailer;
        let error = of_report.send(&mail_to_security()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{code}");
        assert_eq!(service.asked().len(), 1, "{code}");

        let service = Service::answering([json_error(status, code), json_answer(&json!({}))]);
        let of_messages = service.compliance().mailer;
        let error = of_messages.send(&mail_to_security()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{code}");
        assert_eq!(service.asked().len(), 1, "{code}");
    }
}
