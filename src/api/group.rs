//! Coordinates of the API: group, version, kind and resource (API conventions, "Types (Kinds)" and "Resources").

use std::fmt;

/// An API group and one of its versions, written `group/version`, or only `version` for the core group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupVersion {
    /// The group's name; empty for the core group.
    pub group: String,
    /// The version, such as `v1` or `v1beta1`.
    pub version: String,
}

impl GroupVersion {
    /// Reads an `apiVersion`. A text without a slash is a version of the core group.
    pub fn parse(api_version: &str) -> Self {
        match api_version.split_once('/') {
            Some((group, version)) => Self { group: group.into(), version: version.into() },
            None => Self { group: String::new(), version: api_version.into() },
        }
    }

    /// The kind `kind` of this group and version.
    pub fn with_kind(&self, kind: &str) -> GroupVersionKind {
        GroupVersionKind { group: self.group.clone(), version: self.version.clone(), kind: kind.into() }
    }

    /// The resource `resource` of this group and version.
    pub fn with_resource(&self, resource: &str) -> GroupVersionResource {
        GroupVersionResource { group: self.group.clone(), version: self.version.clone(), resource: resource.into() }
    }

    /// Where this version is served: `/api/v1` for the core group, else `/apis/group/version`.
    pub fn root(&self) -> String {
        if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        }
    }
}

impl fmt::Display for GroupVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() { f.write_str(&self.version) } else { write!(f, "{}/{}", self.group, self.version) }
    }
}

/// The full name of a kind: what `apiVersion` and `kind` of an object say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupVersionKind {
    /// The group's name; empty for the core group.
    pub group: String,
    /// The version, such as `v1`.
    pub version: String,
    /// The kind, such as `Pod`.
    pub kind: String,
}

impl GroupVersionKind {
    /// Makes a name from its three parts.
    pub fn new(group: &str, version: &str, kind: &str) -> Self {
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    /// The group and version.
    pub fn group_version(&self) -> GroupVersion {
        GroupVersion { group: self.group.clone(), version: self.version.clone() }
    }

    /// The value of `apiVersion`.
    pub fn api_version(&self) -> String {
        self.group_version().to_string()
    }

    /// `Kind.group`, or only `Kind` in the core group: how errors name a kind.
    pub fn group_kind(&self) -> String {
        qualified(&self.kind, &self.group)
    }
}

/// As Go prints it: `group/version, Kind=kind`, with the slash in the core group too.
impl fmt::Display for GroupVersionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}, Kind={}", self.group, self.version, self.kind)
    }
}

/// The full name of a resource: what a URL says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupVersionResource {
    /// The group's name; empty for the core group.
    pub group: String,
    /// The version, such as `v1`.
    pub version: String,
    /// The plural, lower-case name, such as `pods`.
    pub resource: String,
}

impl GroupVersionResource {
    /// Makes a name from its three parts.
    pub fn new(group: &str, version: &str, resource: &str) -> Self {
        Self { group: group.into(), version: version.into(), resource: resource.into() }
    }

    /// The group and version.
    pub fn group_version(&self) -> GroupVersion {
        GroupVersion { group: self.group.clone(), version: self.version.clone() }
    }

    /// `resource.group`, or only `resource` in the core group: how errors name a resource.
    pub fn group_resource(&self) -> String {
        qualified(&self.resource, &self.group)
    }
}

/// As Go prints it: `group/version, Resource=resource`, with the slash in the core group too.
impl fmt::Display for GroupVersionResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}, Resource={}", self.group, self.version, self.resource)
    }
}

/// `name.group`, or only `name` where the group is empty.
pub fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() { name.into() } else { format!("{name}.{group}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_versions_read_and_write_back() {
        for (text, group, version, root) in
            [("v1", "", "v1", "/api/v1"), ("apps/v1", "apps", "v1", "/apis/apps/v1"), ("", "", "", "/api/")]
        {
            let gv = GroupVersion::parse(text);
            assert_eq!((gv.group.as_str(), gv.version.as_str()), (group, version));
            assert_eq!(gv.to_string(), text);
            assert_eq!(gv.root(), root);
        }
        assert_eq!(GroupVersionKind::new("apps", "v1", "Deployment").group_kind(), "Deployment.apps");
        assert_eq!(GroupVersionKind::new("", "v1", "Pod").to_string(), "/v1, Kind=Pod");
        assert_eq!(GroupVersionResource::new("", "v1", "pods").group_resource(), "pods");
    }
}
