//! Chooses the certificate: by options, or by asking.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use banto_domain::Fingerprint;
use banto_seal::{Certificate, Refusal};

use super::options::Options;
use super::show;
use crate::ask;
use crate::ending::misused;
use crate::openpgp::{self, Candidate, Kind, Program};

/// A certificate that was chosen.
pub(super) struct Chosen {
    pub(super) fingerprint: Fingerprint,
    /// The certificate as it is, armored or not.
    pub(super) bytes: Vec<u8>,
    /// The program that has its secret key; `None` where a file was named.
    pub(super) candidate: Option<Candidate>,
    /// All others whose secret key is here.
    pub(super) own: Vec<Candidate>,
}

/// The place where certificates are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum From {
    Anywhere,
    Gpg,
    Sq,
    File(PathBuf),
}

impl From {
    pub(super) fn of(option: Option<&str>) -> Self {
        match option {
            None => Self::Anywhere,
            Some("gpg") => Self::Gpg,
            Some("sq") => Self::Sq,
            Some(file) => Self::File(file.into()),
        }
    }

    fn takes(&self, program: &Program) -> bool {
        match self {
            Self::Gpg => program.kind() == Kind::Gpg,
            Self::Sq => program.kind() != Kind::Gpg,
            Self::Anywhere | Self::File(_) => true,
        }
    }
}

