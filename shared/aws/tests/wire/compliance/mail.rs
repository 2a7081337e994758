//! Mail.

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
    let service = Service::answering([
        json_error(429, "TooManyRequestsException"),
        json_answer(&json!({})),
    ]);
    service
        .compliance()
        .mailer
        .send(&mail_to_security())
        .await
        .unwrap();
}
