use super::{Answer, World, read};
use clap::{Arg, ArgAction, Command};

struct Fixed;

impl World for Fixed {
    fn types(&mut self) -> Vec<String> {
        ["configmaps", "pods", "podtemplates", "deployments.apps"].map(String::from).into()
    }

    fn names(&mut self, types: &str) -> Vec<String> {
        let names: &[&str] = match types {
            "cm" | "configmaps" => &["a1", "a2", "b"],
            "pods" => &["p1", "p2"],
            "deployments" | "deployment" => &["web"],
            "namespaces" => &["default", "demo"],
            "nodes" => &["n1"],
            "cm,pods" => &["a1", "a2", "b", "p1", "p2"],
            _ => &[],
        };
        names.iter().map(|name| name.to_string()).collect()
    }

    fn containers(&mut self, pod: &str) -> Vec<String> {
        if pod == "p1" { vec!["app".into(), "side".into()] } else { Vec::new() }
    }

    fn kubeconfig(&mut self, section: &str) -> Vec<String> {
        if section == "contexts" { vec!["one".into(), "two".into()] } else { Vec::new() }
    }
}

fn switch(name: &'static str) -> Arg {
    Arg::new(name).long(name).num_args(0..=1).require_equals(true).help(name).action(ArgAction::Set)
}

fn text(name: &'static str) -> Arg {
    Arg::new(name).long(name).num_args(1).help(name).action(ArgAction::Set)
}

/// A table with the parts that matter: globals, nested commands, hidden ones, deferred flags, aliases.
fn table() -> Command {
    let command = |name: &'static str| Command::new(name).about(format!("do {name}")).disable_help_flag(true);
    Command::new("steer")
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .args([
            text("namespace").short('n').global(true),
            text("context").global(true),
            switch("color").hide(true).global(true),
            switch("help").short('h').global(true),
        ])
        .subcommands([
            command("get").defer(|c| {
                c.args([
                    switch("all-namespaces").short('A'),
                    text("output").short('o'),
                    text("label-columns").short('L').action(ArgAction::Append),
                    text("filename").short('f'),
                    text("secret").hide(true),
                    text("subresource"),
                ])
            }),
            command("run").defer(|c| c.args([text("image"), text("env")])),
            command("create").defer(|c| c.arg(text("filename").short('f'))).subcommands([
                command("configmap").alias("cm").defer(|c| c.arg(text("from-file"))),
                command("namespace"),
            ]),
            command("config")
                .subcommands([command("use-context"), command("set-context").defer(|c| c.arg(text("context")))]),
            command("rollout").subcommands([command("status"), command("pause")]),
            command("logs"),
            command("exec").defer(|c| c.arg(text("container").short('c'))),
            command("drain"),
            command("completion"),
            command("expose"),
            command("cp"),
            command("options").hide(true),
        ])
}

/// What a line gives, candidates before a bar and the directive after it.
fn complete(line: &str) -> String {
    let words: Vec<String> = line.split(' ').map(|word| word.replace('_', "")).collect();
    match read(&table(), &words) {
        Ok(line) => Answer::to(&line, &mut Fixed).stdout(false).replace('\n', " ").trim_end().to_string(),
        Err(problem) => problem,
    }
}

