//! `config set-credentials`.

use super::Files;
use crate::commands::flags::{Flags, lines, list, switch, text, words};
use crate::commands::{Context, Exit, Failure};
use crate::kubeconfig::{AuthProvider, Exec, ExecEnv, User};
use clap::{ArgMatches, Command};

/// How the command is called.
pub fn command() -> Command {
    Command::new("set-credentials")
        .about("Set a user entry in kubeconfig")
        .long_about(
            "Make a user's entry, or change what is named of one that is there: --client-certificate and --client-key, \
             or --token, or --username and --password, or a program that gives credentials (--exec-*). A token and a \
             password exclude each other.",
        )
        .after_help(
            "# A token\nkubectl config set-credentials ci --token=s3cret\n\n\
             # A program that gives credentials\nkubectl config set-credentials me --exec-command=get-token --exec-api-version=client.authentication.k8s.io/v1 --exec-interactive-mode=Never",
        )
        .before_help("NAME [--client-certificate=path/to/certfile] [--client-key=path/to/keyfile] [--token=bearer_token] [--username=basic_user] [--password=basic_password] [--auth-provider=provider_name] [--auth-provider-arg=key=value] [--exec-command=exec_command] [--exec-api-version=exec_api_version] [--exec-arg=arg] [--exec-env=key=value]")
        .defer(|c| {
            c.args([
                text("auth-provider", None, "", "The built-in provider of credentials; nothing uses them any more."),
                list("auth-provider-arg", None, "KEY=value for that provider; KEY- takes one away."),
                switch("embed-certs", None, false, "Copy the certificate and its key into the file."),
                text("exec-api-version", None, "", "The version that the program speaks."),
                list("exec-arg", None, "The program's arguments; may be repeated."),
                text("exec-command", None, "", "The program that gives credentials."),
                lines("exec-env", None, "KEY=value for the program's environment; KEY- takes one away."),
                text("exec-interactive-mode", None, "", "Never, IfAvailable or Always: whether the program may ask."),
                switch("exec-provide-cluster-info", None, false, "Tell the program about the cluster."),
            ])
            .arg(words())
        })
}

/// Sets it.
pub fn run(matches: &ArgMatches, cx: &mut Context) -> Result<Exit, Failure> {
    let given = matches.words();
    let [name] = match <[String; 1]>::try_from(given) {
        Ok(name) => name,
        Err(words) => {
            let path: Vec<String> = cx.command_path.split(' ').map(String::from).collect();
            crate::commands::help::print(&path, cx)?;
            return Err(Failure::message(format!("unexpected args: [{}]", words.join(" "))));
        }
    };
    let (provider, variables) = (
        pairs(&matches.list("auth-provider-arg"), "auth-provider-arg")?,
        pairs(&matches.list("exec-env"), "exec-env")?,
    );
    check(&name, matches)?;
    let mut files = Files::load(cx)?;
    let user = files.config.users.entry(name.clone()).or_default();
    certificates(user, matches)?;
    secrets(user, matches);
    auth_provider(user, matches, &provider);
    program(user, matches, &variables);
    files.save(true)?;
    cx.print(&format!("User {name:?} set.\n"))?;
    Ok(0)
}

/// `KEY=value` pairs to put in, and keys to take out.
#[derive(Debug, Default, PartialEq)]
struct Pairs {
    put: Vec<(String, String)>,
    take: Vec<String>,
}

fn pairs(words: &[String], what: &str) -> Result<Pairs, Failure> {
    let mut pairs = Pairs::default();
    let mut bad = Vec::new();
    for word in words {
        match (word.split_once('='), word.strip_suffix('-')) {
            (Some((key, value)), _) if !key.is_empty() => pairs.put.push((key.into(), value.into())),
            (None, Some(key)) if !key.is_empty() => pairs.take.push(key.into()),
            _ => bad.push(word.as_str()),
        }
    }
    if !bad.is_empty() {
        return Err(Failure::message(format!("invalid {what} format: {}", bad.join(", "))));
    }
    // Go's maps have no order; the alphabet's is as good as any, and the same each time.
    pairs.put.sort();
    Ok(pairs)
}

fn check(name: &str, matches: &ArgMatches) -> Result<(), Failure> {
    let some = |flag: &str| !matches.text(flag).is_empty();
    if name.is_empty() {
        return Err(Failure::message("you must specify a non-empty user name"));
    }
    if some("token") && (some("username") || some("password")) {
        return Err(Failure::message(
            "you cannot specify more than one authentication method at the same time: --token, --username/--password",
        ));
    }
    if matches.on("embed-certs") {
        if !some("client-certificate") && !some("client-key") {
            return Err(Failure::message("you must specify a --client-certificate or --client-key to embed"));
        }
        for flag in ["client-certificate", "client-key"].into_iter().filter(|flag| some(flag)) {
            super::must_exist(flag, matches.text(flag))?;
        }
    }
    let mode = matches.text("exec-interactive-mode");
    if matches.given("exec-interactive-mode") && !["IfAvailable", "Never", "Always"].contains(&mode) {
        return Err(Failure::message("invalid interactive mode type, can be only IfAvailable, Never, Always"));
    }
    Ok(())
}

