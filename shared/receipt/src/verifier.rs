//! Checks signatures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::Signature;
use p256::ecdsa::signature::hazmat::PrehashVerifier;

use crate::public_key::PublicKey;
use crate::text::{digest, without_signature};

/// The keys that a signature may be of: the present one, and those before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    keys: Vec<PublicKey>,
}

/// A text that none of the keys signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// It has no signature.
    #[error("it is not signed")]
    Unsigned,
    /// Its signature is of something else, or of another key.
    #[error("its signature is of another text, or of a key that the policy does not name")]
    Wrong,
}

impl Verifier {
    /// A verifier that believes these keys.
    pub fn new(keys: Vec<PublicKey>) -> Self {
        Self { keys }
    }

    /// Returns the text that one of the keys signed, without its signature.
    ///
    /// # Errors
    /// If none did.
    pub fn verify(&self, text: &str) -> Result<String, ReceiptError> {
        let (text, signature) = without_signature(text);
        let signature = signature.ok_or(ReceiptError::Unsigned)?;
        let signature = STANDARD
            .decode(signature)
            .map_err(|_| ReceiptError::Wrong)?;
        let signature = Signature::from_der(&signature).map_err(|_| ReceiptError::Wrong)?;
        let digest = digest(&text);
        let is_by = |key: &PublicKey| key.key().verify_prehash(&digest, &signature).is_ok();
        if self.keys.iter().any(is_by) {
            Ok(text)
        } else {
            Err(ReceiptError::Wrong)
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use p256::ecdsa::SigningKey;
    use p256::ecdsa::signature::hazmat::PrehashSigner;
    use p256::pkcs8::EncodePublicKey;
    use proptest::prelude::*;

    use super::*;
    use crate::with_signature;

    const TEXT: &str = "{\"sequence\":1}\n\n-----BEGIN PGP MESSAGE-----\n\nabc\n";

    fn key(number: u8) -> SigningKey {
        SigningKey::from_slice(&[number; 32]).unwrap()
    }

    fn public(number: u8) -> PublicKey {
        let public = p256::PublicKey::from(key(number).verifying_key());
        let der = public.to_public_key_der().unwrap();
        STANDARD.encode(der.as_bytes()).parse().unwrap()
    }

    fn signature(number: u8, text: &str) -> Vec<u8> {
        let signature: Signature = key(number).sign_prehash(&digest(text)).unwrap();
        signature.to_der().as_bytes().to_vec()
    }

    fn signed(number: u8, text: &str) -> String {
        with_signature(text, &signature(number, text))
    }

    #[test]
    fn the_text_that_was_signed_comes_back_whichever_of_the_keys_signed_it() {
        let verifier = Verifier::new(vec![public(1), public(2)]);
        for number in [1, 2] {
            assert_eq!(verifier.verify(&signed(number, TEXT)), Ok(TEXT.to_owned()));
        }
        assert_eq!(verifier.verify(&signed(3, TEXT)), Err(ReceiptError::Wrong));
        let none = Verifier::new(Vec::new());
        assert_eq!(none.verify(&signed(1, TEXT)), Err(ReceiptError::Wrong));
    }

    #[test]
    fn a_signature_with_either_of_its_two_halves_counts_as_kms_makes_both() {
        let verifier = Verifier::new(vec![public(1)]);
        let low: Signature = key(1).sign_prehash(&digest(TEXT)).unwrap();
        let (r, s) = low.split_scalars();
        let high = Signature::from_scalars(r, -s).unwrap();
        for signature in [low, high] {
            let text = with_signature(TEXT, signature.to_der().as_bytes());
            assert_eq!(verifier.verify(&text), Ok(TEXT.to_owned()));
        }
    }

    #[test]
    fn a_text_without_a_signature_in_its_place_is_unsigned() {
        let verifier = Verifier::new(vec![public(1)]);
        let whole = signed(1, TEXT);
        let line = whole.lines().nth(1).unwrap();
        let late = format!("{TEXT}{line}\n");
        let early = format!("{line}\n{TEXT}");
        let spaced = whole.replacen("{\"signature\":\"", "{\"signature\": \"", 1);
        for text in [TEXT, "", "\n", "{}", &late, &early, &spaced] {
            assert_eq!(verifier.verify(text), Err(ReceiptError::Unsigned), "{text}");
        }
    }

    #[test]
    fn a_second_signature_is_a_part_of_the_text() {
        let verifier = Verifier::new(vec![public(1)]);
        let whole = signed(1, TEXT);
        let line = whole.lines().nth(1).unwrap();
        let twice = whole.replacen(line, &format!("{line}\n{line}"), 1);
        assert!(verifier.verify(&twice).is_err());
    }

    proptest! {
        #[test]
        fn a_change_anywhere_in_a_signed_text_is_noticed(
            place in any::<prop::sample::Index>(),
            byte in 32u8..127,
        ) {
            let verifier = Verifier::new(vec![public(1)]);
            let whole = signed(1, TEXT);
            let mut changed = whole.clone().into_bytes();
            let place = place.index(changed.len());
            prop_assume!(changed[place] != byte);
            changed[place] = byte;
            let changed = String::from_utf8(changed).unwrap();
            prop_assert!(verifier.verify(&changed).is_err());
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,20}\n?(\\{\"signature\":\"[A-Za-z0-9+/=]{0,100}\"\\})?\n{0,2}\\PC{0,20}") {
            prop_assert!(Verifier::new(vec![public(1)]).verify(&text).is_err());
        }

        #[test]
        fn a_signature_that_was_put_in_is_taken_out_again(
            header in "[^\n]{0,40}",
            envelope in "(-----BEGIN [^\\r]{0,40})?",
            signature in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            let text = format!("{header}\n\n{envelope}");
            let whole = with_signature(&text, &signature);
            let expected = STANDARD.encode(&signature);
            prop_assert_eq!(crate::without_signature(&whole), (text, Some(expected.as_str())));
        }
    }
}
