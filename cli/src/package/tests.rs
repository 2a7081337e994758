use std::collections::BTreeSet;
use std::fs;
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use banto_fake::assert_as_committed;
use clap::ValueEnum as _;
use tempfile::TempDir;

use super::elf::{architecture, newest_glibc};
use super::*;

const POLICY: &str = include_str!("../../../examples/banto.toml");

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

pub(super) const ARM64: u16 = 183;
pub(super) const X86_64: u16 = 62;

/// The least that is taken for a program: a header, and what tells one from another.
pub(super) fn program(machine: u16, body: &[u8]) -> Vec<u8> {
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(18, 0);
    elf.extend(machine.to_le_bytes());
    elf.resize(64, 0);
    elf.extend(body);
    elf
}

/// A folder with the four programs, and the options that package them.
pub(super) struct Scene {
    _folder: TempDir,
    pub(super) options: Options,
}

impl Scene {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            policy: folder.path().join("banto.toml"),
            binaries: folder.path().join("binaries"),
            out: folder.path().join("out"),
            only: None,
            release: None,
            arch: Architecture::Arm64,
            repository: None,
            from: None,
        };
        fs::write(&options.policy, POLICY).unwrap();
        fs::create_dir(&options.binaries).unwrap();
        let scene = Self {
            _folder: folder,
            options,
        };
        for function in Function::value_variants() {
            scene.put(*function, &program(ARM64, function.name().as_bytes()));
        }
        scene
    }

    fn put(&self, function: Function, bytes: &[u8]) {
        fs::write(self.options.binaries.join(function.name()), bytes).unwrap();
    }

    /// Takes a section and what is in it out of the policy.
    fn without(&self, section: &str) {
        let mut inside = false;
        let mut rest = String::new();
        for line in POLICY.lines() {
            if let Some(header) = line.strip_prefix('[') {
                let name = header.trim_start_matches('[').split(['.', ']']).next();
                inside = name == Some(section);
            }
            if !inside {
                rest += &format!("{line}\n");
            }
        }
        fs::write(&self.options.policy, rest).unwrap();
    }

    fn sums(&self, text: &str) {
        fs::write(self.options.binaries.join("SHA256SUMS"), text).unwrap();
    }

    fn make(&self) -> Result<Vec<Package>> {
        self.make_with(&[], GITHUB)
    }

    /// Makes the zips in an environment with these variables, and with a GitHub that is there.
    pub(super) fn make_with(
        &self,
        vars: &[(&str, &str)],
        hosts: Hosts<'_>,
    ) -> Result<Vec<Package>> {
        let var = |name: &str| {
            let found = vars.iter().find(|(of, _)| *of == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(make(&self.options, var, hosts))
    }

    fn made(&self) -> Vec<Package> {
        self.make().unwrap()
    }

    /// Every file of the folder of zips, with its bytes.
    pub(super) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let entries = fs::read_dir(&self.options.out).unwrap();
        let mut files: Vec<_> = entries
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read(entry.path()).unwrap())
            })
            .collect();
        files.sort();
        files
    }

    fn names(&self) -> Vec<String> {
        self.files().into_iter().map(|(name, _)| name).collect()
    }

    /// What a refusal says, its folder left out. Nothing is written.
    pub(super) fn refusal(&self) -> String {
        self.refusal_with(&[], GITHUB)
    }

    /// As [`Self::refusal`] and [`Self::make_with`].
    pub(super) fn refusal_with(&self, vars: &[(&str, &str)], hosts: Hosts<'_>) -> String {
        let error = format!("{:#}", self.make_with(vars, hosts).unwrap_err());
        assert!(
            !self.options.out.exists(),
            "{error}, and yet it was written"
        );
        let folder = self.options.policy.parent().unwrap().display().to_string();
        error.replace(&format!("{folder}/"), "")
    }
}

