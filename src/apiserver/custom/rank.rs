//! How Kubernetes ranks versions (API conventions; `version.CompareKubeAwareVersionStrings`).

use std::cmp::Reverse;

/// Released versions first, then betas, then alphas, newer ones first; others last, by name.
pub type VersionRank = (u8, Reverse<(u64, u64)>, String);

/// The rank of a version, the least of the best.
pub fn rank(version: &str) -> VersionRank {
    let parsed = version.strip_prefix('v').and_then(|rest| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let major: u64 = rest[..digits].parse().ok()?;
        let (stage, minor) = match &rest[digits..] {
            "" => (0, 0),
            stage => match (stage.strip_prefix("beta"), stage.strip_prefix("alpha")) {
                (Some(minor), _) => (1, minor.parse().ok()?),
                (_, Some(minor)) => (2, minor.parse().ok()?),
                _ => return None,
            },
        };
        Some((stage, major, minor))
    });
    match parsed {
        Some((stage, major, minor)) => (stage, Reverse((major, minor)), String::new()),
        None => (3, Reverse((0, 0)), version.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ranked() {
        let mut versions = ["v1beta1", "foo", "v2alpha1", "v1", "v10", "bar", "v1beta2", "v2"];
        versions.sort_by_key(|version| rank(version));
        assert_eq!(versions, ["v10", "v2", "v1", "v1beta2", "v1beta1", "v2alpha1", "bar", "foo"]);
    }
}
