use clap::CommandFactory as _;

use super::*;
use crate::commands::Arguments;

fn folders(vars: &[(&str, &str)]) -> Result<Folders> {
    Folders::from_vars(|name| {
        let found = vars.iter().find(|(of, _)| *of == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn each_shell_has_its_completions_where_it_looks_for_them() {
    let home = folders(&[("HOME", "/home/alice")]).unwrap();
    let file = |shell| home.completions(shell).unwrap().file.display().to_string();
    let share = "/home/alice/.local/share";
    assert_eq!(
        file(Shell::Bash),
        format!("{share}/bash-completion/completions/banto")
    );
    assert_eq!(
        file(Shell::Zsh),
        format!("{share}/zsh/site-functions/_banto")
    );
    assert_eq!(
        file(Shell::Fish),
        "/home/alice/.config/fish/completions/banto.fish"
    );
    assert_eq!(home.manual(), Path::new(share).join("man/man1"));
    let hint = home.completions(Shell::Zsh).unwrap().hint.unwrap();
    assert!(hint.contains(&format!("fpath=({share}/zsh/site-functions $fpath)")));
    let refused = home.completions(Shell::Elvish).unwrap_err().to_string();
    assert!(
        refused.contains("`banto completions elvish` prints them"),
        "{refused}"
    );
}

#[test]
fn the_users_own_folders_come_before_the_usual_ones() {
    let vars = [
        ("HOME", "/home/alice"),
        ("XDG_DATA_HOME", "/data"),
        ("XDG_CONFIG_HOME", "relative"),
        ("BASH_COMPLETION_USER_DIR", "/bash"),
    ];
    let own = folders(&vars).unwrap();
    let file = |shell| own.completions(shell).unwrap().file;
    assert_eq!(file(Shell::Bash), Path::new("/bash/completions/banto"));
    assert_eq!(
        file(Shell::Zsh),
        Path::new("/data/zsh/site-functions/_banto")
    );
    assert_eq!(
        file(Shell::Fish),
        Path::new("/home/alice/.config/fish/completions/banto.fish"),
        "a relative folder is none"
    );
    let error = folders(&[]).unwrap_err().to_string();
    assert!(error.contains("HOME"), "{error}");
}

#[test]
fn every_command_has_a_man_page_with_its_examples_as_they_are() {
    let pages = manual::pages(&Arguments::command()).unwrap();
    let page = |name: &str| {
        let found = pages.iter().find(|(file, _)| file == name);
        &found.unwrap_or_else(|| panic!("{name}")).1
    };
    assert_eq!(pages[0].0, "banto.1");
    let explain = page("banto-config-explain.1");
    assert!(
        explain.contains(".SH \"EXAMPLES\"\n.nf\n  banto config explain rotation.deadline_days\n")
    );
    assert!(page("banto-config-export.1").contains("\n  banto config export \\-\\-check"));
}
