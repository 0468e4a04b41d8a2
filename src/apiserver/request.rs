//! What a request asks for, read from its method and URL alone (kube-apiserver's RequestInfo).

use http::{Method, Uri};

/// What is to be done with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Read one object.
    Get,
    /// Read many.
    List,
    /// Follow many.
    Watch,
    /// Make one.
    Create,
    /// Replace one.
    Update,
    /// Change one.
    Patch,
    /// Delete one.
    Delete,
    /// Delete many.
    DeleteCollection,
    /// A method that no resource knows.
    Other,
}

impl Verb {
    /// The verb's name, as authorizers and discovery spell it.
    pub fn name(self) -> &'static str {
        match self {
            Verb::Get => "get",
            Verb::List => "list",
            Verb::Watch => "watch",
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::Patch => "patch",
            Verb::Delete => "delete",
            Verb::DeleteCollection => "deletecollection",
            Verb::Other => "",
        }
    }
}

/// A request, parsed.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// It is about a resource.
    Resource(Resource),
    /// It is about a path: discovery, health, version, ...
    Path,
}

/// A request about a resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// What is to be done.
    pub verb: Option<Verb>,
    /// The group; empty for the core group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The namespace; empty for none, or all.
    pub namespace: String,
    /// The resource.
    pub resource: String,
    /// The object's name; empty for all.
    pub name: String,
    /// What lies below the object; empty for the object itself.
    pub subresource: String,
    /// What comes after the subresource (a proxied path).
    pub rest: String,
    /// Whether the path says that it is a watch, whatever the method.
    pub watch_path: bool,
    /// Whether only the headers of an answer are asked for.
    pub head: bool,
}

impl Resource {
    /// The verb.
    pub fn verb(&self) -> Verb {
        self.verb.unwrap_or(Verb::Other)
    }

    /// The verb, as authorizers know it: where only headers are asked for, it is that of the whole answer.
    pub fn attribute(&self) -> &'static str {
        match self.verb() {
            _ if self.watch_path => Verb::Watch.name(),
            Verb::Other if self.head => self.read_verb().name(),
            verb => verb.name(),
        }
    }

    /// Whether an answer may go on for long.
    pub fn runs_long(&self) -> bool {
        self.verb() == Verb::Watch
            || self.watch_path
            || matches!(self.subresource.as_str(), "attach" | "exec" | "log" | "portforward" | "proxy")
    }

    /// The verb of a request that reads.
    pub fn read_verb(&self) -> Verb {
        if self.name.is_empty() { Verb::List } else { Verb::Get }
    }
}

/// The query's pairs, decoded.
pub type Query = Vec<(String, String)>;

/// Reads a request's method and URL.
pub fn parse(method: &Method, uri: &Uri) -> (Target, Query) {
    let query = parse_query(uri.query().unwrap_or(""));
    (target(method, &path(uri).unwrap_or_default(), &query), query)
}

fn target(method: &Method, path: &str, query: &Query) -> Target {
    let Some(path) = path.strip_prefix('/') else { return Target::Path };
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let (group, version, mut rest) = match parts.as_slice() {
        ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
        _ => return Target::Path,
    };
    let mut watch = false;
    if let ["watch", after @ ..] = rest {
        // The old form of a watch.
        if after.is_empty() {
            return Target::Path;
        }
        (watch, rest) = (true, after);
    }
    let head = *method == Method::HEAD;
    let (group, version) = (group.to_string(), version.to_string());
    let mut found = Resource { group, version, watch_path: watch, head, ..Resource::default() };
    match rest {
        ["namespaces", namespace, below @ ..] if !matches!(below, [] | ["status" | "finalize", ..]) => {
            found.namespace = namespace.to_string();
            rest = below;
        }
        ["namespaces", namespace, ..] if found.group.is_empty() => found.namespace = namespace.to_string(),
        _ => {}
    }
    let part = |i: usize| rest.get(i).map_or("", |part| part).to_string();
    (found.resource, found.name, found.subresource) = (part(0), part(1), part(2));
    found.rest = rest.get(3..).unwrap_or_default().join("/");
    // A watch on one object is asked for by the old form of the path, or by a selector.
    watch |= found.name.is_empty() && flag(query, "watch");
    found.verb = Some(verb(method, &found, watch));
    Target::Resource(found)
}

fn verb(method: &Method, found: &Resource, watch: bool) -> Verb {
    let one = !found.name.is_empty();
    match *method {
        Method::GET if one && !(watch && found.subresource.is_empty()) => Verb::Get,
        Method::GET if watch => Verb::Watch,
        Method::GET => Verb::List,
        Method::POST => Verb::Create,
        Method::PUT => Verb::Update,
        Method::PATCH => Verb::Patch,
        Method::DELETE if one => Verb::Delete,
        Method::DELETE => Verb::DeleteCollection,
        _ => Verb::Other,
    }
}