#[test]
fn the_same_programs_and_policy_make_the_same_bytes_in_any_folder_and_at_any_time() {
    let (one, other) = (Scene::new(), Scene::new());
    let old = SystemTime::now() - Duration::from_secs(400 * 86_400);
    for function in Function::value_variants() {
        let file = File::open(other.options.binaries.join(function.name())).unwrap();
        file.set_modified(old).unwrap();
        file.set_permissions(Permissions::from_mode(0o700)).unwrap();
    }
    one.made();
    other.made();
    assert_eq!(one.files(), other.files());
    assert_eq!(one.names().len(), 9);
    // Neither does it matter what was there before.
    other.made();
    assert_eq!(one.files(), other.files());
}

/// Prints, of each file of each zip, what an independent reader finds, and judges `SHA256SUMS`.
const READER: &str = r#"
import hashlib, pathlib, sys, zipfile
folder = pathlib.Path(sys.argv[1])
for line in (folder / "SHA256SUMS").read_text().splitlines():
    listed, name = line.split("  ")
    data = (folder / name).read_bytes()
    assert hashlib.sha256(data).hexdigest() == listed, name
    with zipfile.ZipFile(folder / name) as archive:
        assert archive.testzip() is None, name
        for info in archive.infolist():
            assert info.compress_type == zipfile.ZIP_DEFLATED
            body = hashlib.sha256(archive.read(info)).hexdigest()
            year = info.date_time[0]
            print(name, info.filename, oct(info.external_attr >> 16), info.create_system, year, body)
"#;

#[test]
fn python_finds_the_program_executable_and_the_policy_as_it_is_in_every_zip() {
    let scene = Scene::new();
    // Longer than any window of the compressor.
    let long: Vec<u8> = (0..400_000_u32).flat_map(u32::to_le_bytes).collect();
    let long = program(ARM64, &long);
    scene.put(Function::OnboardAccounts, &long);
    scene.made();
    let found = Command::new("python3")
        .args(["-c", READER])
        .arg(&scene.options.out)
        .output()
        .unwrap();
    assert!(
        found.status.success(),
        "{}",
        String::from_utf8_lossy(&found.stderr)
    );
    let expected: String = Function::value_variants()
        .iter()
        .map(|function| {
            let name = function.name();
            let program = match function {
                Function::OnboardAccounts => long.clone(),
                _ => program(ARM64, name.as_bytes()),
            };
            format!(
                "{name}.zip bootstrap 0o100755 3 1980 {}\n{name}.zip banto.toml 0o100644 3 1980 {}\n",
                sums::sum(&program),
                sums::sum(POLICY.as_bytes())
            )
        })
        .collect();
    assert_eq!(String::from_utf8(found.stdout).unwrap(), expected);
}

#[test]
fn the_table_shows_each_function() {
    let scene = Scene::new();
    scene.without("report");
    let text = shown(&scene.made());
    assert_as_committed(
        root().join("cli/src/package/expected/table.txt"),
        &(text + "\n"),
    );
}

#[test]
fn each_zip_has_its_architecture_beside_it_for_terraform() {
    for (machine, name) in [(ARM64, "arm64\n"), (X86_64, "x86_64\n")] {
        let scene = Scene::new();
        for function in Function::value_variants() {
            scene.put(*function, &program(machine, b"one"));
        }
        scene.made();
        let beside = scene.options.out.join("onboard-accounts.zip.architecture");
        assert_eq!(fs::read_to_string(beside).unwrap(), name);
    }
}

#[test]
fn a_function_without_its_section_has_no_zip_not_even_an_old_one() {
    let scene = Scene::new();
    scene.made();
    scene.without("report");
    // Nor is its program asked for.
    fs::remove_file(scene.options.binaries.join("report-compliance")).unwrap();
    scene.made();
    assert_eq!(
        scene.names(),
        [
            "SHA256SUMS",
            "notify-compliance.zip",
            "notify-compliance.zip.architecture",
            "onboard-accounts.zip",
            "onboard-accounts.zip.architecture",
            "rotate-access-keys.zip",
            "rotate-access-keys.zip.architecture",
        ]
    );
    let sums = fs::read_to_string(scene.options.out.join("SHA256SUMS")).unwrap();
    assert!(!sums.contains("report-compliance"), "{sums}");
}

