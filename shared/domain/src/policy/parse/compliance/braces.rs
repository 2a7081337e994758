//! Texts in which a name in braces stands for a value.

/// Returns the names in braces, in their order.
pub(super) fn braces(text: &str) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            return Err(format!("has a brace that is not closed: {text:?}"));
        };
        if before.contains('}') || name.contains('{') {
            return Err(format!(
                "has a brace that is not closed or not opened: {text:?}"
            ));
        }
        if name.trim() != name || name.is_empty() {
            return Err(format!(
                "has braces without a name, or with spaces around it: {text:?}"
            ));
        }
        names.push(name.to_owned());
        rest = after;
    }
    if rest.contains('}') {
        return Err(format!("has a brace that is not opened: {text:?}"));
    }
    Ok(names)
}
