//! The use of a key, in words.

use banto_notice::text::day;
use banto_ports::LastUse;

/// Returns where and when a key was last used, as in "s3 in eu-west-1 on 24 Nov 2026".
pub(super) fn used(last_use: &LastUse) -> String {
    let LastUse {
        at,
        service,
        region,
    } = last_use;
    format!("{service} in {region} on {}", day(*at))
}
