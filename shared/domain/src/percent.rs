//! Percent-encoding of what goes into URLs and forms.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the unreserved characters. (RFC 3986, section 2.3; AWS signs requests in this form, too:
/// IAM user guide, "Create a signed AWS API request".)
const RESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A text as a value in a URL's path or query or in a form.
///
/// ```
/// use banto_domain::percent_encoded;
/// assert_eq!(percent_encoded("/developers/ a+b=ä"), "%2Fdevelopers%2F%20a%2Bb%3D%C3%A4");
/// assert_eq!(percent_encoded("read-only_v1.2~x"), "read-only_v1.2~x");
/// ```
pub fn percent_encoded(text: &str) -> String {
    utf8_percent_encode(text, &RESERVED).to_string()
}
