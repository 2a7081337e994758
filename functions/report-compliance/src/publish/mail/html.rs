//! A mail as HTML that every mail program shows: tables and inline styles.
//!
//! Outlook on Windows does not hand styles down into tables, so that each cell has its own. No text
//! has a colour: what is less important is small or translucent, and what is coloured stands out
//! from white and from black.

use banto_domain::compliance::Severity;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::letter::{Bar, Column, Item, Letter, Link, Number, Part, Shares, Table, Tone};
use super::words;

/// Colours of shares that people with any sight for colours tell apart. (ColorBrewer, Dark2.)
const COMPLIANT: &str = "#1b9e77";
const OPEN: &str = "#d95f02";
const REST: &str = "#8c959f";

const BODY: &str = "font:14px/20px 'Segoe UI',Arial,sans-serif";
const VALUE: &str =
    "font:14px/20px 'Segoe UI',Arial,sans-serif;white-space:nowrap;padding-left:8px";
/// Outlook makes a line as high as its font's, unless it is told exactly.
const STRIPE: &str = "font-size:1px;line-height:8px;mso-line-height-rule:exactly";
const SMALL: &str = "font:12px/16px 'Segoe UI',Arial,sans-serif";
const KICKER: &str = "margin:0 0 8px;opacity:.75";
const HEADLINE: &str = "margin:0 0 8px;font:bold 22px/28px 'Segoe UI',Arial,sans-serif";
const HEADING: &str = "margin:28px 0 8px;font:bold 16px/22px 'Segoe UI',Arial,sans-serif";
const PARAGRAPH: &str = "margin:0 0 8px";
const REMARK: &str = "margin:8px 0 0;font:12px/16px 'Segoe UI',Arial,sans-serif;opacity:.75";
const LIST: &str = "margin:0 0 0 24px;padding:0";
const ENTRY: &str = "margin:0 0 10px";
const LINE: &str = "opacity:.8";

/// The whole document.
pub(super) fn render(letter: &Letter) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="supported-color-schemes" content="light dark";
                // Else phones make numbers of accounts into numbers to call.
                meta name="format-detection" content="telephone=no, date=no, address=no";
                title { (clean(&letter.subject)) }
            }
            body style="margin:0;padding:0" {
                table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" {
                    tr { td align="center" style="padding:16px" { (content(letter)) } }
                }
            }
        }
    };
    document.into_string()
}

/// Outlook takes the width from the attribute, and all others from the style.
fn content(letter: &Letter) -> Markup {
    html! {
        table role="presentation" width="640" cellpadding="0" cellspacing="0" border="0"
            style="width:100%;max-width:640px" {
            tr {
                td align="left" style=(format!("{BODY};word-break:break-word")) {
                    p style=(KICKER) { (clean(&letter.kicker)) }
                    h1 style=(HEADLINE) { (clean(&letter.headline)) }
                    @for section in &letter.parts { (part(section)) }
                }
            }
        }
    }
}

fn part(part: &Part) -> Markup {
    match part {
        Part::Heading(text) => html! { h2 style=(HEADING) { (clean(text)) } },
        Part::Paragraph(text) => html! { p style=(PARAGRAPH) { (clean(text)) } },
        Part::Remark(text) => html! { p style=(REMARK) { (clean(text)) } },
        Part::Numbers(all) => numbers(all),
        Part::Steps(items) => html! {
            ol style=(LIST) { @for item in items { (entry(item)) } }
        },
        Part::Items(items) => html! {
            ul style=(LIST) { @for item in items { (entry(item)) } }
        },
        Part::Bars(all) => bars(all),
        Part::Table(all) => table(all),
        Part::Link(to) => html! { p style=(PARAGRAPH) { b { (link(to)) } } },
    }
}

/// Three numbers a row: so many are readable on a telephone.
fn numbers(all: &[Number]) -> Markup {
    html! {
        table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"
            style="margin:16px 0" {
            @for row in all.chunks(3) {
                tr { @for one in row { (number(one)) } }
            }
        }
    }
}

fn number(number: &Number) -> Markup {
    let colour = match number.tone {
        Tone::Good => COMPLIANT,
        Tone::Bad => OPEN,
        Tone::Unsure => REST,
    };
    let cell = format!("{SMALL};padding:8px 8px 12px 0;border-top:3px solid {colour}");
    html! {
        td width="33%" valign="top" style=(cell) {
            (number.label) br;
            b style="font:bold 22px/28px 'Segoe UI',Arial,sans-serif" { (clean(&number.value)) }
            @if !number.note.is_empty() { br; span style=(LINE) { (clean(&number.note)) } }
        }
    }
}

