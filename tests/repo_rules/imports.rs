//! Which room may import which, which command may import what, and who may touch disk and network.

use crate::paths::{module, named};
use crate::{files_below, none, room, root};
use std::path::{Path, PathBuf};

/// Each room with the rooms right below it; it may import these and all that lies below them.
const ROOMS: [(&str, &[&str]); 15] = [
    ("api", &[]),
    ("expr", &["api"]),
    ("yaml", &["api"]),
    ("merge", &["expr", "yaml"]),
    ("schema", &["merge"]),
    ("kubeconfig", &["schema"]),
    ("client", &["kubeconfig"]),
    ("manifest", &["client"]),
    ("output", &["client"]),
    ("describe", &["manifest", "output"]),
    ("ops", &["manifest", "output"]),
    ("completion", &["manifest", "output"]),
    ("apiserver", &["schema"]),
    ("sandbox", &["apiserver", "kubeconfig"]),
    ("commands", &["completion", "describe", "ops", "sandbox"]),
];

/// Who may touch disk or network: rooms, parts of rooms, and commands that are about files.
const OUTSIDE: [&str; 16] = [
    "src/kubeconfig/",
    "src/manifest/",
    "src/client/",
    "src/apiserver/serve",
    "src/apiserver/admission/webhooks",
    "src/apiserver/store",
    "src/sandbox/",
    // Files that a flag names: manifests, templates, certificates, --raw bodies, --from-file; an external diff's folders; what
    // a cluster's dump is written to; the folders of the PATH.
    "src/commands/mod.rs",
    "src/commands/context.rs",
    "src/commands/cluster_info/dump.rs",
    "src/commands/config/",
    "src/commands/create/",
    "src/commands/diff.rs",
    "src/commands/editing/editor.rs",
    "src/commands/plugin/",
    "src/ops/pairs.rs",
];

fn below(room: &str) -> Vec<&'static str> {
    let direct = ROOMS.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, rooms)| rooms);
    let mut all = direct.to_vec();
    for room in direct {
        all.extend(below(room));
    }
    all
}

fn is_room(name: &str) -> bool {
    ROOMS.iter().any(|(room, _)| *room == name)
}

fn upwards(file: &Path, text: &str) -> Vec<String> {
    let own = room(file);
    let allowed = below(&own);
    named(&module(file), text)
        .into_iter()
        // What a test brings from above to try a room with does not ship.
        .filter(|named| named.path[0] == "crate" && !named.in_tests)
        .filter_map(|named| {
            let other = named.path.get(1)?;
            let bad = is_room(other) && *other != own && !allowed.contains(&other.as_str());
            bad.then(|| format!("room {own} imports {other}: {}:{}", file.display(), named.line))
        })
        .collect()
}

/// Whether the text is a command's file: it says how it is called.
fn is_command(text: &str) -> bool {
    text.contains("pub fn command() -> Command")
}

/// A command's file names a path inside another command; a group may name what is below it, and that its group.
fn sideways(file: &Path, text: &str, commands: &[Vec<String>]) -> Vec<String> {
    let own = module(file);
    let mut complaints = Vec::new();
    for named in named(&own, text) {
        let inside =
            commands.iter().filter(|command| named.path.starts_with(command)).max_by_key(|command| command.len());
        if let Some(other) = inside.filter(|other| !other.starts_with(&own) && !own.starts_with(other)) {
            let name = |path: &[String]| path[2..].join(" ");
            complaints.push(format!(
                "room commands: {} imports {}: {}:{}",
                name(&own),
                name(other),
                file.display(),
                named.line
            ));
        }
    }
    complaints
}

fn reaches_outside(file: &Path, text: &str) -> Vec<String> {
    let reaching = |path: &[String]| match path[1..].iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fs", ..] | ["net"] => true,
        ["net", name, ..] => !matches!(name, "IpAddr" | "Ipv4Addr" | "Ipv6Addr" | "SocketAddr" | "AddrParseError"),
        _ => false,
    };
    let at = file.to_string_lossy();
    if OUTSIDE.iter().any(|prefix| at.starts_with(prefix)) {
        return Vec::new();
    }
    named(&module(file), text)
        .into_iter()
        .filter(|named| matches!(named.path[0].as_str(), "std" | "tokio") && !named.in_tests && reaching(&named.path))
        .map(|named| format!("room {} touches {}: {at}:{}", room(file), named.path[..2].join("::"), named.line))
        .collect()
}

