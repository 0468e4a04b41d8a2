//! What a client accepts: how an answer is written, and what it shows.

use super::errors::{Answer, no_such_representation, not_acceptable};
use http::header::{self, HeaderMap, HeaderName};

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// JSON on one line.
    #[default]
    Json,
    /// JSON for people.
    PrettyJson,
    /// YAML.
    Yaml,
}

/// What an answer shows of objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// All.
    #[default]
    Whole,
    /// A table (meta.k8s.io, with the version's name).
    Table(&'static str),
    /// Only the metadata of one object.
    Metadata(&'static str),
    /// Only the metadata of the objects of a list.
    MetadataList(&'static str),
}

/// What a table's rows have beside their cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Include {
    /// Nothing.
    None,
    /// The metadata.
    #[default]
    Metadata,
    /// The object.
    Object,
}

/// What a client accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// How it is written.
    pub format: Format,
    /// What it shows.
    pub shape: Shape,
    /// What rows have beside their cells.
    pub include: Include,
    /// Whether it may be compressed.
    pub gzip: bool,
    /// How a failure is written.
    pub failures: Format,
}

/// What a request reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// One object.
    One,
    /// A list.
    List,
    /// Events.
    Watch,
    /// What the server says of itself: it has one shape.
    Document,
}

/// The type of JSON.
pub const JSON: &str = "application/json";
/// The type of YAML.
pub const YAML: &str = "application/yaml";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const JSON_WATCH: &str = "application/json;stream=watch";
const PROTOBUF_WATCH: &str = "application/vnd.kubernetes.protobuf;stream=watch";
/// What objects can be written in, in the order in which it is preferred. Protobuf is named, but never chosen.
const REPRESENTATIONS: [&str; 3] = [JSON, YAML, PROTOBUF];

impl Accepted {
    /// Reads `Accept` and what goes with it.
    ///
    /// What is built in is reached by routes, which look at `Accept` first, and not as closely.
    ///
    /// # Errors
    /// 406 in the words of whichever of the two turns the request away.
    pub fn negotiate(headers: &HeaderMap, pretty: Option<bool>, asked: Asked, routed: bool) -> Answer<Self> {
        let accept = text(headers, header::ACCEPT);
        if routed && !is_produced(accept, &REPRESENTATIONS) {
            let streams: &[&str] =
                if matches!(asked, Asked::One | Asked::Document) { &[] } else { &[JSON_WATCH, PROTOBUF_WATCH] };
            return Err(no_such_representation(&[&REPRESENTATIONS, streams].concat()));
        }
        let Some((media, shape, is_pretty)) = choose(accept, asked) else {
            return Err(not_acceptable(&REPRESENTATIONS));
        };
        if media == YAML && asked == Asked::Watch {
            return Err(not_acceptable(&[JSON_WATCH, PROTOBUF_WATCH]));
        }
        let is_pretty = asked != Asked::Watch && (is_pretty || for_people(headers, pretty));
        Ok(Self {
            format: Format::of(media, is_pretty),
            shape,
            include: Include::default(),
            gzip: accepts_gzip(headers),
            failures: for_failures(headers, pretty),
        })
    }
}

impl Format {
    fn of(media: &str, is_pretty: bool) -> Self {
        match (media, is_pretty) {
            (YAML, _) => Self::Yaml,
            (_, true) => Self::PrettyJson,
            (_, false) => Self::Json,
        }
    }
}

/// How a failure is written. Where nothing that is accepted fits, it is JSON for people.
pub fn for_failures(headers: &HeaderMap, pretty: Option<bool>) -> Format {
    match choose(text(headers, header::ACCEPT), Asked::Document) {
        Some((media, _, is_pretty)) => Format::of(media, is_pretty || for_people(headers, pretty)),
        None => Format::PrettyJson,
    }
}

/// Whether JSON is to be laid out: as the query says, or because the client is one that people use.
fn for_people(headers: &HeaderMap, pretty: Option<bool>) -> bool {
    let agent = text(headers, header::USER_AGENT);
    pretty.unwrap_or_else(|| ["curl", "Wget", "Mozilla/5.0"].iter().any(|program| agent.starts_with(program)))
}

