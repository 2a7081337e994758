//! OpenPGP certificates in, envelopes out; the only crate that names sequoia.
//!
//! A [`Certificate`] is what somebody registered, read but not judged. A [`Recipient`] exists only
//! if its certificate can be encrypted to at a given instant; an [`Envelope`] exists only if it was
//! read back and has exactly that recipient.
//!
//! Deliberately absent: storage, delivery, and (but for [`holder`], which is for the demo and for
//! tests) every secret key. `sequoia-openpgp` is LGPL-2.0-or-later; `README.md` says what that
//! means for a binary that links it.

mod acknowledgement;
mod certificate;
mod diagnosis;
mod envelope;
mod header;
pub mod holder;
mod instant;
mod kept;
mod recipient;
mod refusal;
mod text;

pub use acknowledgement::{AcknowledgementError, AcknowledgementProblem};
pub use certificate::Certificate;
pub use envelope::{Credential, Envelope, SealError, recipients_of};
pub use recipient::Recipient;
pub use refusal::{Refusal, Weakness};
