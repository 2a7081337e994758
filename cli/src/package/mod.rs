//! `banto package`: the zips that Lambda takes, each a function's program and the policy.

mod download;
mod elf;
#[cfg(test)]
mod program_tests;
mod release;
#[cfg(test)]
mod release_tests;
mod sums;
#[cfg(test)]
mod tests;
mod zip;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result, bail};
use banto_domain::policy::Policy;
use banto_tls::TrustedRoots;
use clap::{Args, ValueEnum};
use indicatif::DecimalBytes;

use self::elf::Architecture;
use self::release::{GITHUB, Hosts, Mirror, Repository, Source, Tag};
use self::sums::Sums;
use self::zip::Entry;
use crate::table::table;
use crate::{files, output, policy};

/// The largest zip that Lambda's API takes in a request; a larger one goes by way of S3. (Lambda
/// developer guide, "Lambda quotas", "Deployment package (.zip file archive) size": 50 MB, and it
/// does not say which MB, so this is the smaller.)
const DIRECT_UPLOAD: usize = 50_000_000;

/// The glibc of `provided.al2023`, as the second number of its version. (Amazon Linux 2023 user
/// guide, "Core toolchain packages glibc, gcc, binutils": 2.34.) A program that needs a later one
/// does not start there.
const GLIBC: u32 = 34;

/// Characters of a hash that the table shows: as many as tell files apart, and fit.
const SHOWN: usize = 16;

/// The zips that are asked for.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  banto package --release v0.1.0 --repository example-org/banto
  banto package --release v0.1.0 --from releases --arch x86_64
  banto package --binaries target/release --only notify-compliance

docs/infra.md has more.")]
pub struct Options {
    /// The policy.
    #[arg(long, value_name = "FILE", default_value = "banto.toml")]
    pub policy: PathBuf,
    /// The folder of the functions' programs. If it has a SHA256SUMS, they must be as it says.
    #[arg(long, value_name = "DIR", default_value = "target/release")]
    pub binaries: PathBuf,
    /// The folder of the zips.
    #[arg(long, value_name = "DIR", default_value = "packages")]
    pub out: PathBuf,
    /// Makes this function's zip only.
    #[arg(long, value_name = "FUNCTION")]
    pub only: Option<Function>,
    /// Takes the programs of this release, as in v0.1.0, instead of a folder's. They must be as its
    /// SHA256SUMS says.
    #[arg(long, value_name = "TAG", conflicts_with = "binaries")]
    pub release: Option<Tag>,
    /// The architecture of the release's programs.
    #[arg(long, value_enum, default_value_t = Architecture::Arm64, requires = "release")]
    pub arch: Architecture,
    /// The repository of GitHub that has the release, if it is not the one that this command is of.
    /// GH_TOKEN, else GITHUB_TOKEN, opens a private one.
    #[arg(
        long,
        value_name = "OWNER/NAME",
        requires = "release",
        conflicts_with = "from"
    )]
    pub repository: Option<Repository>,
    /// A mirror instead of GitHub, with the assets in a folder named by the tag. No token is sent
    /// there.
    #[arg(long, value_name = "URL|DIR", requires = "release")]
    pub from: Option<Mirror>,
}

/// A function of Banto. Its program, its zip and Terraform's module are named alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Function {
    /// Rotates access keys.
    RotateAccessKeys,
    /// Brings accounts to their baseline.
    OnboardAccounts,
    /// Tells of noncompliance.
    NotifyCompliance,
    /// Makes the monthly report.
    ReportCompliance,
}

impl Function {
    fn name(self) -> &'static str {
        match self {
            Self::RotateAccessKeys => "rotate-access-keys",
            Self::OnboardAccounts => "onboard-accounts",
            Self::NotifyCompliance => "notify-compliance",
            Self::ReportCompliance => "report-compliance",
        }
    }

    /// Returns the section that the policy lacks and without which the function does not start.
    fn lacks(self, policy: &Policy) -> Option<&'static str> {
        let (section, is_there) = match self {
            // A policy without [rotation] does not parse.
            Self::RotateAccessKeys => return None,
            Self::OnboardAccounts => ("[onboarding]", policy.onboarding.is_some()),
            Self::NotifyCompliance => ("[compliance]", policy.compliance.is_some()),
            Self::ReportCompliance => ("[report]", policy.report.is_some()),
        };
        (!is_there).then_some(section)
    }

    fn zip(self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.zip", self.name()))
    }

    /// Where the zip's architecture is written: Terraform can't look into a zip, and compares the
    /// function's with what this says.
    fn architecture(self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.zip.architecture", self.name()))
    }
}

