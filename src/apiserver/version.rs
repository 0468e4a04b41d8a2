//! The Kubernetes version that the server answers like.

/// The version that fields and behaviour are of.
pub const MAJOR: &str = "1";
/// The minor version.
pub const MINOR: &str = "36";
/// The version of Kubernetes.
pub const VERSION: &str = "v1.36.2";
/// The version of Go with which it would have been built.
const GO_VERSION: &str = "go1.26.6";

/// What `GET /version` says, as JSON whose fields have the order of kube-apiserver's.
pub fn info() -> String {
    let platform = format!("{}/{}", std::env::consts::OS, architecture());
    let fields = [
        ("major", MAJOR),
        ("minor", MINOR),
        ("emulationMajor", MAJOR),
        ("emulationMinor", MINOR),
        ("minCompatibilityMajor", "1"),
        ("minCompatibilityMinor", "35"),
        ("gitVersion", VERSION),
        ("gitCommit", "unknown"),
        ("gitTreeState", "clean"),
        ("buildDate", "1970-01-01T00:00:00Z"),
        ("goVersion", GO_VERSION),
        ("compiler", "gc"),
        ("platform", &platform),
    ];
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name:?}:{value:?}")).collect();
    format!("{{{}}}", fields.join(","))
}

/// The processor, as Go calls it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