fn text(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// Whether a route that writes these types is one that `Accept` allows: types alone count, and `*/*`.
pub fn is_produced(accept: &str, types: &[&str]) -> bool {
    let mut media = accept.split(',').map(|clause| clause.split(';').next().unwrap_or("").trim_matches(' '));
    accept.is_empty() || media.any(|media| media == "*/*" || types.contains(&media))
}

/// The first of some types that a client accepts, whatever else it says of them.
pub fn first_of<'a>(headers: &HeaderMap, types: &[&'a str]) -> Option<&'a str> {
    let accept = Some(text(headers, header::ACCEPT)).filter(|accept| !accept.is_empty()).unwrap_or("*/*");
    Clause::parse_all(accept).iter().find_map(|clause| types.iter().find(|media| clause.is_for(media)).copied())
}

/// What is written for an `Accept` header: the type, the shape, and whether it asks for JSON for people.
fn choose(accept: &str, asked: Asked) -> Option<(&'static str, Shape, bool)> {
    if accept.is_empty() {
        return Some((JSON, Shape::Whole, false));
    }
    let clauses = Clause::parse_all(accept);
    let written = [JSON, YAML];
    clauses.iter().find_map(|clause| {
        let media = written.into_iter().filter(|media| clause.is_for(media));
        media.filter_map(|media| Some((media, clause.shape(media, asked)?, clause.parameter("pretty") == "1"))).next()
    })
}

/// Whether a client takes compressed answers.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    text(headers, header::ACCEPT_ENCODING).split(',').any(|encoding| encoding.trim().split(';').next() == Some("gzip"))
}

/// One clause of an `Accept` header.
#[derive(Debug, Default)]
struct Clause<'a> {
    kind: &'a str,
    subtype: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
    quality: f64,
}

