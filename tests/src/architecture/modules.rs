//! The modules of a crate, and which of them names which: read from the sources.
//!
//! A module names another one by a path that begins with `crate`, `super` or the name of its own
//! child. A name that a module only hands on (`pub use`) counts for the file that defines it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The path of a module from its crate's root: `["plan", "user"]`.
pub type Module = Vec<String>;

/// The modules of one crate.
pub struct Modules {
    /// Each module's file, and its code without comments and tests.
    files: BTreeMap<Module, (PathBuf, String)>,
    /// Names that are handed on, and where they come from.
    handed_on: BTreeMap<Module, Module>,
}

impl Modules {
    /// Reads the sources below a crate's `src`, but those of `main.rs` and of tests.
    pub fn of(src: &Path) -> Self {
        let mut files = BTreeMap::new();
        for path in sources(src) {
            let name = path.strip_prefix(src).unwrap().with_extension("");
            let mut module: Module = name
                .iter()
                .map(|part| part.to_str().unwrap().to_owned())
                .collect();
            if module
                .last()
                .is_some_and(|last| matches!(last.as_str(), "lib" | "mod"))
            {
                module.pop();
            }
            if module != ["main"] {
                let code = code_of(&fs::read_to_string(&path).unwrap());
                files.insert(module, (path, code));
            }
        }
        let mut modules = Self {
            files,
            handed_on: BTreeMap::new(),
        };
        for (module, (_, code)) in &modules.files {
            for statement in handing_on(code) {
                for path in tree(statement) {
                    let name = path.last().unwrap().clone();
                    let from = modules.absolute(module, &path).unwrap_or(path);
                    let known = [module.clone(), vec![name]].concat();
                    modules.handed_on.insert(known, from);
                }
            }
        }
        modules
    }

    /// Every module, with its file and its code.
    pub fn iter(&self) -> impl Iterator<Item = (&Module, &Path, &str)> {
        self.files
            .iter()
            .map(|(module, (path, code))| (module, path.as_path(), code.as_str()))
    }

    /// The code of a module.
    pub fn code(&self, module: &Module) -> &str {
        &self.files[module].1
    }

    /// The file of a module.
    pub fn file(&self, module: &Module) -> &Path {
        &self.files[module].0
    }

    /// The other modules that a module names.
    pub fn named_by(&self, module: &Module) -> BTreeSet<Module> {
        let mut code = self.files[module].1.clone();
        for statement in handing_on(&self.files[module].1) {
            code = code.replace(statement, "");
        }
        let mut named = BTreeSet::new();
        for path in paths(&code) {
            if let Some(path) = self.absolute(module, &path) {
                named.insert(self.defining(path));
            }
        }
        named.remove(module);
        named
    }

    /// All that a module names, and what that names in turn.
    pub fn reached_from(&self, module: &Module) -> BTreeSet<Module> {
        let mut reached = BTreeSet::new();
        let mut left = vec![module.clone()];
        while let Some(next) = left.pop() {
            left.extend(
                self.named_by(&next)
                    .into_iter()
                    .filter(|named| reached.insert(named.clone())),
            );
        }
        reached
    }

    /// Modules that name each other, over however many others.
    pub fn in_circles(&self) -> BTreeSet<Module> {
        let is_in_circle = |module: &&Module| self.reached_from(module).contains(*module);
        self.files.keys().filter(is_in_circle).cloned().collect()
    }

    /// A path from the crate's root; `None` if it leads out of the crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Module> {
        let first = path.first()?;
        let ups = path.iter().take_while(|part| *part == "super").count();
        if first == "crate" {
            Some(path[1..].to_vec())
        } else if first == "self" {
            Some([module, &path[1..]].concat())
        } else if ups > 0 {
            Some([&module[..module.len() - ups], &path[ups..]].concat())
        } else {
            let child = [module.clone(), vec![first.clone()]].concat();
            self.files
                .contains_key(&child)
                .then(|| [module, path].concat())
        }
    }

    /// The module that defines what a path names.
    fn defining(&self, mut path: Module) -> Module {
        let mut passed = BTreeSet::new();
        while let Some(length) = (1..=path.len())
            .rev()
            .find(|length| self.handed_on.contains_key(&path[..*length]))
        {
            // A module that hands on a name of a child's of the same name would go on for ever.
            if !passed.insert(path[..length].to_vec()) {
                break;
            }
            path = [&self.handed_on[&path[..length]], &path[length..]].concat();
        }
        while !self.files.contains_key(&path) {
            path.pop();
        }
        path
    }
}

/// Every source file below a folder, but those of its tests.
fn sources(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.file_stem().is_some_and(|stem| stem == "tests") {
            continue;
        }
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.insert(path);
        }
    }
    found
}