#[test]
fn one_function_alone_needs_its_program_only_and_leaves_the_other_zips_listed() {
    let mut scene = Scene::new();
    scene.made();
    let before = scene.files();
    for function in [
        "rotate-access-keys",
        "onboard-accounts",
        "report-compliance",
    ] {
        fs::remove_file(scene.options.binaries.join(function)).unwrap();
    }
    scene.options.only = Some(Function::NotifyCompliance);
    scene.made();
    assert_eq!(scene.files(), before);
    scene.put(Function::NotifyCompliance, &program(ARM64, b"another"));
    assert_eq!(scene.made().len(), 1);
    let changed: Vec<_> = scene
        .files()
        .into_iter()
        .zip(before)
        .filter(|(after, before)| after != before)
        .map(|((name, _), _)| name)
        .collect();
    assert_eq!(changed, ["SHA256SUMS", "notify-compliance.zip"]);
    let sums = fs::read_to_string(scene.options.out.join("SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), 4);
}

#[test]
fn one_function_that_would_not_start_is_refused() {
    let mut scene = Scene::new();
    scene.without("report");
    scene.options.only = Some(Function::ReportCompliance);
    assert_eq!(
        scene.refusal(),
        "report-compliance does not start without [report], which banto.toml lacks"
    );
}

#[test]
fn all_missing_programs_are_named() {
    let scene = Scene::new();
    for function in ["onboard-accounts", "report-compliance"] {
        fs::remove_file(scene.options.binaries.join(function)).unwrap();
    }
    assert_eq!(
        scene.refusal(),
        "binaries has no onboard-accounts, report-compliance; `cargo make package` builds them"
    );
}

#[test]
fn all_problems_of_a_policy_are_named() {
    let scene = Scene::new();
    let policy = POLICY.replacen("[rotation]", "[rotation]\nfrobnicate = 1\nquux = 2", 1);
    fs::write(&scene.options.policy, policy).unwrap();
    let refusal = scene.refusal();
    assert!(refusal.contains("frobnicate"), "{refusal}");
    assert!(refusal.contains("quux"), "{refusal}");
}

#[test]
fn programs_that_lambda_does_not_run_are_named() {
    let scene = Scene::new();
    let mut of_32_bits = program(ARM64, b"");
    of_32_bits[4] = 1;
    let mut big_endian = program(ARM64, b"");
    big_endian[5] = 2;
    scene.put(Function::RotateAccessKeys, &of_32_bits);
    scene.put(Function::OnboardAccounts, &big_endian);
    scene.put(Function::NotifyCompliance, b"#!/bin/sh\n");
    scene.put(Function::ReportCompliance, &program(243, b""));
    assert_eq!(
        scene.refusal(),
        "programs in binaries can't run on Lambda:\n\
         rotate-access-keys is no 64-bit little-endian ELF file\n\
         onboard-accounts is no 64-bit little-endian ELF file\n\
         notify-compliance is no 64-bit little-endian ELF file\n\
         report-compliance is for ELF machine 243, and Lambda runs arm64 and x86_64"
    );
}

#[test]
fn a_program_for_a_later_glibc_than_lambdas_is_refused() {
    let scene = Scene::new();
    let of_lambda = b"\0GLIBC_2.2.5\0GLIBC_2.34\0 a text about GLIBC_2.99 \0";
    scene.put(Function::OnboardAccounts, &program(ARM64, of_lambda));
    scene.put(
        Function::RotateAccessKeys,
        &program(ARM64, b"\0GLIBC_2.4\0GLIBC_2.38\0GLIBC_2.17\0"),
    );
    assert_eq!(
        scene.refusal(),
        "programs in binaries can't run on Lambda:\n\
         rotate-access-keys needs glibc 2.38, and provided.al2023 has 2.34: `ARCH=arm64 cargo make package` builds \
         it for that one"
    );
}

#[test]
fn programs_of_two_architectures_are_named() {
    let scene = Scene::new();
    scene.put(Function::NotifyCompliance, &program(X86_64, b""));
    assert_eq!(
        scene.refusal(),
        "binaries has programs of two architectures: rotate-access-keys arm64, onboard-accounts arm64, \
         notify-compliance x86_64, report-compliance arm64"
    );
}

/// The hashes of the four programs of a new scene, as `sha256sum` has them.
fn right_sums() -> String {
    let line = |function: &Function| {
        let name = function.name();
        format!("{}  {name}\n", sums::sum(&program(ARM64, name.as_bytes())))
    };
    Function::value_variants().iter().map(line).collect()
}

#[test]
fn programs_that_come_with_hashes_must_be_as_they_say() {
    let scene = Scene::new();
    let sums = right_sums();
    let wrong = "0".repeat(64);
    let right = sums.lines().next().unwrap().split(' ').next().unwrap();
    let unlisted: String = sums
        .replacen(right, &wrong, 1)
        .lines()
        .filter(|line| !line.ends_with("report-compliance"))
        .map(|line| format!("{line}\n"))
        .collect();
    scene.sums(&unlisted);
    assert_eq!(
        scene.refusal(),
        format!(
            "binaries/SHA256SUMS says something else:\n\
             rotate-access-keys is {right}, and not {wrong}\n\
             report-compliance is not listed"
        )
    );
    scene.sums(&format!("{sums}{wrong}  rotate-access-keys\n"));
    assert!(scene.refusal().contains(&wrong));
    scene.sums("all is well\n");
    assert_eq!(
        scene.refusal(),
        "can't read binaries/SHA256SUMS: line 1 is not a SHA-256 and a name"
    );

    scene.sums(&format!("{wrong}  another-file\n{sums}"));
    scene.made();
    scene.sums(&sums.to_uppercase().replace("  ", " *./").to_lowercase());
    scene.made();
}

#[test]
fn a_zip_that_lambda_takes_by_way_of_s3_only_has_a_warning() {
    let of = |size| Package {
        function: Function::ReportCompliance,
        outcome: Outcome::Made {
            architecture: Architecture::Arm64,
            size,
            sum: String::new(),
        },
    };
    assert_eq!(of(50_000_000).warning(), None);
    assert_eq!(
        of(50_000_001).warning().unwrap(),
        "report-compliance.zip has 50.00 MB, and Lambda takes 50.00 MB at once: upload it to S3, and give the module \
         package_s3"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn this_machines_own_programs_are_understood() {
    let program = fs::read(std::env::current_exe().unwrap()).unwrap();
    let expected = std::env::consts::ARCH.replace("aarch64", "arm64");
    assert_eq!(architecture(&program).unwrap().to_string(), expected);
    if cfg!(target_env = "gnu") {
        // Rust's own least is 2.17. (rustc book, "Platform Support".)
        assert!(newest_glibc(&program).unwrap() >= 17);
    }
}

#[test]
fn every_function_is_packaged_and_built_by_the_task() {
    let folders: BTreeSet<PathBuf> = fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into())
        .collect();
    let names: BTreeSet<PathBuf> = Function::value_variants()
        .iter()
        .map(|function| function.name().into())
        .collect();
    assert_eq!(folders, names);
    let tasks: toml::Table = fs::read_to_string(root().join("Makefile.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let script = tasks["tasks"]["package"]["script"].as_str().unwrap();
    for function in Function::value_variants() {
        let name = function.name();
        assert!(script.contains(&format!("--package {name}")), "{name}");
        // The name by which --only takes it.
        assert_eq!(function.to_possible_value().unwrap().get_name(), name);
    }
    assert!(script.contains(&format!(".2.{GLIBC}")));
}
