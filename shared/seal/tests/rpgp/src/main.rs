//! rPGP behind the commands of Stateless OpenPGP: `generate-key KIND`, `extract-cert`, and
//! `decrypt KEYFILE`.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read as _};

use pgp::composed::{
    ArmorOptions, Deserializable as _, EncryptionCaps, KeyType, Message, SecretKeyParamsBuilder, SignedPublicKey,
    SignedSecretKey, SubkeyParamsBuilder,
};
use pgp::crypto::ecc_curve::ECCCurve;
use pgp::types::{KeyVersion, Password};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().ok_or("name a command")?;
    match command.as_str() {
        "generate-key" => generate(&arguments.next().ok_or("name a kind of key")?),
        "extract-cert" => extract(),
        "decrypt" => decrypt(&arguments.next().ok_or("name a key")?),
        _ => Err("no such command".into()),
    }
}

fn generate(kind: &str) -> Result<(), Box<dyn Error>> {
    let (version, primary, subkey) = key_types(kind).ok_or("no such kind of key")?;
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
    print!("{}", key.to_armored_string(ArmorOptions::default())?);
    Ok(())
}

fn extract() -> Result<(), Box<dyn Error>> {
    let (key, _headers) = SignedSecretKey::from_armor_single(io::stdin().lock())?;
    print!("{}", SignedPublicKey::from(key).to_armored_string(ArmorOptions::default())?);
    Ok(())
}

fn decrypt(file: &str) -> Result<(), Box<dyn Error>> {
    let (key, _headers) = SignedSecretKey::from_armor_single(File::open(file)?)?;
    let mut stored = String::new();
    io::stdin().lock().read_to_string(&mut stored)?;
    let (message, _headers) = Message::from_string(&stored)?;
    let mut opened = message.decrypt(&Password::empty(), &key)?;
    if opened.is_compressed() {
        opened = opened.decompress()?;
    }
    print!("{}", opened.as_data_string()?);
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