/// The code of a text, without comments and without its tests, which clippy has at its end.
pub fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The trees of the statements that hand names on: `a::{B, C}` of `pub use a::{B, C};`.
fn handing_on(code: &str) -> Vec<&str> {
    let statements = code
        .split('\n')
        .filter(|line| line.starts_with("pub use ") || line.starts_with("pub(crate) use "));
    let offset = |line: &str| line.as_ptr() as usize - code.as_ptr() as usize;
    statements
        .map(|line| {
            let statement = code[offset(line)..].split(';').next().unwrap();
            statement.split_once("use ").unwrap().1
        })
        .collect()
}

/// Every path in code that has more than one part.
fn paths(code: &str) -> Vec<Vec<String>> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut found = Vec::new();
    for (at, _) in code.match_indices("::") {
        let first = code[..at].rsplit(|letter| !is_name(letter)).next().unwrap();
        let before = &code[..at - first.len()];
        if !first.is_empty() && !before.ends_with("::") {
            found.extend(tree(&code[at - first.len()..]));
        }
    }
    found
}

/// The paths of a tree like `a::{b::C, d}`.
fn tree(text: &str) -> Vec<Vec<String>> {
    branch(text).0
}

/// The paths of a tree, and the length of its text.
fn branch(text: &str) -> (Vec<Vec<String>>, usize) {
    let mut stem: Vec<String> = Vec::new();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        if let Some(inner) = rest.strip_prefix('{') {
            let (paths, length) = group(inner);
            let paths = paths.into_iter().map(|path| [stem.clone(), path].concat());
            return (paths.collect(), at + 1 + length);
        }
        let is_name =
            |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '*';
        let length = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
        if length > 0 {
            stem.push(rest[..length].to_owned());
        }
        at += length;
        match text[at..].strip_prefix("::") {
            Some(_) if length > 0 => at += 2,
            _ => return (vec![stem], at),
        }
    }
}

/// The paths within braces, and the length of their text with the brace that ends it.
fn group(text: &str) -> (Vec<Vec<String>>, usize) {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        match letter {
            '}' => return (found, at + 1),
            ',' | ' ' | '\n' => at += 1,
            _ => {
                let (paths, length) = branch(&text[at..]);
                found.extend(paths);
                at += length;
                // What it is called here does not matter: `as Name`.
                at += text[at..].find([',', '}']).unwrap_or(text.len() - at);
            }
        }
    }
    (found, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str) -> Module {
        path.split("::")
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn crate_of(files: &[(&str, &str)]) -> (tempfile::TempDir, Modules) {
        let folder = tempfile::tempdir().unwrap();
        for (name, code) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, code).unwrap();
        }
        let modules = Modules::of(folder.path());
        (folder, modules)
    }

    #[test]
    fn a_circle_over_three_files_is_found_and_a_tree_is_none() {
        let (_folder, tree) = crate_of(&[
            (
                "lib.rs",
                "mod a;\nmod b;\nuse a::{\n    B as C,\n};\nfn f() { b::g() }",
            ),
            ("a.rs", "use super::b::{self, G};\n// crate::Root\n"),
            ("b/mod.rs", "mod c;\nc::h();"),
            ("b/c.rs", "#[cfg(test)]\nmod tests { use crate::a; }"),
        ]);
        assert_eq!(tree.in_circles(), BTreeSet::new());
        assert_eq!(
            tree.reached_from(&names("")),
            ["a", "b", "b::c"].map(names).into()
        );

        let (_folder, circle) = crate_of(&[
            (
                "lib.rs",
                "mod a;\nmod b;\nmod c;\nmod d;\nfn f() { a::f() }",
            ),
            ("a.rs", "fn f() { crate::b::f() }"),
            ("b.rs", "use crate::{c::Thing, d};"),
            ("c.rs", "use super::a::{f, g};"),
            ("d.rs", ""),
        ]);
        assert_eq!(circle.in_circles(), ["a", "b", "c"].map(names).into());
    }

    #[test]
    fn a_child_that_names_its_parents_items_is_a_circle_and_a_name_that_is_handed_on_is_none() {
        let (_folder, parent) = crate_of(&[
            ("lib.rs", "mod a;\nstruct Root;\nfn f() { a::f() }"),
            ("a.rs", "use crate::Root;"),
        ]);
        assert_eq!(parent.in_circles(), ["", "a"].map(names).into());
        let (_folder, handed_on) = crate_of(&[
            (
                "lib.rs",
                "mod a;\nmod b;\npub use a::{Thing,\n    f};\nfn g() { b::f() }",
            ),
            ("a.rs", ""),
            ("b.rs", "use crate::Thing;"),
        ]);
        assert_eq!(handed_on.in_circles(), BTreeSet::new());
        assert_eq!(handed_on.named_by(&names("b")), [names("a")].into());
    }
}
