//! Reads the XML of answers. Elements go by their local names, since namespaces change with an
//! API's version.

use banto_ports::PortError;
use roxmltree::{Document, Node};

use crate::errors::lacking;

/// An answer as a tree.
pub(crate) fn document<'a>(call: &'static str, text: &'a str) -> Result<Document<'a>, PortError> {
    Document::parse(text).map_err(|_| lacking(call, "XML that can be read"))
}

/// The code and the message of an error. (EC2 API reference, "Error codes"; S3 API reference,
/// "Error responses".)
pub(crate) fn error(text: &str) -> (Option<String>, Option<String>) {
    let Ok(document) = Document::parse(text) else {
        return (None, None);
    };
    let text_of = |name: &str| {
        document
            .descendants()
            .find(|node| node.is_named(name))
            .and_then(|node| node.text())
    };
    (
        text_of("Code").map(str::to_owned),
        text_of("Message").map(str::to_owned),
    )
}

/// What is asked of an element here.
pub(crate) trait Element<'a> {
    /// True if its name is this one.
    fn is_named(&self, name: &str) -> bool;
    /// The text of its child of that name.
    fn text_of(&self, child: &str) -> Option<&'a str>;
    /// Its child of that name.
    fn child(&self, name: &str) -> Option<Node<'a, 'a>>;
}

impl<'a> Element<'a> for Node<'a, 'a> {
    fn is_named(&self, name: &str) -> bool {
        self.tag_name().name() == name
    }

    fn text_of(&self, child: &str) -> Option<&'a str> {
        self.child(child)?.text()
    }

    fn child(&self, name: &str) -> Option<Node<'a, 'a>> {
        self.children().find(|node| node.is_named(name))
    }
}
