//! The sets of flags that several commands share.

use super::flags::{deprecated, integer, levels, lines, list, span, switch, text, text_or};
use crate::output::terminal::Colour;
use clap::builder::ValueParser;
use clap::{Arg, Command};

/// `-f`, `-k`, `-R`.
pub fn files(help: &'static str) -> Vec<Arg> {
    vec![
        list("filename", Some('f'), help),
        text("kustomize", Some('k'), "", "A folder with a kustomization to build. Not together with -f or -R."),
        switch("recursive", Some('R'), false, "Read the folders given with -f and all folders below them."),
    ]
}

/// `-f`, `-k`, `-R`, where folders are read with all below them unless it is said otherwise.
pub fn files_and_below(help: &'static str) -> Vec<Arg> {
    files(help)
        .into_iter()
        .map(|arg| if arg.get_id() == "recursive" { arg.default_value("true") } else { arg })
        .collect()
}

/// `-l`.
pub fn selector() -> Arg {
    text(
        "selector",
        Some('l'),
        "",
        "Only objects whose labels match, such as -l key=value,other!=value,tier in (a,b),!key.",
    )
}

/// `--field-selector`.
pub fn field_selector() -> Arg {
    text(
        "field-selector",
        None,
        "",
        "Only objects whose fields match, such as --field-selector metadata.name=a,status.phase!=Running. What fields there are depends on the type.",
    )
}

/// `-A`.
pub fn all_namespaces() -> Arg {
    switch("all-namespaces", Some('A'), false, "Look in all namespaces, whatever --namespace or the context say.")
}

/// `--chunk-size`.
pub fn chunk_size() -> Arg {
    integer("chunk-size", None, "500", "Ask for long lists in pieces of this many objects; 0 for all at once.")
}

/// `-o`, `--template`, `--allow-missing-template-keys`, `--show-managed-fields`.
pub fn output() -> Vec<Arg> {
    vec![
        text(
            "output",
            Some('o'),
            "",
            "How to print: json, yaml, kyaml, name, go-template, go-template-file, template, templatefile, jsonpath, jsonpath-as-json or jsonpath-file.",
        ),
        text(
            "template",
            None,
            "",
            "The template, or the file with it, for -o go-template and -o go-template-file (https://golang.org/pkg/text/template/).",
        ),
        switch(
            "allow-missing-template-keys",
            None,
            true,
            "In templates, a missing field or key is no error. Only for go-template and jsonpath.",
        ),
        switch("show-managed-fields", None, false, "Keep metadata.managedFields when printing json or yaml."),
    ]
}

/// `--dry-run`.
pub fn dry_run() -> Arg {
    text_or(
        "dry-run",
        "none",
        "unchanged",
        "none, client or server. client prints what would be sent and sends nothing; server has the server do all but store it.",
    )
}

/// `--offline`. kubectl has none, so that it is not shown under that name, but obeyed.
pub fn offline(command: &Command) -> Arg {
    let help = "With --dry-run=client: ask no server, and check the objects by the rules of the bundled one and by the \
                CustomResourceDefinitions in the same input.";
    switch("offline", None, false, help).hide(command.get_display_name() == Some("kubectl"))
}

/// `--field-manager`.
pub fn field_manager(default: &'static str) -> Arg {
    text("field-manager", None, default, "The name under which the server notes which fields this command sets.")
}

/// `--local`.
pub fn local() -> Arg {
    switch("local", None, false, "Work on what the files say, without a server.")
}

/// `--all`.
pub fn all() -> Arg {
    switch("all", None, false, "All objects of the types in the namespace.")
}

/// `--resource-version`.
pub fn resource_version() -> Arg {
    text("resource-version", None, "", "Only when this is the version that the one object has now.")
}

/// `--validate`.
pub fn validate() -> Arg {
    text_or(
        "validate",
        "strict",
        "strict",
        "strict (or true), warn, ignore (or false): whether unknown and repeated fields are an error, a warning or nothing.",
    )
}

/// `--record`.
pub fn record() -> Arg {
    let flag =
        switch("record", None, false, "Note the command line in the object's annotation kubernetes.io/change-cause.");
    deprecated(flag, "--record will be removed in the future")
}

/// `--save-config`.
pub fn save_config() -> Arg {
    switch(
        "save-config",
        None,
        false,
        "Keep the configuration in the object's annotation, so that a later apply knows it.",
    )
}