/// Writes the zips and their hashes, and shows them.
///
/// # Errors
/// If the policy can't be read, with everything that is wrong with it; if a program is missing, is
/// not what its hash says or can't run on Lambda; or if a file can't be written.
pub async fn run(options: &Options) -> Result<()> {
    let packages = make(options, |name| env::var(name).ok(), GITHUB).await?;
    output::line(&shown(&packages));
    output::line(&format!("written to {}", options.out.display()));
    for warning in packages.iter().filter_map(Package::warning) {
        let _nobody_reads = writeln!(io::stderr(), "banto: {warning}").is_err();
    }
    Ok(())
}

/// What became of a function.
#[derive(Debug)]
struct Package {
    function: Function,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    /// The policy has no such section.
    LeftOut(&'static str),
    Made {
        architecture: Architecture,
        size: usize,
        sum: String,
    },
}

impl Package {
    fn warning(&self) -> Option<String> {
        match self.outcome {
            Outcome::Made { size, .. } if size > DIRECT_UPLOAD => Some(format!(
                "{}.zip has {}, and Lambda takes {} at once: upload it to S3, and give the module package_s3",
                self.function.name(),
                DecimalBytes(size as u64),
                DecimalBytes(DIRECT_UPLOAD as u64),
            )),
            _ => None,
        }
    }
}

/// A function's program that can run on Lambda.
#[derive(Debug)]
struct Program {
    function: Function,
    architecture: Architecture,
    bytes: Vec<u8>,
}

/// Writes nothing before everything has been read and judged.
async fn make(
    options: &Options,
    var: impl Fn(&str) -> Option<String>,
    hosts: Hosts<'_>,
) -> Result<Vec<Package>> {
    let text = fs::read_to_string(&options.policy)
        .with_context(|| format!("can't read {}", options.policy.display()))?;
    let policy = policy::parse(&options.policy.display().to_string(), &text)?;
    let (wanted, mut packages) = wanted(options, &policy)?;
    let programs = match &options.release {
        Some(tag) => {
            let (from, repository) = (options.from.as_ref(), options.repository.as_ref());
            let source = Source::new(tag, from, repository, &var, hosts)?;
            let roots = TrustedRoots::from_vars(&var)?;
            let found = download::programs(&source, tag, options.arch, &wanted, &roots).await?;
            let origin = format!("{tag} of {source}");
            let programs = judged(&origin, found)?;
            if let Some(other) = programs.iter().find(|one| one.architecture != options.arch) {
                bail!(
                    "{origin} has for {} what it calls {}-{}",
                    other.architecture,
                    other.function.name(),
                    options.arch
                );
            }
            programs
        }
        None => {
            let found = read(&options.binaries, &wanted)?;
            judged(&options.binaries.display().to_string(), found)?
        }
    };

    let out = &options.out;
    fs::create_dir_all(out).with_context(|| format!("can't make {}", out.display()))?;
    for package in &packages {
        // One of an earlier policy would be deployed as if it were this policy's.
        remove(&package.function.zip(out))?;
        remove(&package.function.architecture(out))?;
    }
    for program in programs {
        let zip = zipped(&program.bytes, &text)?;
        // In this order: a zip never stands beside the architecture of another.
        remove(&program.function.architecture(out))?;
        write(&program.function.zip(out), &zip)?;
        let architecture = format!("{}\n", program.architecture);
        write(&program.function.architecture(out), architecture.as_bytes())?;
        packages.push(Package {
            function: program.function,
            outcome: Outcome::Made {
                architecture: program.architecture,
                size: zip.len(),
                sum: sums::sum(&zip),
            },
        });
    }
    write(&out.join(sums::FILE), sums_of(out)?.as_bytes())?;
    packages.sort_by_key(|package| package.function as u8);
    Ok(packages)
}

/// Returns the functions to package, and those that the policy leaves out.
fn wanted(options: &Options, policy: &Policy) -> Result<(Vec<Function>, Vec<Package>)> {
    let functions = match options.only {
        Some(function) => vec![function],
        None => Function::value_variants().to_vec(),
    };
    let mut packages = Vec::new();
    let mut wanted = Vec::new();
    for function in functions {
        match function.lacks(policy) {
            Some(section) if options.only.is_some() => bail!(
                "{} does not start without {section}, which {} lacks",
                function.name(),
                options.policy.display()
            ),
            Some(section) => packages.push(Package {
                function,
                outcome: Outcome::LeftOut(section),
            }),
            None => wanted.push(function),
        }
    }
    Ok((wanted, packages))
}

/// Reads the functions' programs, as they are in a folder.
fn read(folder: &Path, functions: &[Function]) -> Result<Vec<(Function, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for function in functions {
        let path = folder.join(function.name());
        match fs::read(&path) {
            Ok(bytes) => found.push((*function, bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(function.name()),
            Err(error) => {
                return Err(error).with_context(|| format!("can't read {}", path.display()));
            }
        }
    }
    if !missing.is_empty() {
        bail!(
            "{} has no {}; `cargo make package` builds them",
            folder.display(),
            missing.join(", ")
        );
    }
    verify(folder, &found)?;
    Ok(found)
}

/// Judges the programs that are in a place.
fn judged(place: &str, found: Vec<(Function, Vec<u8>)>) -> Result<Vec<Program>> {
    let mut programs = Vec::new();
    let mut problems = Vec::new();
    for (function, bytes) in found {
        match usable(&bytes) {
            Ok(architecture) => programs.push(Program {
                function,
                architecture,
                bytes,
            }),
            Err(problem) => problems.push(format!("{} {problem}", function.name())),
        }
    }
    if !problems.is_empty() {
        bail!(
            "programs in {place} can't run on Lambda:\n{}",
            problems.join("\n")
        );
    }
    let of_one = |two: &[Program]| matches!(two, [a, b] if a.architecture == b.architecture);
    if !programs.windows(2).all(of_one) {
        let each =
            |program: &Program| format!("{} {}", program.function.name(), program.architecture);
        let each: Vec<String> = programs.iter().map(each).collect();
        bail!(
            "{place} has programs of two architectures: {}",
            each.join(", ")
        );
    }
    Ok(programs)
}

/// Holds programs against the hashes that came with them, if some did.
fn verify(folder: &Path, programs: &[(Function, Vec<u8>)]) -> Result<()> {
    let path = folder.join(sums::FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("can't read {}", path.display())),
    };
    let sums = Sums::parse(&text).with_context(|| format!("can't read {}", path.display()))?;
    let problem =
        |(function, bytes): &(Function, Vec<u8>)| sums.check(function.name(), bytes).err();
    let problems: Vec<String> = programs.iter().filter_map(problem).collect();
    if !problems.is_empty() {
        bail!(
            "{} says something else:\n{}",
            path.display(),
            problems.join("\n")
        );
    }
    Ok(())
}

/// Judges whether Lambda could start a program.
fn usable(program: &[u8]) -> Result<Architecture, String> {
    let architecture = elf::architecture(program)?;
    match elf::newest_glibc(program) {
        Some(needed) if needed > GLIBC => Err(format!(
            "needs glibc 2.{needed}, and provided.al2023 has 2.{GLIBC}: `ARCH={architecture} cargo make package` \
             builds it for that one"
        )),
        _ => Ok(architecture),
    }
}

/// Zips a program and a policy.
///
/// Lambda's user must be able to run the one and to read the other. (AWS re:Post
/// knowledge center, "How do I troubleshoot permission denied or unable to import module errors when
/// I upload a Lambda deployment package?": 755 and 644.)
fn zipped(program: &[u8], policy: &str) -> Result<Vec<u8>> {
    zip::zip(&[
        Entry {
            name: "bootstrap",
            mode: 0o755,
            bytes: program,
        },
        Entry {
            name: "banto.toml",
            mode: 0o644,
            bytes: policy.as_bytes(),
        },
    ])
}

/// Returns the hashes of all functions' zips in a folder, those that are not made this time
/// included, as `sha256sum --check` reads them.
fn sums_of(folder: &Path) -> Result<String> {
    let mut text = String::new();
    for function in Function::value_variants() {
        let path = function.zip(folder);
        match fs::read(&path) {
            Ok(zip) => text += &format!("{}  {}.zip\n", sums::sum(&zip), function.name()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("can't read {}", path.display()));
            }
        }
    }
    Ok(text)
}

fn shown(packages: &[Package]) -> String {
    let mut table = table(&["function", "architecture", "zip", "SHA-256"]);
    for Package { function, outcome } in packages {
        let name = function.name().to_owned();
        table.add_row(match outcome {
            Outcome::LeftOut(section) => {
                let why = format!("the policy has no {section}");
                [name, "-".to_owned(), "-".to_owned(), why]
            }
            Outcome::Made {
                architecture,
                size,
                sum,
            } => [
                name,
                architecture.to_string(),
                DecimalBytes(*size as u64).to_string(),
                sum.chars().take(SHOWN).collect(),
            ],
        });
    }
    table.to_string()
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    files::write(path, bytes).with_context(|| format!("can't write {}", path.display()))
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
