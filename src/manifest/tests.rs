//! What is named, what is read, and what is said where that fails; the words were recorded from kubectl 1.37.1.

use super::{Check, Input, Sources, as_utf8, items, metadata, url};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

/// A folder of files that goes when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("steer-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let path = {
            fs::create_dir_all(&path).unwrap();
            path.canonicalize().unwrap()
        };
        for folder in ["d/sub/deep", "d/a.yaml.d", "empty", "text", "links", "z.yaml", "kustom", "multi"] {
            fs::create_dir_all(path.join(folder)).unwrap();
        }
        for file in [
            "d/a.yaml",
            "d/b.yml",
            "d/c.json",
            "d/t.txt",
            "d/B.yaml",
            "d/U.YAML",
            "d/.hidden.yaml",
            "d/sub/s.yaml",
            "d/sub/deep/dp.yaml",
            "text/x.txt",
            "z.yaml/zz.yaml",
            "one.yaml",
            "two.yaml",
            "we[ir]d.yaml",
            "kustom/kustomization.yaml",
        ] {
            fs::write(path.join(file), "").unwrap();
        }
        symlink("../d/a.yaml", path.join("links/link.yaml")).unwrap();
        symlink("../d/sub", path.join("links/folder")).unwrap();
        symlink("nowhere", path.join("links/broken.yaml")).unwrap();
        symlink("d", path.join("dlink")).unwrap();
        Self(path)
    }

    fn sources(&self, filenames: &[&str], recursive: bool) -> Sources {
        let absolute = |name: &&str| match *name {
            "-" => "-".to_owned(),
            name if name.contains("://") => name.to_owned(),
            name => format!("{}/{name}", self.0.display()),
        };
        Sources { filenames: filenames.iter().map(absolute).collect(), kustomize: None, recursive }
    }

    /// What is found, or what is wrong, without the path of the folder.
    fn read(&self, sources: &Sources) -> Vec<String> {
        let shown: Vec<String> = match sources.inputs() {
            Ok(inputs) => inputs.iter().map(|input| input.name().to_owned()).collect(),
            Err(errors) => errors.iter().map(ToString::to_string).collect(),
        };
        let root = format!("{}/", self.0.display());
        shown.iter().map(|text| text.replace(&root, "")).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_are_found_in_kubectls_order() {
    let folder = Folder::new("inputs");
    let d = &["d/.hidden.yaml", "d/B.yaml", "d/a.yaml", "d/b.yml", "d/c.json"];
    let deep = &[d as &[&str], &["d/sub/deep/dp.yaml", "d/sub/s.yaml"]].concat();
    for (names, recursive, found) in [
        (&["one.yaml", "two.yaml", "one.yaml"] as &[&str], false, &["one.yaml", "two.yaml", "one.yaml"] as &[&str]),
        (&["d"], false, d),
        (&["./d//"], false, d),
        (&["d"], true, deep),
        (&["text/x.txt"], false, &["text/x.txt"]),
        (&["links"], true, &["links/broken.yaml", "links/link.yaml"]),
        (&["dlink"], false, &["dlink"]),
        (&["dlink/"], false, &["dlink/.hidden.yaml", "dlink/B.yaml", "dlink/a.yaml", "dlink/b.yml", "dlink/c.json"]),
        (&["z.yaml"], false, &["z.yaml/zz.yaml"]),
        (&["t*.yaml"], false, &["two.yaml"]),
        (&["d/*.yaml"], false, &["d/.hidden.yaml", "d/B.yaml", "d/a.yaml"]),
        (&["?/[a-c].*"], false, &["d/a.yaml", "d/b.yml", "d/c.json"]),
        (&["we[ir]d.yaml"], false, &["we[ir]d.yaml"]),
        (&["one.yaml", "empty"], false, &["one.yaml"]),
        (&["-", "http://h/a.yaml"], false, &["STDIN", "http://h/a.yaml"]),
        (&["nosuch.yaml"], false, &["the path \"nosuch.yaml\" does not exist"]),
        (&["no*.yaml"], false, &["the path \"no*.yaml\" does not exist"]),
        (&["links/broken.yaml"], false, &["the path \"links/broken.yaml\" does not exist"]),
        (&["a", "one.yaml", "b"], false, &["the path \"a\" does not exist", "the path \"b\" does not exist"]),
        (&["empty", "one.yaml"], false, &["error reading [empty]: recognized file extensions are [.json .yaml .yml]"]),
        (&["text"], true, &["error reading [text]: recognized file extensions are [.json .yaml .yml]"]),
        (&["we[i"], false, &["pattern \"we[i\" is not valid: syntax error in pattern"]),
        (&["one.yaml/x"], false, &["the path \"one.yaml/x\" cannot be accessed: stat one.yaml/x: not a directory"]),
        (&["-", "-"], false, &["standard input cannot be used for multiple arguments"]),
        (
            &["http://[::1/x"],
            false,
            &[
                "the URL passed to filename \"http://[::1/x\" is not valid: parse \"http://[::1/x\": missing ']' in host",
            ],
        ),
    ] {
        assert_eq!(folder.read(&folder.sources(names, recursive)), found, "{names:?}");
    }
}

#[test]
fn kustomizations_are_told_apart() {
    let folder = Folder::new("kustomize");
    let path = folder.0.display();
    let kustomize = |name: &str| Sources { kustomize: Some(format!("{path}/{name}")), ..Sources::default() };
    let kustom = format!("{path}/kustom");
    assert_eq!(kustomize("kustom").inputs(), Ok(vec![Input::Kustomization(kustom)]));
    let both = Sources { filenames: vec!["a".into()], recursive: true, ..kustomize("multi") };
    assert_eq!(
        folder.read(&both),
        ["only one of -f or -k can be specified", "the -k flag can't be used with -f or -R"]
    );
}

#[test]
fn files_are_read_or_refused() {
    let folder = Folder::new("read");
    let path = |name: &str| format!("{}/{name}", folder.0.display());
    assert_eq!(Input::read_file(&path("one.yaml")), Ok(Vec::new()));
    for (name, told) in [
        ("links/broken.yaml", "open links/broken.yaml: no such file or directory"),
        ("dlink", "error parsing dlink: read dlink: is a directory"),
    ] {
        let error = Input::read_file(&path(name)).unwrap_err().to_string();
        assert_eq!(error.replace(&path(""), ""), told);
    }
}

#[test]
fn marks_tell_the_encoding() {
    for (bytes, text) in [
        (&b"a: \xc3\xa9"[..], "a: é"),
        (b"\xef\xbb\xbfa", "a"),
        (b"\xff\xfea\0\xe9\0\x3d\xd8\0\xde", "aé😀"),
        (b"\xfe\xff\0a\0\xe9", "aé"),
        (b"\xff\xfea\0\0\xd8b", "a\u{fffd}\u{fffd}"),
        (b"a\xff\xe2\x82\"\xf0\x9f\x98", "a\u{fffd}\u{fffd}\"\u{fffd}"),
    ] {
        assert_eq!(as_utf8(bytes.to_vec()), text.as_bytes());
    }
}

#[test]
fn urls_are_looked_at() {
    for (text, problem) in [
        ("http://127.0.0.1:1/x.yaml?a=b%", None),
        ("https://[::1]:8080/a%20b", None),
        ("http://user:p@host/", None),
        ("http://h:port/", Some("invalid port \":port\" after host")),
        ("http://[::1]x/", Some("invalid port \"x\" after host")),
        ("http://a b/", Some("invalid character \" \" in host name")),
        ("http://h/%zz", Some("invalid URL escape \"%zz\"")),
        ("http://h/\u{7f}", Some("net/url: invalid control character in URL")),
    ] {
        assert_eq!(url::problem(text).as_deref(), problem, "{text}");
    }
}

/// The objects of a text as `kind/name@document:line`, those of lists with a `*`, and the errors.
fn read(text: &str, check: Check) -> Vec<String> {
    let shown = |item: super::Item| {
        let name = item.object.pointer("/metadata/name").and_then(|name| name.as_str()).unwrap_or_default().to_owned();
        let (kind, star) = (item.object["kind"].as_str().unwrap(), if item.place.item.is_some() { "*" } else { "" });
        format!("{kind}/{name}{star}@{}:{}", item.place.document, item.place.line)
    };
    items("f", text.as_bytes(), check)
        .into_iter()
        .map(|item| item.map_or_else(|error| error.to_string(), shown))
        .collect()
}

#[test]
fn documents_and_lists_become_objects() {
    const A: &str = "{apiVersion: v1, kind: A, metadata: {name: a}}";
    const B: &str = "{apiVersion: v1, kind: B, metadata: {name: b}}";
    for (text, found) in [
        (format!("{A}\n---\n# nothing\n---\n{B}\n"), &["A/a@0:1", "B/b@2:5"] as &[&str]),
        (format!("kind: List\napiVersion: v1\nitems: [{A}, {B}]"), &["A/a*@0:1", "B/b*@0:1"]),
        ("kind: List\napiVersion: v1\nitems: null".into(), &[]),
        ("kind: AList\napiVersion: v1\nitems: [{metadata: {name: a}}]".into(), &["A/a*@0:1"]),
        ("kind: A\napiVersion: v1\nitems: [{metadata: {name: a}}]".into(), &["A/a*@0:1"]),
        ("kind: List\napiVersion: v1".into(), &["List/@0:1"]),
        (r#"{"kind":"A","apiVersion":"v1"} {"kind":"B","apiVersion":"v1"}"#.into(), &["A/@0:1", "B/@1:1"]),
        (
            format!("kind: List\napiVersion: v1\nitems: [{A}, {{kind: X}}, {{apiVersion: v1}}, {B}]\n---\n{A}\n"),
            &[
                "A/a*@0:1",
                "unable to get type info from the object \"*unstructured.Unstructured\": Object 'apiVersion' is missing in 'object has no apiVersion field'",
                "unable to get type info from the object \"*unstructured.Unstructured\": Object 'Kind' is missing in 'object has no kind field '",
                "B/b*@0:1",
                "A/a@1:5",
            ],
        ),
        (
            format!("kind: List\napiVersion: v1\nitems: [{A}, {{kind: List, apiVersion: v1, items: []}}]"),
            &["*unstructured.Unstructured is not a list: no Items field in this object"],
        ),
        (
            format!("{A}\n---\nx: 1\n---\n{B}"),
            &["A/a@0:1", "unable to decode \"f\": Object 'Kind' is missing in '{\"x\":1}'", "B/b@2:5"],
        ),
        ("{ \"x\": 1.0 }\n".into(), &["unable to decode \"f\": Object 'Kind' is missing in '{ \"x\": 1.0 }'"]),
        (
            "items: [1]".into(),
            &["unable to decode \"f\": json: cannot unmarshal number into Go value of type map[string]interface {}"],
        ),
        ("items: [{}]".into(), &["unable to decode \"f\": Object 'Kind' is missing in '{\"items\":[{}]}'"]),
        (
            "kind: A\nitems: a".into(),
            &[
                "unable to decode \"f\": json: cannot unmarshal string into Go struct field decodeList.items of type []json.RawMessage",
            ],
        ),
        (
            "[1]".into(),
            &["unable to decode \"f\": json: cannot unmarshal array into Go value of type unstructured.detector"],
        ),
        (
            format!("{A}\n---\na: b: c\n---\n{B}"),
            &[
                "A/a@0:1",
                "error parsing f: error converting YAML to JSON: yaml: mapping values are not allowed in this context",
            ],
        ),
    ] {
        assert_eq!(read(&text, Check::No), found, "{text}");
    }
}

#[test]
fn what_is_checked_is_told_in_other_words() {
    for (text, told) in [
        ("x: 1", "[apiVersion not set, kind not set]"),
        ("kind: A", "apiVersion not set"),
        ("kind: 5\napiVersion: v1", "kind isn't string type"),
        ("[1]", "invalid object to validate"),
        ("kind: List\napiVersion: v1", "invalid object to validate"),
        ("kind: List\napiVersion: v1\nitems: [{kind: A}, {kind: B}]", "apiVersion not set"),
        ("kind: List\napiVersion: v1\nitems: [{kind: A}, {apiVersion: v1}]", "[apiVersion not set, kind not set]"),
    ] {
        let expected = format!(
            "error validating \"f\": error validating data: {told}; if you choose to ignore these errors, turn validation off with --validate=false"
        );
        assert_eq!(read(text, Check::Strict), [expected], "{text}");
    }
    assert_eq!(read("kind: AList\napiVersion: v1\nitems: [{}]", Check::Strict), ["A/*@0:1"]);
}

#[test]
fn types_of_metadata_are_checked() {
    const TIME: &str = "as \"2006-01-02T15:04:05Z07:00\": cannot parse";
    for (fields, problem) in [
        (
            "metadata: a",
            "json: cannot unmarshal string into Go struct field metadataOnlyObject.metadata of type v1.ObjectMeta",
        ),
        (
            "apiVersion: 5",
            "json: cannot unmarshal number into Go struct field metadataOnlyObject.TypeMeta.apiVersion of type string",
        ),
        (
            "metadata: {labels: {a: 1}}",
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
        ),
        (
            "metadata: {labels: [a]}",
            "json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string",
        ),
        (
            "metadata: {annotations: {a: true}}",
            "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.annotations of type string",
        ),
        (
            "metadata: {name: {a: b}}",
            "json: cannot unmarshal object into Go struct field ObjectMeta.metadata.name of type string",
        ),
        (
            "metadata: {uid: 5}",
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.uid of type types.UID",
        ),
        (
            "metadata: {generation: 1.5}",
            "json: cannot unmarshal number 1.5 into Go struct field ObjectMeta.metadata.generation of type int64",
        ),
        (
            "metadata: {generation: a}",
            "json: cannot unmarshal string into Go struct field ObjectMeta.metadata.generation of type int64",
        ),
        (
            "metadata: {finalizers: a}",
            "json: cannot unmarshal string into Go struct field ObjectMeta.metadata.finalizers of type []string",
        ),
        (
            "metadata: {finalizers: [1]}",
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.finalizers of type string",
        ),
        (
            "metadata: {ownerReferences: a}",
            "json: cannot unmarshal string into Go struct field ObjectMeta.metadata.ownerReferences of type []v1.OwnerReference",
        ),
        (
            "metadata: {ownerReferences: [a]}",
            "json: cannot unmarshal string into Go struct field ObjectMeta.metadata.ownerReferences of type v1.OwnerReference",
        ),
        (
            "metadata: {ownerReferences: [{controller: a}]}",
            "json: cannot unmarshal string into Go struct field OwnerReference.metadata.ownerReferences.controller of type bool",
        ),
        (
            "metadata: {creationTimestamp: 5}",
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string",
        ),
        ("metadata: {creationTimestamp: junk}", &format!("parsing time \"junk\" {TIME} \"junk\" as \"2006\"")),
        (
            "metadata: {managedFields: [{time: 2001-01-01}]}",
            &format!("parsing time \"2001-01-01\" {TIME} \"\" as \"T\""),
        ),
        (
            "metadata: {deletionTimestamp: 2001-13-01T00:00:00Z}",
            "parsing time \"2001-13-01T00:00:00Z\": month out of range",
        ),
        (
            "metadata: {deletionTimestamp: 2001-01-01T00:00:00Zx}",
            "parsing time \"2001-01-01T00:00:00Zx\": extra text: \"x\"",
        ),
        (
            "metadata: {name: x, labels: null, Labels: 5, creationTimestamp: null, generation: 1, annotations: {a: null}}",
            "",
        ),
        ("metadata: {creationTimestamp: 2001-02-03T04:05:06.5+07:00, managedFields: [{fieldsV1: {}, time: null}]}", ""),
    ] {
        let value = crate::yaml::from_str(fields).unwrap();
        let found = metadata::check(value.as_object().unwrap()).err().unwrap_or_default();
        assert_eq!(found, problem, "{fields}");
    }
}
