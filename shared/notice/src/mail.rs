//! A notice as a mail: plain text, and plain HTML that every mail program shows.

use banto_ports::Mail;

use crate::{Link, Notice, Section, Step, Urgency, sns};

/// Most characters of a subject. Mail programs show some 80; 200 keep its line, as it is encoded,
/// below the 998 bytes that RFC 5322, section 2.1.1, allows.
const SUBJECT: usize = 200;

/// The mail to send.
pub fn message(notice: &Notice, from: &str, to: &[String]) -> Mail {
    let subject = format!("{}{}", sns::mark(notice), notice.headline);
    // A line break would begin another header.
    let line = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let subject = line.chars().take(SUBJECT).collect();
    Mail {
        from: from.to_owned(),
        to: to.to_vec(),
        subject,
        text: sns::body(notice),
        html: html(notice),
        attachments: Vec::new(),
        configuration_set: None,
    }
}

/// The mail's HTML: a headline, then each part of the notice that there is.
fn html(notice: &Notice) -> String {
    let mut parts = vec![headline(notice)];
    for paragraph in &notice.paragraphs {
        parts.push(format!("<p>{}</p>", escape(paragraph)));
    }
    parts.extend(facts(notice));
    parts.extend(notice.sections.iter().map(section));
    parts.extend(steps(notice));
    // Any other scheme, like javascript:, would run in the reader's mail program.
    let safe = |link: &&Link| link.url.starts_with("https://");
    parts.extend(notice.links.iter().filter(safe).map(link));
    if let Some(envelope) = &notice.envelope {
        parts.push(format!("<pre>{}</pre>", escape(envelope.trim_end())));
    }
    format!(
        "<div style=\"font-family:sans-serif;font-size:14px;max-width:640px\">{}</div>\n",
        parts.join("\n")
    )
}

fn headline(notice: &Notice) -> String {
    let colour = match notice.urgency {
        Urgency::Done => "#1a7f37",
        Urgency::Information => "#57606a",
        Urgency::Action => "#bc4c00",
        Urgency::Alarm => "#cf222e",
    };
    format!(
        "<h2 style=\"margin:0 0 12px;padding-left:10px;border-left:5px solid {colour};font-size:18px\">{}</h2>",
        escape(&notice.headline)
    )
}

fn facts(notice: &Notice) -> Option<String> {
    let mut rows = String::new();
    for (label, value) in &notice.facts {
        rows += &format!(
            "<tr><td style=\"color:#57606a;padding:2px 16px 2px 0\">{}</td><td>{}</td></tr>",
            escape(label),
            escape(value)
        );
    }
    let table = "<table cellspacing=\"0\" cellpadding=\"0\" style=\"font-size:14px\">";
    (!rows.is_empty()).then(|| format!("{table}{rows}</table>"))
}

fn section(section: &Section) -> String {
    let mut items = String::new();
    for line in &section.lines {
        items += &format!("<li>{}</li>", escape(line));
    }
    format!("<p><b>{}</b></p><ul>{items}</ul>", escape(&section.title))
}

fn steps(notice: &Notice) -> Option<String> {
    let items: String = notice.steps.iter().map(step).collect();
    // One step alone needs no number.
    let list = if notice.steps.len() == 1 { "ul" } else { "ol" };
    let has_steps = !notice.steps.is_empty();
    has_steps.then(|| format!("<p><b>What to do</b></p><{list}>{items}</{list}>"))
}

fn step(step: &Step) -> String {
    let text = escape(&step.text);
    match &step.command {
        Some(command) => format!("<li>{text}<pre>{}</pre></li>", escape(command)),
        None => format!("<li>{text}</li>"),
    }
}

fn link(link: &Link) -> String {
    let (url, label) = (escape(&link.url), escape(&link.label));
    format!("<p><a href=\"{url}\">{label}</a></p>")
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
    use crate::Audience;

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