fn certificates(user: &mut User, matches: &ArgMatches) -> Result<(), Failure> {
    for (flag, path, data) in [
        ("client-certificate", &mut user.client_certificate, &mut user.client_certificate_data),
        ("client-key", &mut user.client_key, &mut user.client_key_data),
    ] {
        if !matches.given(flag) {
            continue;
        }
        let file = matches.text(flag);
        if matches.on("embed-certs") {
            *data = super::read(file)?;
            path.clear();
        } else {
            *path = super::absolute(file)?;
            data.clear();
        }
    }
    Ok(())
}

/// A token takes the place of a password, and the reverse.
fn secrets(user: &mut User, matches: &ArgMatches) {
    for (flag, field) in
        [("token", &mut user.token), ("username", &mut user.username), ("password", &mut user.password)]
    {
        if matches.given(flag) {
            *field = matches.text(flag).to_string();
        }
    }
    let some = |flag: &str| !matches.text(flag).is_empty();
    let (token, basic) = (some("token"), some("username") || some("password"));
    if basic && !token {
        user.token.clear();
    }
    if token && !basic {
        user.username.clear();
        user.password.clear();
    }
}

fn auth_provider(user: &mut User, matches: &ArgMatches, pairs: &Pairs) {
    let name = matches.text("auth-provider");
    if matches.given("auth-provider") && user.auth_provider.as_ref().is_none_or(|known| known.name != name) {
        user.auth_provider = Some(AuthProvider { name: name.into(), ..AuthProvider::default() });
    }
    if let Some(provider) = &mut user.auth_provider {
        let config = provider.config.get_or_insert_default();
        pairs.take.iter().for_each(|key| drop(config.remove(key)));
        config.extend(pairs.put.iter().cloned());
    }
}

fn program(user: &mut User, matches: &ArgMatches, variables: &Pairs) {
    if matches.given("exec-command") {
        let command = matches.text("exec-command").to_string();
        match &mut user.exec {
            Some(exec) => (exec.command, exec.args) = (command, None),
            None => user.exec = Some(Exec { command, ..Exec::default() }),
        }
    }
    // Without a program there is nothing that the other flags could change.
    let Some(exec) = &mut user.exec else { return };
    if matches.given("exec-api-version") {
        exec.api_version = matches.text("exec-api-version").to_string();
    }
    if matches.given("exec-interactive-mode") {
        exec.interactive_mode = matches.text("exec-interactive-mode").to_string();
    }
    if matches.given("exec-provide-cluster-info") {
        exec.provide_cluster_info = matches.on("exec-provide-cluster-info");
    }
    let arguments = matches.list("exec-arg");
    if !arguments.is_empty() {
        exec.args = Some(arguments);
    }
    if !variables.take.is_empty() {
        exec.env.get_or_insert_default().retain(|known| !variables.take.contains(&known.name));
    }
    for (name, value) in &variables.put {
        let known = exec.env.get_or_insert_default();
        match known.iter_mut().find(|known| known.name == *name) {
            Some(known) => known.value = value.clone(),
            None => known.push(ExecEnv { name: name.clone(), value: value.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_put_and_take() {
        let words: Vec<String> = ["a=1", "b-", "c=d=e"].map(String::from).into();
        let pairs_ = pairs(&words, "x").unwrap();
        assert_eq!(pairs_.put, [("a".into(), "1".into()), ("c".into(), "d=e".into())]);
        assert_eq!(pairs_.take, ["b"]);
        for bad in ["a", "=b", "-"] {
            assert!(pairs(&[bad.into()], "x").is_err(), "{bad}");
        }
    }

    #[test]
    fn a_program_is_changed_bit_by_bit() {
        let mut user = User::default();
        let matches = |line: &str| command().get_matches_from(line.split(' '));
        program(&mut user, &matches("x u --exec-arg=a"), &Pairs::default());
        assert!(user.exec.is_none());
        let put = Pairs { put: vec![("K".into(), "V".into())], take: vec![] };
        program(&mut user, &matches("x u --exec-command=c --exec-arg=a --exec-arg=b"), &put);
        let exec = user.exec.clone().unwrap();
        assert_eq!((exec.args, exec.env.unwrap().len()), (Some(vec!["a".into(), "b".into()]), 1));
    }
}
