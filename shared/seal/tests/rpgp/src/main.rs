//! Makes a key of the asked kind, prints its certificate as one JSON line, reads an envelope as one
//! JSON line, and prints what was inside as another. The secret key never leaves this process.

use std::error::Error;
use std::io::{self, BufRead as _};

use pgp::composed::{
    ArmorOptions, EncryptionCaps, KeyType, Message, SecretKeyParamsBuilder, SignedPublicKey, SubkeyParamsBuilder,
};
use pgp::crypto::ecc_curve::ECCCurve;
use pgp::types::{KeyDetails as _, KeyVersion, Password};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let kind = std::env::args().nth(1).ok_or("name a kind of key")?;
    let (version, primary, subkey) = key_types(&kind).ok_or("no such kind of key")?;
    let subkey =
        SubkeyParamsBuilder::default().version(version).key_type(subkey).can_encrypt(EncryptionCaps::All).build()?;
    let key = SecretKeyParamsBuilder::default()
        .version(version)
        .key_type(primary)
        .can_certify(true)
        .can_sign(true)
        .primary_user_id("Alice <alice@example.com>".into())
        .subkeys(vec![subkey])
        .build()?
        .generate(rand::thread_rng())?;

    let certificate = SignedPublicKey::from(key.clone()).to_armored_string(ArmorOptions::default())?;
    let fingerprint = format!("{:X}", key.fingerprint());
    println!("{}", json!({ "certificate": certificate, "fingerprint": fingerprint }));

    let line = io::stdin().lock().lines().next().ok_or("no envelope came")??;
    let stored: String = serde_json::from_str(&line)?;
    let (message, _headers) = Message::from_string(&stored)?;
    let mut opened = message.decrypt(&Password::empty(), &key)?;
    if opened.is_compressed() {
        opened = opened.decompress()?;
    }
    println!("{}", Value::from(opened.as_data_string()?));
    Ok(())
}

fn key_types(kind: &str) -> Option<(KeyVersion, KeyType, KeyType)> {
    let nist = |curve: ECCCurve| (KeyVersion::V4, KeyType::ECDSA(curve.clone()), KeyType::ECDH(curve));
    let rsa = |bits| (KeyVersion::V4, KeyType::Rsa(bits), KeyType::Rsa(bits));
    Some(match kind {
        "curve25519" => (KeyVersion::V4, KeyType::Ed25519Legacy, KeyType::ECDH(ECCCurve::Curve25519Legacy)),
        "curve25519-v6" => (KeyVersion::V6, KeyType::Ed25519, KeyType::X25519),
        "nist-p256" => nist(ECCCurve::P256),
        "nist-p384" => nist(ECCCurve::P384),
        "nist-p521" => nist(ECCCurve::P521),
        "rsa2048" => rsa(2048),
        "rsa3072" => rsa(3072),
        "rsa4096" => rsa(4096),
        _ => return None,
    })
}
