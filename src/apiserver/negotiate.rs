//! What a client accepts: how an answer is written, and what it shows.

use super::errors::{Answer, not_acceptable};
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
    /// Only the metadata.
    Metadata(&'static str),
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
}

/// The type of JSON.
pub const JSON: &str = "application/json";
/// The type of YAML.
pub const YAML: &str = "application/yaml";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const JSON_WATCH: &str = "application/json;stream=watch";
const PROTOBUF_WATCH: &str = "application/vnd.kubernetes.protobuf;stream=watch";

impl Accepted {
    /// Reads `Accept` and what goes with it.
    pub fn negotiate(headers: &HeaderMap, pretty: Option<bool>, asked: Asked) -> Answer<Self> {
        let text = |name: HeaderName| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("");
        let gzip = accepts_gzip(headers);
        let agent = text(header::USER_AGENT);
        let for_people = ["curl", "Wget", "Mozilla/5.0"].iter().any(|p| agent.starts_with(p));
        let mut clauses: Vec<Clause> = text(header::ACCEPT).split(',').filter_map(Clause::parse).collect();
        if clauses.is_empty() {
            clauses.push(Clause::default());
        }
        clauses.sort_by(|a, b| b.quality.total_cmp(&a.quality));
        let chosen = clauses.iter().find_map(|clause| clause.accept(asked));
        let Some((yaml, shape)) = chosen else {
            let available: &[&str] = match asked {
                Asked::One => &[JSON, YAML, PROTOBUF],
                Asked::List => &[JSON, YAML, PROTOBUF, JSON_WATCH, PROTOBUF_WATCH],
                Asked::Watch => &[JSON_WATCH, PROTOBUF_WATCH],
            };
            return Err(not_acceptable(available));
        };
        let format = match (yaml, pretty.unwrap_or(for_people) && asked != Asked::Watch) {
            (true, _) => Format::Yaml,
            (false, true) => Format::PrettyJson,
            (false, false) => Format::Json,
        };
        Ok(Self { format, shape, include: Include::default(), gzip })
    }
}

/// Whether a client takes compressed answers.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let encodings = headers.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or("");
    encodings.split(',').any(|encoding| encoding.trim().split(';').next() == Some("gzip"))
}

/// One clause of an `Accept` header.
#[derive(Debug)]
struct Clause {
    media: String,
    parameters: Vec<(String, String)>,
    quality: f32,
}

impl Default for Clause {
    fn default() -> Self {
        Self { media: "*/*".into(), parameters: Vec::new(), quality: 1.0 }
    }
}

impl Clause {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().filter(|media| !media.is_empty())?.to_ascii_lowercase();
        let mut clause = Self { media, ..Self::default() };
        for (key, value) in parts.filter_map(|part| part.split_once('=')) {
            match key.trim() {
                "q" => clause.quality = value.trim().parse().unwrap_or(1.0),
                key => clause.parameters.push((key.into(), value.trim().trim_matches('"').into())),
            }
        }
        Some(clause)
    }

    fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Whether the server can answer so: as YAML or not, and in which shape.
    fn accept(&self, asked: Asked) -> Option<(bool, Shape)> {
        let yaml = match self.media.as_str() {
            "*/*" | "application/*" | JSON => false,
            YAML if asked != Asked::Watch => true,
            _ => return None,
        };
        let version = match (self.parameter("g"), self.parameter("v")) {
            ("meta.k8s.io", "v1") => "meta.k8s.io/v1",
            ("meta.k8s.io", "v1beta1") => "meta.k8s.io/v1beta1",
            _ => "",
        };
        let shape = match (self.parameter("as"), asked) {
            ("", _) => Shape::Whole,
            (_, _) if version.is_empty() => return None,
            ("Table", _) => Shape::Table(version),
            ("PartialObjectMetadataList", Asked::List) | ("PartialObjectMetadata", Asked::One | Asked::Watch) => {
                Shape::Metadata(version)
            }
            _ => return None,
        };
        Some((yaml, shape))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiate(accept: &str, asked: Asked) -> Answer<Accepted> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        Accepted::negotiate(&headers, None, asked)
    }

    #[test]
    fn what_is_accepted() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        let partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
        for (accept, asked, format, shape) in [
            ("", Asked::One, Format::Json, Shape::Whole),
            ("*/*", Asked::One, Format::Json, Shape::Whole),
            ("application/yaml", Asked::List, Format::Yaml, Shape::Whole),
            ("application/yaml;q=0.5, application/json", Asked::One, Format::Json, Shape::Whole),
            ("application/vnd.kubernetes.protobuf,application/json", Asked::One, Format::Json, Shape::Whole),
            (table, Asked::List, Format::Json, Shape::Table("meta.k8s.io/v1")),
            (partial, Asked::List, Format::Json, Shape::Metadata("meta.k8s.io/v1")),
            ("application/json;as=Nosuch;v=v1;g=meta.k8s.io,application/json", Asked::One, Format::Json, Shape::Whole),
        ] {
            let accepted = negotiate(accept, asked).unwrap();
            assert_eq!((accepted.format, accepted.shape), (format, shape), "{accept}");
        }
        for (accept, asked) in [("text/html", Asked::List), ("application/yaml", Asked::Watch), (partial, Asked::One)] {
            assert_eq!(negotiate(accept, asked).unwrap_err().code, 406, "{accept}");
        }
    }
}
