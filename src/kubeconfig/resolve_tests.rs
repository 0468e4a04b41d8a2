use super::*;
use crate::kubeconfig::test_folder;

const FILE: &str = "
current-context: c1
clusters:
- {name: one, cluster: {server: 'http://one:1'}}
- {name: tls, cluster: {server: 'https://tls', tls-server-name: name, certificate-authority-data: QUJD, proxy-url: 'http://p:1'}}
users:
- {name: u1, user: {as: bob}}
- {name: token, user: {token: x}}
- {name: both, user: {token: x, username: b}}
- {name: gcp, user: {auth-provider: {name: gcp}}}
- {name: file, user: {tokenFile: token.txt}}
- {name: alpha, user: {exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}}}
contexts:
- {name: c1, context: {cluster: one, user: u1, namespace: n1}}
- {name: secure, context: {cluster: tls, user: token}}
- {name: lost, context: {cluster: nosuch, user: nosuch}}
";

struct Asked(Vec<String>);

impl Prompt for Asked {
    fn ask(&mut self, prompt: &str, secret: bool) -> io::Result<String> {
        self.0.push(format!("{prompt}{secret}"));
        if self.0.len() > 2 { Err(io::Error::other("EOF")) } else { Ok(format!("answer{}", self.0.len())) }
    }
}

/// Resolves flags against [`FILE`] in a folder with a token file.
fn resolve<T>(name: &str, flags: Overrides, read: impl Fn(&Kubeconfig) -> T) -> T {
    let folder = test_folder(name);
    let file = folder.file("config");
    fs::write(&file, FILE).unwrap();
    fs::write(folder.file("token.txt"), "from-file").unwrap();
    let nothing: Environment = &|_| None;
    read(&Kubeconfig::load(&Sources::new(&file, nothing), flags, nothing).unwrap())
}

fn flags(change: impl Fn(&mut Overrides)) -> Overrides {
    let mut flags = Overrides::default();
    change(&mut flags);
    flags
}

#[test]
fn the_current_context_is_used() {
    resolve("current", Overrides::default(), |config| {
        let client = config.client_config(None).unwrap();
        assert_eq!((client.server.url().as_str(), client.impersonate.user.as_str()), ("http://one:1", "bob"));
        assert_eq!(config.namespace(), Ok(("n1".into(), false)));
    });
}

#[test]
fn flags_go_before_files() {
    let secure = |change: &dyn Fn(&mut Overrides)| {
        let flags = flags(|f| {
            f.context = "secure".into();
            change(f);
        });
        resolve("flags", flags, |config| config.client_config(None).unwrap())
    };
    let plain = secure(&|_| {});
    assert_eq!(plain.tls.authorities, Some(Pem::Data(b"ABC".into())));
    assert_eq!((plain.tls.server_name.as_str(), plain.proxy_url.as_str()), ("name", "http://p:1"));
    assert_eq!(plain.credentials, Credentials::Token("x".into()));
    let insecure = secure(&|f| f.cluster.insecure_skip_tls_verify = true);
    assert_eq!((insecure.tls.authorities, insecure.tls.insecure), (None, true));
    let other = secure(&|f| f.cluster.server = "https://other/".into());
    assert_eq!((other.server.url().as_str(), other.tls.server_name.as_str()), ("https://other", ""));
    let file = secure(&|f| f.user_name = "file".into());
    assert!(matches!(&file.credentials, Credentials::TokenFile(_, token) if token == "from-file"));
    let timed = secure(&|f| f.request_timeout = "5".into());
    assert_eq!(timed.timeout, Some(GoDuration::seconds(5)));
    let named = flags(|f| f.namespace = "other".into());
    assert_eq!(resolve("named", named, Kubeconfig::namespace), Ok(("other".into(), true)));
}

#[test]
fn nothing_is_sent_over_an_insecure_connection() {
    let flags = flags(|f| f.user.token = "secret".into());
    assert_eq!(resolve("plain", flags, |config| config.client_config(None).unwrap().credentials), Credentials::None);
}

#[test]
fn a_person_is_asked_when_nothing_else_says_who_it_is() {
    let secure = flags(|f| {
        f.cluster_name = "tls".into();
    });
    resolve("asked", secure, |config| {
        let mut asked = Asked(Vec::new());
        let client = config.client_config(Some(&mut asked)).unwrap();
        assert_eq!(client.credentials, Credentials::Basic("answer1".into(), "answer2".into()));
        assert_eq!(asked.0, ["Please enter Username: false", "Please enter Password: true"]);
        let fault = config.client_config(Some(&mut asked)).unwrap_err();
        assert_eq!(fault, Error::Message("EOF".into()));
        assert_eq!(config.client_config(None).unwrap().credentials, Credentials::None);
    });
}

#[test]
fn what_is_missing_is_told() {
    let both = "more than one authentication method found for both; found [token basicAuth], only one is allowed";
    let timeout = "Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a \
                   corresponding time unit (e.g. 1s | 2m | 3h)";
    for (case, fault) in [
        (flags(|f| f.context = "x".into()), Error::Message("context \"x\" does not exist".into())),
        (flags(|f| f.cluster_name = "x".into()), Error::Message("cluster \"x\" does not exist".into())),
        (flags(|f| f.user_name = "x".into()), Error::Message("auth info \"x\" does not exist".into())),
        (flags(|f| f.user_name = "both".into()), Error::Invalid(vec![both.into()])),
        (flags(|f| f.request_timeout = "foo".into()), Error::Message(timeout.into())),
        (
            flags(|f| {
                f.context = "secure".into();
                f.user_name = "alpha".into();
            }),
            Error::Message("exec plugin: invalid apiVersion \"client.authentication.k8s.io/v1alpha1\"".into()),
        ),
    ] {
        let got = resolve("missing", case.clone(), |config| config.client_config(None));
        assert_eq!(got.unwrap_err(), fault, "{case:?}");
    }
    // Commands that ask for the namespace first say it in other words.
    let lost = flags(|f| f.context = "x".into());
    assert_eq!(resolve("lost", lost, Kubeconfig::namespace), Err(Error::ContextNotFound("x".into())));
    let cluster = flags(|f| f.cluster_name = "x".into());
    let fault = Error::Invalid(vec!["no server found for cluster \"x\"".into()]);
    assert_eq!(resolve("lost", cluster, Kubeconfig::namespace), Err(fault));
    let unnamed = flags(|f| f.context = "lost".into());
    let server = resolve("lost", unnamed, |config| config.client_config(None).unwrap().server.url());
    assert_eq!(server, "http://localhost:8080");
}