/// `--windows-line-endings`.
pub fn windows_line_endings(help: &'static str) -> Arg {
    switch("windows-line-endings", None, cfg!(windows), help)
}

/// `--cascade`, `--force`, `--grace-period`, `--timeout`, `--wait`: how objects are deleted.
pub fn deletion(wait: bool) -> Vec<Arg> {
    vec![
        text_or(
            "cascade",
            "background",
            "background",
            "background, orphan or foreground: what happens to what the object owns.",
        ),
        switch(
            "force",
            None,
            false,
            "Take the object out of the API at once, without waiting for a graceful end. What ran may go on running.",
        ),
        integer(
            "grace-period",
            None,
            "-1",
            "Seconds that the object has to end; below 0 its own default, 1 for at once. 0 only with --force.",
        ),
        span("timeout", "0s", "How long to wait for the end of a deletion; 0 takes a limit from the object."),
        switch("wait", None, wait, "Wait until the objects are gone, finalizers included."),
    ]
}

/// `--subresource`.
pub fn subresource() -> Arg {
    text("subresource", None, "", "Work on this subresource of the object, such as status or scale.")
}

/// `--color`.
fn color() -> Arg {
    let parse = |text: &str| match Colour::parse(text) {
        Some(_) => Ok(text.to_string()),
        None => Err(format!("invalid argument {text:?} for \"--color\" flag: must be auto, always or never")),
    };
    let help = "auto, always or never: whether to use colours. auto does on a terminal, unless NO_COLOR is set.";
    text_or("color", "auto", "always", help).value_parser(ValueParser::new(parse))
}

/// The flags that every command has. kubectl has no `--color`, so that it is not shown under that name, but obeyed.
pub fn global(program: &str) -> Vec<Arg> {
    let all = [
        text("as", None, "", "Act as this user: a plain user, or system:serviceaccount:NAMESPACE:NAME."),
        lines("as-group", None, "Act as a member of this group; may be repeated."),
        text("as-uid", None, "", "Act with this user id."),
        lines("as-user-extra", None, "Act with this extra attribute, KEY=VALUE; may be repeated."),
        text("cache-dir", None, "", "Where discovery is kept; $HOME/.kube/cache unless said otherwise."),
        text("certificate-authority", None, "", "A file with the certificates that the server's is checked against."),
        text("client-certificate", None, "", "A file with the certificate to show the server."),
        text("client-key", None, "", "A file with that certificate's key."),
        text("cluster", None, "", "The kubeconfig's cluster to use."),
        color().hide(program == "kubectl"),
        text("context", None, "", "The kubeconfig's context to use."),
        switch("disable-compression", None, false, "Ask the server not to compress its answers."),
        switch(
            "insecure-skip-tls-verify",
            None,
            false,
            "Trust whatever certificate the server shows. Whoever is between can then read and change all.",
        ),
        text("kubeconfig", None, "", "The kubeconfig file to use."),
        text("kuberc", None, "", "The kuberc file with preferences; KUBECTL_KUBERC=false or KUBERC=off turn them off."),
        span("log-flush-frequency", "5s", "Accepted for compatibility; logs are never held back."),
        switch("match-server-version", None, false, "Refuse to work with a server of another version."),
        text("namespace", Some('n'), "", "The namespace to work in."),
        text("password", None, "", "The password for basic authentication."),
        text(
            "profile",
            None,
            "none",
            "Accepted for compatibility: none, cpu, heap, goroutine, threadcreate, block, mutex or trace.",
        ),
        text("profile-output", None, "profile.pprof", "Accepted for compatibility."),
        text("proxy-url", None, "", "The proxy to reach the server by."),
        text("request-timeout", None, "0", "How long one request may take, such as 1s, 2m or 3h; 0 for no limit."),
        text("server", Some('s'), "", "The server's address, with scheme and port."),
        text(
            "tls-server-name",
            None,
            "",
            "The name that the server's certificate must have, when it is not the host's.",
        ),
        text("token", None, "", "The bearer token to show the server."),
        text("user", None, "", "The kubeconfig's user to be."),
        text("username", None, "", "The name for basic authentication."),
        integer("v", Some('v'), "0", "How much to tell about what happens, 0 to 10."),
        levels("vmodule", "Accepted for compatibility."),
        switch("warnings-as-errors", None, false, "End with an error when the server warned."),
    ];
    all.into_iter().map(|arg| arg.global(true)).collect()
}