/// The sources that ship: what a file has under `#[cfg(test)] mod name;` is left out.
fn sources() -> Vec<(PathBuf, String)> {
    let files = files_below("src").into_iter().filter(|file| file.extension().is_some_and(|kind| kind == "rs"));
    let all: Vec<_> = files.map(|file| (file.clone(), std::fs::read_to_string(root().join(&file)).unwrap())).collect();
    let tests: Vec<Vec<String>> = all.iter().flat_map(|(file, text)| test_modules(&module(file), text)).collect();
    all.into_iter().filter(|(file, _)| !tests.iter().any(|test| module(file).starts_with(test))).collect()
}

fn test_modules(own: &[String], text: &str) -> Vec<Vec<String>> {
    let below = text.split("#[cfg(test)]\n").skip(1).filter_map(|rest| {
        let line = rest.lines().next()?.trim();
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    below.map(|name| [own, &[name.to_string()]].concat()).collect()
}

#[test]
fn rooms_import_downwards() {
    none(
        sources()
            .iter()
            .filter(|(file, _)| is_room(&room(file)))
            .flat_map(|(file, text)| upwards(file, text))
            .collect(),
    );
}

#[test]
fn every_room_has_its_place() {
    let mut rooms: Vec<String> =
        files_below("src").iter().filter(|file| file.iter().count() > 2).map(|file| room(file)).collect();
    rooms.dedup();
    none(
        rooms
            .into_iter()
            .filter(|name| !is_room(name))
            .map(|name| format!("room {name} has no place in the order"))
            .collect(),
    );
}

#[test]
fn commands_do_not_import_each_other() {
    let files: Vec<_> = sources().into_iter().filter(|(f, text)| room(f) == "commands" && is_command(text)).collect();
    let commands: Vec<_> = files.iter().map(|(file, _)| module(file)).collect();
    none(files.iter().flat_map(|(file, text)| sideways(file, text, &commands)).collect());
}

#[test]
fn few_rooms_reach_outside() {
    none(
        sources()
            .iter()
            .filter(|(file, _)| is_room(&room(file)))
            .flat_map(|(f, text)| reaches_outside(f, text))
            .collect(),
    );
}

#[test]
fn these_are_found() {
    let file = Path::new("src/client/watch.rs");
    assert!(upwards(file, "use crate::{api, schema::Facts}; use super::Request;").is_empty());
    assert_eq!(
        upwards(file, "\nuse crate::{api, apiserver::x};\nfn f() { super::super::ops::g() }"),
        ["room client imports apiserver: src/client/watch.rs:2", "room client imports ops: src/client/watch.rs:3"]
    );
    let own = module(Path::new("src/merge/mod.rs"));
    assert_eq!(
        test_modules(&own, "mod a;\n#[cfg(test)]\nmod cases;\n#[cfg(test)]\nmod tests {\n}\n#[cfg(test)]\nfn f() {}\n"),
        [module(Path::new("src/merge/cases.rs"))]
    );
    assert!(upwards(Path::new("src/merge/a.rs"), "mod tests { use crate::schema::builtin; }").is_empty());
    assert!(!below("apiserver").contains(&"client"));
    assert!(below("commands").len() > ROOMS.len() - 2);

    let commands: Vec<_> = ["get", "create/mod", "create/job"]
        .iter()
        .map(|name| module(Path::new(&format!("src/commands/{name}.rs"))))
        .collect();
    for (file, text, complaints) in [
        ("src/commands/get.rs", "use super::create::job::plan; use super::{flags, sets};", 1),
        ("src/commands/get.rs", "use crate::commands::create;", 1),
        ("src/commands/create/mod.rs", "mod job; use self::job::plan; use super::get;", 1),
        ("src/commands/create/job.rs", "use super::Shared; use super::super::flags;", 0),
    ] {
        assert_eq!(sideways(Path::new(file), text, &commands).len(), complaints, "{file}: {text}");
    }

    for (file, text, complaints) in [
        ("src/merge/mod.rs", "use std::fs; use std::net::IpAddr; use std::{io, net::TcpStream};", 2),
        ("src/merge/mod.rs", "mod tests { fn f() { std::fs::read(a) } }", 0),
        ("src/client/transport.rs", "use tokio::net::TcpStream;", 0),
        ("src/apiserver/respond.rs", "tokio::fs::read(a)", 1),
    ] {
        assert_eq!(reaches_outside(Path::new(file), text).len(), complaints, "{file}: {text}");
    }
}
