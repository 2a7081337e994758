//! Chooses the certificate: by options, or by asking.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use banto_domain::Fingerprint;
use banto_seal::Certificate;

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
        return of_file(options, bytes, own);
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

fn of_file(options: &Options, bytes: Vec<u8>, own: Vec<Candidate>) -> Result<Chosen> {
    let found = Certificate::read(&bytes).map(|certificate| certificate.fingerprint());
    let named = options
        .fingerprint
        .as_deref()
        .map(Fingerprint::from_human)
        .transpose()?;
    let fingerprint = match (named, found) {
        (Some(named), _) => named,
        (None, Ok(found)) => found.parse()?,
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