/// Chooses. `begun` is the certificate that is stored and not pinned yet.
pub(super) async fn choose(options: &Options, begun: Option<&Fingerprint>) -> Result<Chosen> {
    let from = From::of(options.from.as_deref());
    let programs = super::super::programs(options.key_file.as_deref()).await;
    if let From::File(file) = &from {
        let bytes = std::fs::read(file)
            .with_context(|| {
                format!(
                    "can't read the certificate in {} (or say gpg or sq)",
                    file.display()
                )
            })
            .map_err(misused)?;
        // A former certificate may be with a program nonetheless.
        let own = match &programs {
            Ok(programs) => openpgp::own(programs).await.unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        return of_file(options, file, bytes, own);
    }
    let programs: Vec<Program> = programs?
        .into_iter()
        .filter(|one| from.takes(one))
        .collect();
    let Some(first) = programs.first() else {
        bail!(
            "{} is not installed: choose another --from",
            options.from.as_deref().unwrap_or("gpg")
        );
    };
    let mut own = openpgp::own(&programs).await?;
    let wanted = Wants {
        fingerprint: options.fingerprint.as_deref(),
        make: options.make,
        begun,
    };
    let candidate = match pick(&own, &wanted)? {
        Picked::One(candidate) => candidate.clone(),
        Picked::OneOf(usable) => {
            let items: Vec<String> = usable.iter().map(|one| show::candidate(one)).collect();
            let question = "Which certificate are new keys to be sealed to?";
            let chosen = ask::choose(question, &items, "--fingerprint FINGERPRINT")
                .with_context(|| format!("these are here:\n{}", items.join("\n")))?;
            usable
                .get(chosen)
                .map(|one| (*one).clone())
                .context("none was chosen")?
        }
        Picked::Make => {
            let made = make(options, first).await?;
            own = openpgp::own(&programs).await?;
            let found = own.iter().find(|one| one.fingerprint == made).cloned();
            found.with_context(|| format!("{first} does not show the new certificate {made}"))?
        }
    };
    let bytes = candidate.program.export(&candidate.fingerprint).await?;
    Ok(Chosen {
        fingerprint: candidate.fingerprint.clone(),
        bytes,
        candidate: Some(candidate),
        own,
    })
}

fn of_file(options: &Options, file: &Path, bytes: Vec<u8>, own: Vec<Candidate>) -> Result<Chosen> {
    let found = Certificate::read(&bytes).map(|certificate| certificate.fingerprint());
    let named = options
        .fingerprint
        .as_deref()
        .map(Fingerprint::from_human)
        .transpose()?;
    let fingerprint = match (named, found) {
        (None, Ok(found)) => found.parse()?,
        (_, Err(Refusal::SecretKey)) => {
            let file = file.display();
            return Err(misused(anyhow!(
                "{file} has your secret key, and nothing of it was sent: give it as `--key-file {file}`, \
                 or give the certificate alone, which `sq key extract-cert {file}` or `gpg --export` \
                 writes"
            )));
        }
        (Some(named), _) => named,
        (None, Err(refusal)) => bail!("{} ({})", refusal, refusal.code()),
    };
    Ok(Chosen {
        candidate: own
            .iter()
            .find(|one| one.fingerprint == fingerprint)
            .cloned(),
        fingerprint,
        bytes,
        own,
    })
}

/// What the options and the certificates at hand say.
#[derive(Debug)]
pub(super) enum Picked<'a> {
    One(&'a Candidate),
    OneOf(Vec<&'a Candidate>),
    Make,
}

/// What is asked for, and what an interrupted command began.
#[derive(Debug, Default)]
pub(super) struct Wants<'a> {
    fingerprint: Option<&'a str>,
    make: bool,
    begun: Option<&'a Fingerprint>,
}

/// Picks. The same command again goes on with what it began, and makes no second certificate.
pub(super) fn pick<'a>(own: &'a [Candidate], wants: &Wants<'_>) -> Result<Picked<'a>> {
    let begun = own.iter().find(|one| wants.begun == Some(&one.fingerprint));
    if let (None, Some(begun)) = (wants.fingerprint, begun) {
        return Ok(Picked::One(begun));
    }
    if wants.make {
        return Ok(Picked::Make);
    }
    if let Some(fingerprint) = wants.fingerprint {
        let named = Fingerprint::from_human(fingerprint)?;
        let found = own.iter().find(|one| one.fingerprint == named);
        return Ok(Picked::One(found.with_context(|| {
            format!("there is no secret key of {named} here: look at `gpg --list-secret-keys`")
        })?));
    }
    // One that can only sign opens nothing. It is among the choices if there is no better.
    let encrypting: Vec<&Candidate> = own.iter().filter(|one| one.encryption.is_some()).collect();
    let choices = if encrypting.is_empty() {
        own.iter().collect()
    } else {
        encrypting
    };
    Ok(match choices.as_slice() {
        [] => Picked::Make,
        [only] => Picked::One(only),
        _ => Picked::OneOf(choices),
    })
}

/// Has the program make one, once the person agrees.
async fn make(options: &Options, program: &Program) -> Result<Fingerprint> {
    if program.kind() == Kind::SqOfFiles && options.key_file.is_none() {
        return Err(misused(anyhow!(
            "{program} keeps no keys of its own: name the file of your secret key with --key-file FILE, \
             where --make writes a new one"
        )));
    }
    if !options.make {
        let question = format!("You have no OpenPGP certificate. Let {program} make one?");
        if !ask::confirm(&question, false).map_err(|error| {
            let option = "--make --name NAME --mail ADDRESS";
            error.context(format!(
                "there is no OpenPGP certificate here: call with {option}"
            ))
        })? {
            bail!("nothing was done: a certificate is needed");
        }
    }
    let name = match &options.name {
        Some(name) => name.clone(),
        None => ask::parsed("Your name", "--name NAME")?,
    };
    let mail = match &options.mail {
        Some(mail) => mail.clone(),
        None => ask::parsed("Your mail address", "--mail ADDRESS")?,
    };
    Ok(program.generate(&name, &mail).await?)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::openpgp::Secret;

    const FIRST: &str = "D1A66E1A23B182C9980F788CFBFCC82A015E7330";
    const SECOND: &str = "1234567890123456789012345678901234567890";
    const SIGNS: &str = "ABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCD";

    fn own(fingerprints: &[&str]) -> Vec<Candidate> {
        let candidate = |fingerprint: &&str| Candidate {
            fingerprint: fingerprint.parse().unwrap(),
            user_ids: vec!["Alice <alice@example.com>".to_owned()],
            created_at: Timestamp::UNIX_EPOCH,
            primary: Secret::Here,
            encryption: (*fingerprint != SIGNS).then_some(Secret::Here),
            program: Program::for_tests(),
        };
        fingerprints.iter().map(candidate).collect()
    }

    /// What is picked, in short: fingerprints, or `make`.
    fn picked(fingerprints: &[&str], wants: &Wants<'_>) -> Result<String> {
        let own = own(fingerprints);
        Ok(match pick(&own, wants)? {
            Picked::One(one) => one.fingerprint.to_string(),
            Picked::OneOf(several) => {
                let names: Vec<_> = several.iter().map(|one| one.fingerprint.as_str()).collect();
                names.join(" or ")
            }
            Picked::Make => "make".to_owned(),
        })
    }

    #[test]
    fn the_only_certificate_that_can_encrypt_is_taken_and_of_several_one_is_asked_for() {
        let nothing = Wants::default();
        for (own, expected) in [
            (&[][..], "make".to_owned()),
            (&[FIRST], FIRST.to_owned()),
            (&[SIGNS, FIRST], FIRST.to_owned()),
            // Its refusal says what is lacking, which a question would not.
            (&[SIGNS], SIGNS.to_owned()),
            (&[FIRST, SIGNS, SECOND], format!("{FIRST} or {SECOND}")),
        ] {
            assert_eq!(picked(own, &nothing).unwrap(), expected, "{own:?}");
        }
    }

    #[test]
    fn a_named_certificate_is_taken_or_it_is_said_that_it_is_not_here() {
        let begun = SECOND.parse().unwrap();
        let named = |fingerprint| Wants {
            fingerprint: Some(fingerprint),
            begun: Some(&begun),
            ..Wants::default()
        };
        let spaced = "d1a6 6e1a 23b1 82c9 980f 788c fbfc c82a 015e 7330";
        for name in [FIRST, spaced] {
            assert_eq!(picked(&[FIRST, SECOND], &named(name)).unwrap(), FIRST);
        }
        let error = picked(&[SECOND], &named(FIRST)).unwrap_err().to_string();
        assert!(error.contains("no secret key of D1A66E1A"), "{error}");
        assert!(picked(&[FIRST], &named("nonsense")).is_err());
    }

    #[test]
    fn the_same_command_again_goes_on_with_what_it_began_and_makes_no_second_one() {
        let begun = SECOND.parse().unwrap();
        for make in [false, true] {
            let wants = |begun| Wants {
                make,
                begun,
                ..Wants::default()
            };
            let own = [FIRST, SECOND];
            assert_eq!(picked(&own, &wants(Some(&begun))).unwrap(), SECOND);
            // What somebody else stored is nothing that was begun here.
            let other = if make { "make" } else { FIRST };
            assert_eq!(picked(&[FIRST], &wants(Some(&begun))).unwrap(), other);
        }
    }
}
