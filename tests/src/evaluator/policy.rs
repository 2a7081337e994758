//! A function's policy as it is deployed: its file, with the names of the local world in it.

use std::fmt;

use serde_json::Value;

/// A policy without anything to be filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy(Value);

/// An action as one statement of a policy allows it: the same action in another statement is
/// another permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    pub sid: &'static str,
    pub action: &'static str,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.action, self.sid)
    }
}

impl Policy {
    /// Fills a template in. Within a list a name may be several, with `", "` between them.
    pub fn render(template: &str, names: &[(&str, String)]) -> Self {
        let text = names
            .iter()
            .fold(template.to_owned(), |text, (name, value)| {
                let place = format!("${{{name}}}");
                assert!(text.contains(&place), "the policy has no {place}");
                text.replace(&place, value)
            });
        assert!(!text.contains("${"), "not filled in: {text}");
        Self(serde_json::from_str(&text).unwrap())
    }

    /// The same with these statements alone.
    pub fn with_statements(mut self, is_kept: impl Fn(&str) -> bool) -> Self {
        let statements = self.statements_mut();
        statements.retain(|statement| is_kept(sid_of(statement)));
        assert!(!statements.is_empty(), "no statement is left");
        self
    }

    /// The same without one permission.
    pub fn without(mut self, permission: Permission) -> Self {
        let statements = self.statements_mut();
        let of_sid = |statement: &&mut Value| sid_of(statement) == permission.sid;
        let statement = statements.iter_mut().find(of_sid).unwrap();
        let mut actions = actions_of(statement);
        let before = actions.len();
        actions.retain(|action| action != permission.action);
        assert_eq!(actions.len() + 1, before, "{permission} is not in it");
        statement["Action"] = actions.into();
        // A statement without an action is none that AWS takes.
        statements.retain(|statement| !actions_of(statement).is_empty());
        self
    }

    fn statements_mut(&mut self) -> &mut Vec<Value> {
        self.0["Statement"].as_array_mut().unwrap()
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Every permission of a template, as `(Sid, action)`.
pub fn permissions(template: &str) -> Vec<(String, String)> {
    let policy: Value = serde_json::from_str(template).unwrap();
    let of_statement = |statement: &Value| {
        let sid = sid_of(statement).to_owned();
        let actions = actions_of(statement).into_iter();
        actions
            .map(move |action| (sid.clone(), action))
            .collect::<Vec<_>>()
    };
    let statements = policy["Statement"].as_array().unwrap();
    statements.iter().flat_map(of_statement).collect()
}

fn sid_of(statement: &Value) -> &str {
    statement["Sid"].as_str().unwrap()
}

fn actions_of(statement: &Value) -> Vec<String> {
    let text = |action: &Value| action.as_str().unwrap().to_owned();
    match &statement["Action"] {
        Value::Array(actions) => actions.iter().map(text).collect(),
        action => vec![text(action)],
    }
}
