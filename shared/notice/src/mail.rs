//! A notice as a mail: plain text, and plain HTML that every mail program shows.

use banto_ports::Mail;

use crate::{Notice, Urgency, sns};

/// The mail to send.
pub fn message(notice: &Notice, from: &str, to: &[String]) -> Mail {
    let subject = format!("{}{}", sns::mark(notice), notice.headline);
    // One line, of a length that mail programs show.
    let subject: String = subject
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(200)
        .collect();
    Mail {
        from: from.to_owned(),
        to: to.to_vec(),
        subject,
        text: sns::body(notice),
        html: html(notice),
    }
}

fn html(notice: &Notice) -> String {
    let colour = match notice.urgency {
        Urgency::Done => "#1a7f37",
        Urgency::Information => "#57606a",
        Urgency::Action => "#bc4c00",
        Urgency::Alarm => "#cf222e",
    };
    let mut parts = vec![format!(
        "<h2 style=\"margin:0 0 12px;padding-left:10px;border-left:5px solid {colour};font-size:18px\">{}</h2>",
        escape(&notice.headline)
    )];
    parts.extend(
        notice
            .paragraphs
            .iter()
            .map(|paragraph| format!("<p>{}</p>", escape(paragraph))),
    );
    let row = |(label, value): &(String, String)| {
        let label = escape(label);
        format!(
            "<tr><td style=\"color:#57606a;padding:2px 16px 2px 0\">{label}</td><td>{}</td></tr>",
            escape(value)
        )
    };
    let rows: Vec<String> = notice.facts.iter().map(row).collect();
    if !rows.is_empty() {
        parts.push(format!(
            "<table cellspacing=\"0\" cellpadding=\"0\" style=\"font-size:14px\">{}</table>",
            rows.concat()
        ));
    }
    for section in &notice.sections {
        let lines: Vec<String> = section
            .lines
            .iter()
            .map(|line| format!("<li>{}</li>", escape(line)))
            .collect();
        parts.push(format!(
            "<p><b>{}</b></p><ul>{}</ul>",
            escape(&section.title),
            lines.concat()
        ));
    }
    let step = |step: &crate::Step| {
        let command = step
            .command
            .as_ref()
            .map(|command| format!("<pre>{}</pre>", escape(command)));
        format!(
            "<li>{}{}</li>",
            escape(&step.text),
            command.unwrap_or_default()
        )
    };
    let steps: Vec<String> = notice.steps.iter().map(step).collect();
    if !steps.is_empty() {
        // One step alone needs no number.
        let list = if steps.len() == 1 { "ul" } else { "ol" };
        parts.push(format!(
            "<p><b>What to do</b></p><{list}>{}</{list}>",
            steps.concat()
        ));
    }
    let is_safe = |link: &&crate::Link| link.url.starts_with("https://");
    let links = notice.links.iter().filter(is_safe);
    parts.extend(links.map(|link| {
        format!(
            "<p><a href=\"{}\">{}</a></p>",
            escape(&link.url),
            escape(&link.label)
        )
    }));
    parts.extend(
        notice
            .envelope
            .as_ref()
            .map(|envelope| format!("<pre>{}</pre>", escape(envelope.trim_end()))),
    );
    parts.push(format!(
        "<p style=\"color:#57606a;font-size:12px\">Banto · {}</p>",
        escape(&notice.id)
    ));
    format!(
        "<div style=\"font-family:sans-serif;font-size:14px;max-width:640px\">{}</div>\n",
        parts.join("\n")
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Audience, Link};

    #[test]
    fn what_a_resource_is_named_is_text_and_never_markup() {
        let mut notice = Notice::new(
            "id".into(),
            Audience::Operators,
            Urgency::Alarm,
            "<script>alert(1)</script>\r\nBcc: mallory@example.com".into(),
        );
        notice.links = vec![
            Link {
                label: "\"><b>".into(),
                url: "https://example.com/?a=1&b=\"x\"".into(),
            },
            Link {
                label: "bad".into(),
                url: "javascript:alert(1)".into(),
            },
        ];
        let mail = message(
            &notice,
            "banto@example.com",
            &["alice@example.com".to_owned()],
        );
        assert_eq!(
            mail.subject,
            "[alarm] <script>alert(1)</script> Bcc: mallory@example.com"
        );
        assert!(
            !mail.html.contains("<script")
                && !mail.html.contains("<b>")
                && !mail.html.contains("javascript")
        );
        assert!(
            mail.html
                .contains("https://example.com/?a=1&amp;b=&quot;x&quot;")
        );
        assert!(mail.text.contains("alert(1)"));
    }
}
