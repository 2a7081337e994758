//! The page around the data: the template, the style and the script, and the policy that lets
//! nothing but these run.

use banto_domain::Month;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

const TEMPLATE: &str = include_str!("../../../dashboard/page.html");

/// The style: uPlot's, and ours.
const STYLE: &str = concat!(
    include_str!("../../../dashboard/vendor/uPlot.min.css"),
    include_str!("../../../dashboard/style.css"),
    include_str!("../../../dashboard/sections.css"),
);

/// The script: uPlot, and ours. Together they are one module, so that nothing in it is global.
const SCRIPT: &str = concat!(
    include_str!("../../../dashboard/vendor/uPlot.iife.min.js"),
    include_str!("../../../dashboard/js/dom.js"),
    include_str!("../../../dashboard/js/data.js"),
    include_str!("../../../dashboard/js/rows.js"),
    include_str!("../../../dashboard/js/filter.js"),
    include_str!("../../../dashboard/js/csv.js"),
    include_str!("../../../dashboard/js/cards.js"),
    include_str!("../../../dashboard/js/trend.js"),
    include_str!("../../../dashboard/js/heatmap.js"),
    include_str!("../../../dashboard/js/breakdown.js"),
    include_str!("../../../dashboard/js/coverage.js"),
    include_str!("../../../dashboard/js/recording.js"),
    include_str!("../../../dashboard/js/resources.js"),
    include_str!("../../../dashboard/js/main.js"),
);

/// Fills the template in. Data comes last, and is Base64: nothing in it is taken for a place to
/// fill.
pub(super) fn filled(month: Month, data: &str, loads_files: bool) -> String {
    TEMPLATE
        .replace("{{policy}}", &security_policy(loads_files))
        .replace("{{month}}", &month.to_string())
        .replace("{{style}}", STYLE)
        .replace("{{script}}", SCRIPT)
        .replace("{{data}}", data)
}

/// The page's Content Security Policy: its own style and script by their hashes, and no request to
/// anywhere. Only a page that has files beside it may load scripts from there.
fn security_policy(loads_files: bool) -> String {
    let beside = if loads_files { " 'self'" } else { "" };
    format!(
        "default-src 'none'; script-src {}{beside}; style-src {}; img-src data:; \
         base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
}

/// A hash as policies have it. (Content Security Policy Level 3, section 2.3.1, "Source Lists".)
fn hash(inline: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(inline)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_style_and_script_ends_their_elements() {
        for text in [SCRIPT, STYLE] {
            let text = text.to_lowercase();
            assert!(!text.contains("</script") && !text.contains("<!--"));
            assert!(!text.contains("</style") && !text.contains("{{"));
        }
    }

    #[test]
    fn the_script_makes_no_html_and_no_code_of_texts_and_sends_nothing() {
        let ours = SCRIPT
            .split_once("uPlot.fmtDate")
            .map_or("", |(_, ours)| ours);
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "fetch(",
            "XMLHttpRequest",
        ] {
            assert!(!ours.contains(forbidden), "{forbidden}");
            assert!(!SCRIPT.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn only_a_page_with_files_beside_it_loads_scripts_from_there() {
        let month = "2026-10".parse().unwrap();
        assert!(!filled(month, "", false).contains("'self'"));
        assert!(filled(month, "", true).contains("' 'self'; style-src"));
    }
}
