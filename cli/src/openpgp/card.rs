//! Smartcards: what gpg knows of the one in the reader, and what a person does with it.

use super::{Kind, OpenPgpError, Program, gpg};

/// A smartcard in the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its application id, by which gpg's listings name it.
    pub serial: String,
    /// Whoever made it, as in `Yubico`.
    pub vendor: String,
    /// The fingerprint of the key that decrypts, if it has one.
    pub encryption: Option<String>,
    /// Tries that are left for the PIN.
    pub pin_tries: Option<u32>,
    /// True if it decrypts only once it is touched; `None` if it does not tell.
    pub touch: Option<bool>,
}

impl Program {
    /// The smartcard in the reader, if there is one and gpg can use it.
    ///
    /// # Errors
    /// An [`OpenPgpError`] if gpg can't be run; no card is no error.
    pub async fn card(&self) -> Result<Option<Card>, OpenPgpError> {
        if self.kind() != Kind::Gpg {
            return Ok(None);
        }
        Ok(gpg::card_status(self)
            .await?
            .as_deref()
            .and_then(Card::read))
    }
}

impl Card {
    /// Sentences for whoever has the key on this card, or wants it there.
    pub fn what_to_do(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        let vendor = if self.vendor.is_empty() {
            "an unknown maker"
        } else {
            &self.vendor
        };
        sentences.push(format!(
            "The smartcard {} of {vendor} is in the reader.",
            self.serial
        ));
        if self.encryption.is_none() {
            sentences.push(
                "It has no encryption key, without which nothing can be sealed to it. `gpg --card-edit`, then `admin` and \
                 `generate`, makes a key on the card; `gpg --edit-key FINGERPRINT`, then `key 1` and `keytocard`, moves an \
                 encryption subkey there."
                    .to_owned(),
            );
        }
        match self.pin_tries {
            Some(0) => sentences.push(
                "Its PIN is blocked. `gpg --card-edit`, then `admin` and `passwd`, unblocks it with the admin PIN."
                    .to_owned(),
            ),
            Some(1) => sentences.push("One more wrong PIN blocks it.".to_owned()),
            _ => {}
        }
        sentences.push(match self.touch {
            Some(true) => {
                "gpg asks for the card's PIN. Then touch the card while it blinks.".to_owned()
            }
            Some(false) => "gpg asks for the card's PIN.".to_owned(),
            None => "gpg asks for the card's PIN. If the card blinks then, touch it.".to_owned(),
        });
        sentences
    }

    /// Reads `gpg --card-status --with-colons`.
    pub(super) fn read(status: &str) -> Option<Self> {
        let row = |name: &str| {
            let rows = status
                .lines()
                .map(|line| line.split(':').collect::<Vec<_>>());
            let mut rows = rows.filter(|row| row.first() == Some(&name));
            rows.next().unwrap_or_default()
        };
        let field = |name: &str, index: usize| row(name).get(index).copied().unwrap_or_default();
        let reader = row("Reader");
        let serial = reader.iter().position(|field| *field == "AID");
        let serial = serial
            .and_then(|at| reader.get(at + 1))
            .filter(|serial| !serial.is_empty())?;
        Some(Self {
            serial: (*serial).to_owned(),
            vendor: super::shown(field("vendor", 2)),
            encryption: Some(field("fpr", 2).to_owned()).filter(|text| !text.is_empty()),
            pin_tries: field("pinretry", 1).parse().ok(),
            // For signing, decrypting and authenticating: 0 is off (gpg's `uif`).
            touch: field("uif", 2).parse::<u8>().ok().map(|flag| flag != 0),
        })
    }
}