/// The first value of a query parameter.
pub fn value<'a>(query: &'a Query, name: &str) -> Option<&'a str> {
    query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// A boolean query parameter as Kubernetes reads it: present means true, except for `0` and `false`.
pub fn flag(query: &Query, name: &str) -> bool {
    value(query, name).is_some_and(|text| text != "0" && !text.eq_ignore_ascii_case("false"))
}

/// Whether a query asks for JSON laid out for people; none when it says nothing. The words are those of Go's `ParseBool`.
pub fn pretty(query: &Query) -> Option<bool> {
    let text = value(query, "pretty").filter(|text| !text.is_empty())?;
    Some(matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True"))
}

fn parse_query(text: &str) -> Query {
    // Pairs that make no sense are left out, as in Go.
    text.split('&')
        .filter(|pair| !pair.is_empty() && !pair.contains(';'))
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter_map(|(key, value)| Some((unescape(key, true)?, unescape(value, true)?)))
        .collect()
}

/// A URL's path with its `%xx` read, as Go does before anything else looks at it; none when it makes no sense.
pub fn path(uri: &Uri) -> Option<String> {
    unescape(uri.path(), false)
}

/// A text with its `%xx` read. One that makes no sense stays as it is.
pub fn percent_decode(text: &str) -> String {
    unescape(text, false).unwrap_or_else(|| text.into())
}

/// A text with its `%xx` read, and `+` as a space where that is meant; none when it makes no sense.
fn unescape(text: &str, plus_is_space: bool) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        out.push(match first {
            b'%' => {
                let (digits, tail) = tail.split_at_checked(2).filter(|(d, _)| d.iter().all(u8::is_ascii_hexdigit))?;
                rest = tail;
                u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
            }
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    Some(String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_say_what_is_asked() {
        for (method, url, expected) in [
            ("GET", "/api/v1/pods", "list  v1  pods  "),
            ("GET", "/api/v1/namespaces/default/pods", "list  v1 default pods  "),
            ("GET", "/api/v1/namespaces/default/pods?watch=1", "watch  v1 default pods  "),
            ("GET", "/api/v1/namespaces/default/pods?watch", "watch  v1 default pods  "),
            ("GET", "/api/v1/namespaces/default/pods?watch=False", "list  v1 default pods  "),
            ("GET", "/api/v1/watch/namespaces/default/pods", "watch  v1 default pods  "),
            ("GET", "/api/v1/watch/namespaces/default/pods/x", "watch  v1 default pods x "),
            ("GET", "/api/v1/namespaces/default/pods/x?watch=1", "get  v1 default pods x "),
            ("GET", "/api/v1/namespaces/default/pods/a%20b", "get  v1 default pods a b "),
            ("GET", "/%61pi/v1/namespaces%2Fdefault/pods/a%2Flog", "get  v1 default pods a log"),
            ("GET", "/api/v1/namespaces/default", "get  v1 default namespaces default "),
            ("PUT", "/api/v1/namespaces/default/finalize", "update  v1 default namespaces default finalize"),
            ("POST", "/apis/apps/v1/namespaces/d/deployments", "create apps v1 d deployments  "),
            ("PATCH", "/apis/apps/v1/namespaces/d/deployments/x/scale", "patch apps v1 d deployments x scale"),
            ("DELETE", "/apis/apps/v1/namespaces/d/deployments/", "deletecollection apps v1 d deployments  "),
            ("DELETE", "/api/v1/nodes/n", "delete  v1  nodes n "),
            ("HEAD", "/api/v1/nodes", "  v1  nodes  "),
        ] {
            let (target, _) = parse(&method.parse().unwrap(), &url.parse().unwrap());
            let Target::Resource(r) = target else { panic!("{url} is about a path") };
            let got = [r.verb().name(), &r.group, &r.version, &r.namespace, &r.resource, &r.name, &r.subresource];
            assert_eq!(got.join(" "), expected, "{method} {url}");
        }
    }

    #[test]
    fn other_paths_are_left_alone() {
        for url in [
            "/",
            "/api",
            "/api/v1",
            "/apis",
            "/apis/apps",
            "/apis/apps/v1",
            "/healthz/ping",
            "/openapi/v2",
            "//api/v1/pods",
        ] {
            assert_eq!(parse(&Method::GET, &url.parse().unwrap()).0, Target::Path, "{url}");
        }
    }

    #[test]
    fn queries_are_decoded() {
        let query = parse_query("labelSelector=a+in+(x%2Cy)&limit=5&b&c=%zz&d;e=%4&f=%F");
        assert_eq!(value(&query, "labelSelector"), Some("a in (x,y)"));
        for (text, expected) in [("pretty=", None), ("pretty=True", Some(true)), ("pretty=yes", Some(false))] {
            assert_eq!(pretty(&parse_query(text)), expected, "{text}");
        }
        assert_eq!((value(&query, "b"), value(&query, "c"), value(&query, "d")), (Some(""), None, None));
        assert_eq!(query.len(), 3);
    }
}
