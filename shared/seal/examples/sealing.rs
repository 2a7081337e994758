//! Prints how long sealing a key takes for each kind of recipient; the budget is a millisecond.
//! `cargo run --release --package banto-seal --example sealing`

use std::time::Instant;

use banto_seal::holder::{Holder, Kind, Lifetime};
use banto_seal::{Credential, Recipient};
use jiff::Timestamp;
use secrecy::SecretString;

const ROUNDS: u32 = 50;

#[expect(clippy::print_stdout, reason = "its output is what it is for")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let now = Timestamp::now();
    let secret = SecretString::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let (account, user, key) = ("111122223333".parse()?, "alice".parse()?, "AKIAIOSFODNN7EXAMPLE".parse()?);
    let credential = Credential { account: &account, user: &user, key: &key, secret: &secret, created_at: now };
    println!("{:<14} {:>9} {:>9}", "recipient", "parse µs", "seal µs");
    for kind in [
        Kind::Curve25519,
        Kind::Curve25519V6,
        Kind::NistP256,
        Kind::NistP384,
        Kind::NistP521,
        Kind::Rsa2048,
        Kind::Rsa3072,
        Kind::Rsa4096,
    ] {
        let holder = Holder::generate("Alice", kind, Lifetime { from: now, until: None })?;
        let certificate = holder.certificate()?;
        let parsing = Instant::now();
        for _ in 0..ROUNDS {
            Recipient::parse(certificate.as_bytes(), holder.fingerprint(), now)?;
        }
        let parsing = parsing.elapsed();
        let recipient = Recipient::parse(certificate.as_bytes(), holder.fingerprint(), now)?;
        let sealing = Instant::now();
        for _ in 0..ROUNDS {
            recipient.seal(&credential)?;
        }
        let sealing = sealing.elapsed();
        let name = format!("{kind:?}");
        println!("{name:<14} {:>9} {:>9}", (parsing / ROUNDS).as_micros(), (sealing / ROUNDS).as_micros());
    }
    Ok(())
}