#[test]
fn lines_are_completed() {
    // An underline stands for an empty word.
    for (line, answer) in [
        // Commands.
        ("ge", "get :4"),
        ("_", "completion config cp create drain exec expose get help logs rollout run :4"),
        ("create _", "configmap namespace :4"),
        ("create zz", ":4"),
        ("create cm x _", ":0"),
        ("create -f x _", ":0"),
        ("help create c", "configmap :4"),
        ("help _", "completion config cp create drain exec expose get help logs rollout run :4"),
        ("-n x ge", "get :4"),
        ("-- ge", "get :4"),
        ("config --help _", ":4"),
        ("completion _", "bash zsh fish powershell :4"),
        ("completion bash _", ":0"),
        // Names of flags.
        ("--", "--context --help --namespace :4"),
        (
            "get --",
            "--context --namespace --all-namespaces --filename --help --label-columns --output --subresource :4",
        ),
        (
            "get -",
            "--context --namespace -n --all-namespaces -A --filename -f --help -h --label-columns -L --output -o --subresource :4",
        ),
        ("get -A", "-A :4"),
        ("get -oj", ":4"),
        ("get -A --label-columns x -n=y --a", ":4"),
        ("get -A -L x -L y --l", "--label-columns :4"),
        ("get -- --", ":4"),
        ("config set-context --", "--namespace --context --help :4"),
        ("run x --", "--image :4"),
        ("run x --image=y --", "--context --namespace --env --help :4"),
        ("run x _", "--image :0"),
        ("run x --image y _", ":0"),
        // Values of flags.
        ("get --color=a", "auto always :4"),
        ("get -o j", "json jsonpath jsonpath-as-json jsonpath-file :4"),
        ("get -Ao j", "json jsonpath jsonpath-as-json jsonpath-file :4"),
        ("get --output=js", "json jsonpath jsonpath-as-json jsonpath-file :4"),
        ("get -o=js", "json jsonpath jsonpath-as-json jsonpath-file :4"),
        ("get -f x", "json yaml yml :8"),
        ("get --subresource _", "status scale resize :4"),
        ("get -n d", "default demo :4"),
        ("--context _", "one two :4"),
        ("run x --env _", ":0"),
        // Objects.
        ("get po", "pods podtemplates :4"),
        ("get -A _", "configmaps pods podtemplates deployments.apps :4"),
        ("get -o json _", "configmaps pods podtemplates deployments.apps :4"),
        ("get cm,po", "cm,pods cm,podtemplates :4"),
        ("get cm _", "a1 a2 b :4"),
        ("get cm a", "a1 a2 :4"),
        ("get cm a1 _", "a2 b :4"),
        ("get cm,pods a1 p", "p1 p2 :4"),
        ("get cm/a", "cm/a1 cm/a2 :4"),
        ("get cm/a1 cm/a", "cm/a2 :4"),
        ("get cm/a1 po", "pods/ podtemplates/ :6"),
        ("get -- cm _", "a1 a2 b :4"),
        ("rollout status _", "deployment daemonset statefulset :4"),
        ("rollout pause d", "deployment :4"),
        ("rollout status deployment _", "web :4"),
        ("rollout status deployment/web d", "deployment/ daemonset/ :6"),
        ("drain _", "n1 :4"),
        ("drain n1 _", ":4"),
        ("config use-context t", "two :4"),
        ("config use-context one _", ":4"),
        // Pods and what has pods.
        ("logs p", "p1 p2 pods/ :4"),
        ("logs dep", "deployments/ :6"),
        ("logs deployments/", "deployments/web :4"),
        ("logs p1 _", "app side :4"),
        ("logs deployments/web _", ":4"),
        ("exec p1 _", ":4"),
        ("exec p1 -c s", "side :4"),
        ("cp _", "p1: p2: ./ / :2"),
        ("cp p1", "p1: :2"),
        // Lines that make no sense.
        (
            "nosuch _",
            "Cleared global flags for plugin completion\n[Debug] [Error] unable to find a command for arguments: [nosuch]",
        ),
        ("get a --nosuch _", "[Error] Error while parsing flags from args [a --nosuch]: unknown flag: --nosuch"),
        ("get -o -", "[Error] Error while parsing flags from args [-o]: flag needs an argument: 'o' in -o"),
        (
            "get x --output --",
            "[Error] Error while parsing flags from args [x --output]: flag needs an argument: --output",
        ),
        ("get -Az _", "[Error] Error while parsing flags from args [-Az]: unknown shorthand flag: 'z' in -z"),
    ] {
        assert_eq!(complete(line), answer, "{line}");
    }
}

#[test]
fn meanings_and_directives_are_told() {
    let line = read(&table(), &["crea".into()]).unwrap();
    let answer = Answer::to(&line, &mut Fixed);
    assert_eq!(answer.stdout(true), "create\tdo create\n:4\n");
    assert_eq!(answer.stderr(), "Completion ended with directive: ShellCompDirectiveNoFileComp\n");
    let line = read(&table(), &["logs".into(), "dep".into()]).unwrap();
    assert_eq!(
        Answer::to(&line, &mut Fixed).stderr(),
        "Completion ended with directive: ShellCompDirectiveNoSpace, ShellCompDirectiveNoFileComp\n"
    );
    assert_eq!(Answer::none().stdout(true), ":0\n");
}

#[test]
fn global_flags_are_kept_for_the_connection() {
    let words = ["get", "-n", "x", "--context=y", "-A", ""].map(String::from);
    assert_eq!(read(&table(), &words).unwrap().global_arguments(), ["--namespace=x", "--context=y"]);
}