fn entry(item: &Item) -> Markup {
    html! {
        li style=(ENTRY) {
            @if let Some(severity) = item.severity { (mark(severity)) }
            b { (linked(&item.title, item.url.as_deref())) }
            @for line in &item.lines { br; span style=(LINE) { (clean(line)) } }
            @if let Some(to) = &item.link { br; (link(to)) }
        }
    }
}

/// The colour is for the eye alone: the word says the same.
fn mark(severity: Severity) -> Markup {
    let colour = match severity {
        Severity::Critical => "#d1242f",
        Severity::High => OPEN,
        Severity::Medium => "#b58900",
        Severity::Low => REST,
    };
    html! {
        span aria-hidden="true" style=(format!("color:{colour}")) { "■" }
        " " (severity.as_str()) " · "
    }
}

fn bars(all: &[Bar]) -> Markup {
    html! {
        table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" {
            @for one in all {
                tr {
                    td style=(BODY) { (linked(&one.label, one.url.as_deref())) }
                    td align="right" valign="top" style=(VALUE) {
                        b { (clean(&one.value)) }
                    }
                }
                tr { td colspan="2" style="padding:2px 0" { (shares(one.shares)) } }
                tr {
                    td colspan="2" style=(format!("{SMALL};padding-bottom:10px")) {
                        span style=(LINE) { (clean(&one.note)) }
                    }
                }
            }
        }
        (legend())
    }
}

/// The text beside it says the same.
fn shares(shares: Shares) -> Markup {
    let parts = [
        (shares.compliant, COMPLIANT),
        (shares.open, OPEN),
        (shares.rest, REST),
    ];
    html! {
        table role="presentation" aria-hidden="true" width="100%"
            cellpadding="0" cellspacing="0" border="0" {
            tr {
                @for (share, colour) in parts {
                    @if share > 0 {
                        td width=(format!("{share}%"))
                            style=(format!("background-color:{colour};{STRIPE}")) {
                            (PreEscaped("&nbsp;"))
                        }
                    }
                }
            }
        }
    }
}

fn legend() -> Markup {
    let kinds = [
        (COMPLIANT, "compliant "),
        (OPEN, "open "),
        (REST, "waived or unknown"),
    ];
    html! {
        p aria-hidden="true" style=(format!("margin:0;{SMALL}")) {
            @for (colour, kind) in kinds {
                span style=(format!("color:{colour}")) { "■" } " " (kind)
            }
        }
    }
}

fn table(table: &Table) -> Markup {
    let last = table.columns.len().saturating_sub(1);
    html! {
        table width="100%" cellpadding="0" cellspacing="0" border="0" {
            tr {
                @for (place, column) in table.columns.iter().enumerate() {
                    th scope="col" align=(align(*column)) valign="bottom"
                        style=(cell(*column, place == last)) {
                        (column.title)
                    }
                }
            }
            @for row in &table.rows {
                tr {
                    @for (place, (value, column)) in row.iter().zip(&table.columns).enumerate() {
                        td align=(align(*column)) valign="top"
                            style=(cell(*column, place == last)) {
                            (clean(value))
                        }
                    }
                }
            }
        }
    }
}

fn align(column: Column) -> &'static str {
    if column.is_number { "right" } else { "left" }
}

fn cell(column: Column, is_last: bool) -> String {
    let wrap = if column.is_number {
        ";white-space:nowrap"
    } else {
        ""
    };
    let gap = if is_last { 0 } else { 12 };
    format!("{SMALL};padding:4px {gap}px 4px 0;border-bottom:1px solid {REST}{wrap}")
}

/// A text that leads to a page, in the colour of text: blue ones would drown all else.
fn linked(text: &str, url: Option<&str>) -> Markup {
    match url {
        Some(url) => html! { a href=(url) style="color:inherit" { (clean(text)) } },
        None => html! { (clean(text)) },
    }
}

fn link(link: &Link) -> Markup {
    html! { a href=(link.url) { (clean(&link.label)) } }
}

/// Every text that others wrote, in visible characters.
fn clean(text: &str) -> String {
    words::one_line(text)
}