impl<'a> Clause<'a> {
    /// The clauses, the best one first.
    fn parse_all(accept: &'a str) -> Vec<Self> {
        let mut clauses: Vec<Self> = accept.split(',').filter_map(Self::parse).collect();
        // Go's sort: what is better is no order, so how it is sorted matters.
        for i in 1..clauses.len() {
            let mut at = i;
            while at > 0 && clauses[at].is_better_than(&clauses[at - 1]) {
                clauses.swap(at, at - 1);
                at -= 1;
            }
        }
        clauses
    }

    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.trim_matches(' ').split(';');
        let media = parts.next().unwrap_or("");
        let (kind, subtype) = match media.split_once('/').unwrap_or((media, "")) {
            (kind, "") if kind.trim_matches(' ') == "*" => ("*", "*"),
            (_, subtype) if subtype.is_empty() || subtype.contains('/') => return None,
            (kind, subtype) => (kind.trim_matches(' '), subtype),
        };
        let mut clause = Self { kind, subtype: subtype.trim_matches(' '), quality: 1.0, ..Self::default() };
        for (key, value) in parts.filter_map(|part| part.split_once('=')) {
            match key.trim_matches(' ') {
                _ if value.is_empty() || value.contains('=') => {}
                "q" => clause.quality = value.parse().unwrap_or(0.0),
                key => clause.parameters.push((key, value.trim_matches(' '))),
            }
        }
        Some(clause)
    }

    fn is_better_than(&self, other: &Self) -> bool {
        self.quality > other.quality
            || self.kind != "*" && other.kind == "*"
            || self.subtype != "*" && other.subtype == "*"
    }

    fn is_for(&self, media: &str) -> bool {
        let (kind, subtype) = media.split_once('/').unwrap_or((media, ""));
        (self.kind == "*" || self.kind == kind) && (self.subtype == "*" || self.kind != "*" && self.subtype == subtype)
    }

    /// The last value of a parameter; empty when it has none.
    fn parameter(&self, name: &str) -> &'a str {
        self.parameters.iter().rev().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }

    /// The shape that it asks for; none when that is not one that the server can give.
    fn shape(&self, media: &str, asked: Asked) -> Option<Shape> {
        let stream = self.parameter("stream");
        if !stream.is_empty() && (stream != "watch" || media != JSON) || !matches!(self.parameter("sv"), "" | "v1") {
            return None;
        }
        if !self.parameters.iter().any(|(key, _)| matches!(*key, "as" | "g" | "v")) {
            return Some(Shape::Whole);
        }
        let version = match (self.parameter("g"), self.parameter("v")) {
            ("meta.k8s.io", "v1") => "meta.k8s.io/v1",
            ("meta.k8s.io", "v1beta1") => "meta.k8s.io/v1beta1",
            _ => return None,
        };
        match self.parameter("as") {
            _ if asked == Asked::Document => None,
            "Table" => Some(Shape::Table(version)),
            "PartialObjectMetadata" => Some(Shape::Metadata(version)),
            "PartialObjectMetadataList" => Some(Shape::MetadataList(version)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(accept: &str) -> HeaderMap {
        [(header::ACCEPT, accept.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn what_is_accepted() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        let partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
        let nosuch = "application/json;as=Nosuch;v=v1;g=meta.k8s.io,application/json";
        for (accept, asked, format, shape) in [
            ("", Asked::One, Format::Json, Shape::Whole),
            ("*/*", Asked::One, Format::Json, Shape::Whole),
            ("application/yaml", Asked::List, Format::Yaml, Shape::Whole),
            ("application/yaml;q=0.5, application/json", Asked::One, Format::Json, Shape::Whole),
            ("application/json;q=0.1,application/yaml", Asked::One, Format::Yaml, Shape::Whole),
            ("application/json;q=x,application/yaml;q=0.1", Asked::One, Format::Yaml, Shape::Whole),
            ("*/*,application/yaml", Asked::One, Format::Yaml, Shape::Whole),
            ("application/yaml;q=0", Asked::One, Format::Yaml, Shape::Whole),
            ("application/json;pretty=1", Asked::List, Format::PrettyJson, Shape::Whole),
            ("application/json;pretty=1", Asked::Watch, Format::Json, Shape::Whole),
            ("application/json;charset=utf-8", Asked::One, Format::Json, Shape::Whole),
            ("application/json;stream=watch", Asked::One, Format::Json, Shape::Whole),
            ("application/vnd.kubernetes.protobuf,application/json", Asked::One, Format::Json, Shape::Whole),
            (table, Asked::List, Format::Json, Shape::Table("meta.k8s.io/v1")),
            (partial, Asked::List, Format::Json, Shape::MetadataList("meta.k8s.io/v1")),
            (nosuch, Asked::One, Format::Json, Shape::Whole),
            (table, Asked::Document, Format::Json, Shape::Whole),
        ] {
            let accepted = Accepted::negotiate(&headers(accept), None, asked, true).unwrap();
            assert_eq!((accepted.format, accepted.shape), (format, shape), "{accept}");
        }
    }

    #[test]
    fn what_is_not_acceptable() {
        let all = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
        let streams = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
        let route = format!("406: Not Acceptable\n\nAvailable representations: {all}");
        let only = |types: &str| format!("only the following media types are accepted: {types}");
        for (accept, asked, routed, message) in [
            ("text/html", Asked::One, true, route.clone()),
            ("application/*", Asked::One, true, route.clone()),
            ("APPLICATION/JSON", Asked::One, true, route.clone()),
            ("text/html", Asked::List, true, format!("{route}, {streams}")),
            ("text/html", Asked::List, false, only(all)),
            ("application/json;stream=nope", Asked::One, true, only(all)),
            ("application/yaml;stream=watch", Asked::One, true, only(all)),
            ("application/json;as=Table", Asked::One, true, only(all)),
            ("application/json;v=v1", Asked::One, true, only(all)),
            ("application/json;as=Table;v=v1;g=meta.k8s.io", Asked::Document, true, only(all)),
            ("application/yaml", Asked::Watch, true, only(streams)),
        ] {
            let failure = Accepted::negotiate(&headers(accept), None, asked, routed).unwrap_err();
            assert_eq!((failure.code, failure.message), (406, message), "{accept}");
        }
        assert!(Accepted::negotiate(&headers("application/*"), None, Asked::List, false).is_ok());
    }

    #[test]
    fn failures_are_written_as_is_accepted() {
        for (accept, agent, pretty, expected) in [
            ("", "test", None, Format::Json),
            ("", "curl/8", None, Format::PrettyJson),
            ("", "curl/8", Some(false), Format::Json),
            ("", "test", Some(true), Format::PrettyJson),
            ("application/yaml", "curl/8", None, Format::Yaml),
            ("text/html", "test", Some(false), Format::PrettyJson),
            ("application/json;as=Table;v=v1;g=meta.k8s.io", "test", None, Format::PrettyJson),
            ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", "test", None, Format::Json),
        ] {
            let mut headers = headers(accept);
            headers.insert(header::USER_AGENT, agent.parse().unwrap());
            assert_eq!(for_failures(&headers, pretty), expected, "{accept} {agent} {pretty:?}");
        }
    }
}
